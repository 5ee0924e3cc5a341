//! What the logs say, and what can only be told from them. Without a log they
//! are silent.

pub mod log_auth_request_status;
pub mod log_body_too_large;
pub mod log_broken_proxy_protocol;
pub mod log_buffered_to_disk;
pub mod log_named_location_missing;
pub mod log_no_live_upstreams;
pub mod log_redirection_cycle;
pub mod log_requests_limited;
pub mod log_too_big_header;
pub mod log_worker_connections_exhausted;
