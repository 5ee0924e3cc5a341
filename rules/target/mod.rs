//! Rules about where requests are passed on to.

pub mod hardcoded_container_ip;
pub mod http10_to_modern_backend;
pub mod proxy_pass_decoded_uri;
pub mod proxy_pass_localhost;
pub mod proxy_pass_map_without_default;
pub mod proxy_pass_trailing_slash_mismatch;
pub mod proxy_pass_uri_ignored_by_rewrite;
pub mod proxy_pass_variable_drops_args;
pub mod proxy_pass_variable_missing_scheme;
pub mod proxy_pass_variable_uri_replaces_path;
pub mod proxy_redirect_lost;
pub mod unix_socket_in_tmp;
pub mod unix_socket_uri_without_colon;
pub mod upstream_with_port_in_variable_pass;
pub mod variable_pass_without_port;
