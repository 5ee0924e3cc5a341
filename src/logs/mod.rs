//! Reads the logs of nginx: which messages are known, and what they name.
//!
//! Logs are bytes: nginx writes into them what clients sent. It knows nothing
//! of the configuration; what a message is about there is found in the model.
//! However much there is in a log, what is kept of it is bounded.

mod access;
mod follow;
mod gather;
mod line;
mod lines;
mod memo;
mod php_fpm;
mod read;
mod signatures;
mod tally;
mod time;

pub use access::AccessFormat;
pub use follow::Follower;
pub use gather::Gatherer;
pub use line::Line;
pub use read::{Kind, Source, read, rotated};
pub use signatures::{Known, recognise};
pub use time::{minutes_between, since_text};

#[cfg(test)]
mod tests;
