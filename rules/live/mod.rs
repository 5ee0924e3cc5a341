//! What is wrong on this machine: rules that judge what `doctor` saw.
//! Without facts they are silent.

pub mod live_dns_unresolvable;
pub mod live_resolver;
pub mod live_server_certificate;
pub mod live_tls_vs_plain;
pub mod live_upstream_certificate;
pub mod live_upstream_refused;
pub mod live_upstream_tls_handshake;
pub mod live_wrong_protocol;
