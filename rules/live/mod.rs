//! What is wrong on this machine: rules that judge what `doctor` saw.
//! Without facts they are silent.

pub mod live_container_loopback;
pub mod live_ephemeral_ports;
pub mod live_localhost_dual_stack;
pub mod live_proxy_bind_not_local;
pub mod live_selinux_connect;
pub mod live_unix_socket;
pub mod live_upstream_refused;
pub mod live_upstream_unreachable;
