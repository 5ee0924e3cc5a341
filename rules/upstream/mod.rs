//! Rules about groups of servers.

pub mod backup_with_hash_balancer;
pub mod duplicate_upstream_server;
pub mod fail_timeout_long_single_failure;
pub mod ip_hash_same_subnet;
pub mod keepalive_connection_not_cleared;
pub mod keepalive_missing_http_version;
pub mod keepalive_needs_upstream;
pub mod keepalive_pins_backend_workers;
pub mod keepalive_smaller_than_group;
pub mod lb_method_after_keepalive;
pub mod max_conns_rejects_not_queues;
pub mod max_conns_without_zone;
pub mod max_fails_default_multi_server;
pub mod max_fails_noop_single_server;
pub mod multiple_balancing_methods;
pub mod next_upstream_http_errors_eject_pool;
pub mod undefined_upstream_typo;
pub mod unused_upstream;
pub mod upstream_all_servers_down;
pub mod upstream_keepalive_missing;
pub mod upstream_keepalive_on_by_default;
pub mod upstream_keepalive_outlives_backend;
pub mod upstream_keepalive_timeout_zero;
pub mod upstream_name_as_host_header;
pub mod upstream_server_missing_port;
pub mod upstream_zone_missing_multi_worker;
