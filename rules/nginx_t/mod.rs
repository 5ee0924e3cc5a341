//! What nginx itself refuses to start or reload with.

pub mod conflicting_listen;
pub mod conflicting_server_name;
pub mod duplicate_upstream;
pub mod include_cycle;
pub mod include_missing;
pub mod incomplete_mail_server;
pub mod invalid_address;
pub mod invalid_listen;
pub mod invalid_resolver;
pub mod invalid_server_name;
pub mod invalid_sticky;
pub mod invalid_upstream;
pub mod lookalike_character;
pub mod missing_listen;
pub mod missing_semicolon;
pub mod not_enough_worker_connections;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod upstream_empty;
