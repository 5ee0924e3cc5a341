//! What nginx itself refuses to start or reload with.

pub mod block_in_data;
pub mod conflicting_root;
pub mod duplicate_location;
pub mod duplicate_mime_type;
pub mod duplicate_upstream;
pub mod include_cycle;
pub mod include_missing;
pub mod invalid_charset_map;
pub mod invalid_condition;
pub mod invalid_error_page;
pub mod invalid_geo;
pub mod invalid_location;
pub mod invalid_map;
pub mod invalid_referers;
pub mod invalid_return;
pub mod invalid_rewrite;
pub mod invalid_split_clients;
pub mod invalid_try_files;
pub mod invalid_types;
pub mod lookalike_character;
pub mod misplaced_location;
pub mod missing_semicolon;
pub mod proxy_pass_missing_scheme;
pub mod proxy_pass_uri_forbidden;
pub mod syntax_error;
pub mod upstream_empty;
