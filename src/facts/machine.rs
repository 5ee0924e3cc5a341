//! The machine and its limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The machine that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Machine {
    /// CPUs that are online: what `worker_processes auto` counts.
    pub cpus: Option<u64>,
    /// CPUs that processes of this machine may run on.
    pub usable_cpus: Option<u64>,
    /// The quota of the control group, in thousandths of a CPU.
    pub cpu_quota_thousandths: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of memory that the control group allows.
    pub memory_limit: Option<u64>,
    /// Files that the whole machine may have open (`fs.file-max`).
    pub file_max: Option<u64>,
    /// Files that it has open.
    pub files_open: Option<u64>,
    /// Files that a process can ever be allowed to open (`fs.nr_open`).
    pub nr_open: Option<u64>,
    /// First and last local port of outgoing connections
    /// (`net.ipv4.ip_local_port_range`).
    pub local_ports: Option<(u16, u16)>,
    /// The longest queue of a listening socket (`net.core.somaxconn`).
    pub somaxconn: Option<u64>,
    /// Addresses that this machine does not have may be listened on
    /// (`net.ipv4.ip_nonlocal_bind`).
    pub nonlocal_bind: Option<bool>,
    /// Whether the kernel has IPv6.
    pub ipv6: Option<bool>,
    /// The addresses of this machine, without brackets.
    pub addresses: Option<Vec<String>>,
    /// Outgoing connections of TCP by where they lead to, those that wait for
    /// their end included; only where there are many.
    pub outgoing: BTreeMap<String, u64>,
    /// The container this was looked at from, such as `docker`; empty for
    /// none.
    pub container: Option<String>,
    /// What the machine says of SELinux; none where it has none.
    pub selinux: Option<Selinux>,
    /// Lines of /etc/security/limits.conf and limits.d about open files, as
    /// `FILE:LINE: TEXT`.
    pub limits_conf: Vec<String>,
}

/// The state of SELinux.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selinux {
    /// It denies, and does not only note.
    pub enforcing: bool,
    /// The boolean `httpd_can_network_connect`.
    pub network_connect: Option<bool>,
    /// The ports of the types that nginx may connect to without it, where
    /// they could be found out.
    pub http_ports: Option<Vec<u16>>,
    /// The domain that the running nginx is confined to, such as `httpd_t`.
    pub domain: Option<String>,
}

/// A socket that listens on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListeningSocket {
    /// Address and port: `127.0.0.1:80`, `[::]:80`; a socket of the file
    /// system as `unix:/run/app.sock`.
    pub address: String,
    /// Whether it is for datagrams.
    pub udp: bool,
    /// The process that has it, where that may be known: `node`.
    pub process: Option<String>,
    /// Its number.
    pub pid: Option<u32>,
    /// So many connections wait to be accepted.
    pub waiting: Option<u64>,
    /// So many may wait.
    pub backlog: Option<u64>,
    /// Of an address of IPv6: it takes no connections of IPv4.
    pub only_ipv6: Option<bool>,
}
