//! Rules about worker processes and the limits of the system.

pub mod worker_connections_exceed_nofile;
