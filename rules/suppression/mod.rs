//! Rules about comments that tell nginx-lint what to ignore.

pub mod invalid_suppression;
pub mod unused_suppression;
