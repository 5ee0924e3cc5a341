//! Rules about groups of servers.

pub mod all_servers_down;
