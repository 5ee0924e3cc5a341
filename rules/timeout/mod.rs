//! Rules about timeouts and retries.

pub mod timeout_wrong_protocol_family;
pub mod timeout_zero;
