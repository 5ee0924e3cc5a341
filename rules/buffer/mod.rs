//! Rules about the memory and files that hold what passes through.

pub mod auth_locations_default_buffer_size;
pub mod big_header_wrong_knob;
pub mod buffering_off_disables_cache;
pub mod client_body_limit_above_backend;
pub mod large_client_header_buffers_vhost;
pub mod proxy_buffering_off_globally;
