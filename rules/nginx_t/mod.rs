//! What nginx itself refuses to start or reload with.

pub mod duplicate_log_format;
pub mod duplicate_upstream;
pub mod duplicate_variable;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_log;
pub mod invalid_regex;
pub mod lookalike_character;
pub mod malformed_variable;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod unknown_log_format;
pub mod unknown_variable;
pub mod upstream_empty;
