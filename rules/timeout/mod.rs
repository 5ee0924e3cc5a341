//! Rules about timeouts and retries.

pub mod client_keepalive_shorter_than_lb;
pub mod connect_timeout_beyond_kernel;
pub mod connect_timeout_too_long_for_failover;
pub mod grpc_read_timeout_streams;
pub mod next_upstream_blocked_by_unbuffered_request;
pub mod next_upstream_missing_error;
pub mod next_upstream_non_idempotent;
pub mod next_upstream_off_with_peers;
pub mod next_upstream_timeout_is_not_a_deadline;
pub mod next_upstream_unbounded;
pub mod read_timeout_excessive;
pub mod resolver_timeout_default;
pub mod stream_proxy_timeout_default;
pub mod timeout_equals_default;
pub mod timeout_unit_suspicious;
pub mod timeout_wrong_protocol_family;
pub mod timeout_zero;
pub mod websocket_read_timeout_default;
pub mod worker_shutdown_timeout_missing;
