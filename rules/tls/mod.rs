//! Rules about TLS, to clients and to upstreams.
