//! Rules about names and resolvers.

pub mod resolver_docker_dns_outside_docker;
pub mod resolver_has_no_effect_on_static;
pub mod resolver_ignores_etc_hosts;
pub mod resolver_ignores_search_domains;
pub mod resolver_ipv6_unreachable_backend;
pub mod resolver_is_a_hostname;
pub mod resolver_public_dns_for_internal_names;
pub mod static_hostname_resolved_once;
pub mod static_peer_shadows_variable;
pub mod variable_in_uri_needs_resolver;
pub mod variable_pass_without_resolver;
