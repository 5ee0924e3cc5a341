//! What nginx itself refuses to start or reload with.

pub mod deprecated_directive;
pub mod directive_not_allowed_here;
pub mod duplicate_directive;
pub mod duplicate_upstream;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_argument_count;
pub mod invalid_value;
pub mod load_module_too_late;
pub mod lookalike_character;
pub mod missing_block;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod unexpected_block;
pub mod unknown_directive;
pub mod upstream_empty;
