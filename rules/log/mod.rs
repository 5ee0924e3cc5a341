//! What the logs say, and what can only be told from them. Without a log they
//! are silent.

pub mod log_too_big_header;
pub mod log_unusable_target;
