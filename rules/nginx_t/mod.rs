//! What nginx itself refuses to start or reload with.

pub mod conflicting_listen;
pub mod conflicting_server_name;
pub mod duplicate_upstream;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_address;
pub mod invalid_listen;
pub mod invalid_server_name;
pub mod lookalike_character;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod upstream_empty;
