//! Rules about TLS, to clients and to upstreams.

pub mod proxy_ssl_client_cert_incomplete;
pub mod proxy_ssl_directives_without_tls;
pub mod proxy_ssl_protocols_mismatch;
pub mod proxy_ssl_sni_is_group_name;
pub mod proxy_ssl_sni_off;
pub mod proxy_ssl_verify_group_name;
pub mod proxy_ssl_verify_ip_target;
pub mod proxy_ssl_verify_off;
