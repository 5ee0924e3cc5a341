//! What becomes of findings before they are shown: which are the same as
//! before, which were accepted, which count.
//!
//! It knows findings, the files they lie in, and what a project wants. It judges nothing, prints
//! nothing and opens no file.

mod baseline;
mod directive;
mod fingerprint;
mod selection;
mod suppression;

pub use baseline::{Baseline, BaselineError};
pub use fingerprint::{Key, fingerprints, key_of};
pub use selection::{Selection, means};
pub use suppression::{Suppressions, today};
