//! Rules about groups of servers.

pub mod duplicate_upstream_server;
pub mod fail_timeout_long_single_failure;
pub mod ip_hash_same_subnet;
pub mod keepalive_connection_not_cleared;
pub mod keepalive_missing_http_version;
pub mod max_conns_rejects_not_queues;
pub mod max_conns_without_zone;
pub mod max_fails_default_multi_server;
pub mod max_fails_noop_single_server;
pub mod next_upstream_http_errors_eject_pool;
pub mod undefined_upstream_typo;
pub mod unused_upstream;
pub mod upstream_all_servers_down;
pub mod upstream_name_as_host_header;
pub mod upstream_server_missing_port;
pub mod upstream_zone_missing_multi_worker;
