//! Reads the logs of nginx: which messages are known, and what they name.
//!
//! Logs are bytes: nginx writes into them what clients sent. It knows nothing
//! of the configuration; what a message is about there is found in the model.

mod gather;
mod line;
mod shim;
pub use shim::*;
mod signatures;

pub use gather::Gatherer;
pub use line::Line;
pub use signatures::{Known, recognise};
