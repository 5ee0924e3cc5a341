//! What is wrong on this machine: rules that judge what `doctor` saw.
//! Without facts they are silent.

pub mod live_upstream_refused;
