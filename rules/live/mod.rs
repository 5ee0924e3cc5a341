//! What is wrong on this machine: rules that judge what `doctor` saw.
//! Without facts they are silent.

pub mod live_backend_idle_timeout;
pub mod live_backlog_above_somaxconn;
pub mod live_configuration_not_loaded;
pub mod live_container_loopback;
pub mod live_cpu_quota_vs_workers;
pub mod live_disk_full;
pub mod live_dns_unresolvable;
pub mod live_ephemeral_ports;
pub mod live_file_not_readable;
pub mod live_listen_address_missing;
pub mod live_localhost_dual_stack;
pub mod live_nginx_not_running;
pub mod live_nofile_limits_conf_ineffective;
pub mod live_port_in_use;
pub mod live_proxy_bind_not_local;
pub mod live_resolver;
pub mod live_rlimit_vs_connections;
pub mod live_running_version;
pub mod live_selinux_connect;
pub mod live_server_certificate;
pub mod live_temp_and_log_dirs;
pub mod live_tls_vs_plain;
pub mod live_unix_socket;
pub mod live_upstream_certificate;
pub mod live_upstream_refused;
pub mod live_upstream_tls_handshake;
pub mod live_upstream_unreachable;
pub mod live_wrong_protocol;
