//! What nginx itself refuses to start or reload with.

pub mod buffer_sizes;
pub mod conflicting_zone;
pub mod duplicate_upstream;
pub mod hash_bucket_too_small;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_address;
pub mod invalid_cache;
pub mod invalid_listen;
pub mod invalid_ssl;
pub mod invalid_thread_pool;
pub mod invalid_worker_setting;
pub mod invalid_zone;
pub mod lookalike_character;
pub mod missing_certificate;
pub mod missing_events;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod ssl_prerequisite;
pub mod syntax_error;
pub mod unknown_zone;
pub mod upstream_empty;
