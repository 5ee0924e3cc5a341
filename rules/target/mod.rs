//! Rules about where requests are passed on to.

pub mod grpc_listener_without_http2;
pub mod http_scheme_to_tls_port;
pub mod https_scheme_to_plain_port;
pub mod multiple_pass_directives;
pub mod non_http_pass_to_http_port;
pub mod non_http_target_for_proxy_pass;
pub mod pass_not_inherited_by_nested_location;
pub mod proxy_pass_localhost;
pub mod proxy_pass_self_loop;
pub mod return_shadows_pass;
pub mod static_regex_shadows_proxy;
pub mod target_protocol_mismatch_own_listener;
pub mod upstream_in_wrong_block;
pub mod upstream_with_port_in_variable_pass;
