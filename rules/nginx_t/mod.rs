//! What nginx itself refuses to start or reload with.

pub mod conflicting_root;
pub mod duplicate_location;
pub mod duplicate_upstream;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_condition;
pub mod invalid_error_page;
pub mod invalid_location;
pub mod invalid_return;
pub mod invalid_rewrite;
pub mod invalid_try_files;
pub mod lookalike_character;
pub mod misplaced_location;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod upstream_empty;
