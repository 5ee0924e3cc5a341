//! Rules about where requests are passed on to.

pub mod proxy_pass_localhost;
pub mod upstream_with_port_in_variable_pass;
