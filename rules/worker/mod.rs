//! Rules about worker processes and the limits of the system.

pub mod ephemeral_ports_exhaustion;
pub mod worker_connections_exceed_nofile;
pub mod worker_connections_low;
pub mod worker_connections_memory;
pub mod worker_connections_used_up_by_listeners;
pub mod worker_processes_auto_in_container;
pub mod worker_processes_one;
pub mod worker_rlimit_needs_privilege;
pub mod worker_rlimit_nofile_tight;
