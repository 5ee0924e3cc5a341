//! Rules about groups of servers.

pub mod keepalive_connection_not_cleared;
pub mod keepalive_missing_http_version;
pub mod max_conns_without_zone;
pub mod upstream_all_servers_down;
