//! What the logs say, and what can only be told from them. Without a log they
//! are silent.

pub mod log_ambiguous_length;
pub mod log_auth_request_status;
pub mod log_body_too_large;
pub mod log_broken_proxy_protocol;
pub mod log_buffered_to_disk;
pub mod log_client_gave_up;
pub mod log_invalid_body;
pub mod log_invalid_header;
pub mod log_named_location_missing;
pub mod log_no_live_upstreams;
pub mod log_own_bad_gateway;
pub mod log_php_fpm_pool_exhausted;
pub mod log_primary_script_unknown;
pub mod log_redirection_cycle;
pub mod log_request_send_timed_out;
pub mod log_requests_limited;
pub mod log_response_cut_short;
pub mod log_response_stalled;
pub mod log_response_timed_out;
pub mod log_too_big_header;
pub mod log_unusable_target;
pub mod log_upstream_closed;
pub mod log_upstream_refuses_body;
pub mod log_worker_connections_exhausted;
