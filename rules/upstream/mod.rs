//! Rules about groups of servers.

pub mod backup_with_hash_balancer;
pub mod keepalive_connection_not_cleared;
pub mod keepalive_missing_http_version;
pub mod keepalive_needs_upstream;
pub mod keepalive_pins_backend_workers;
pub mod keepalive_smaller_than_group;
pub mod lb_method_after_keepalive;
pub mod max_conns_without_zone;
pub mod multiple_balancing_methods;
pub mod upstream_all_servers_down;
pub mod upstream_keepalive_missing;
pub mod upstream_keepalive_on_by_default;
pub mod upstream_keepalive_outlives_backend;
pub mod upstream_keepalive_timeout_zero;
