//! What becomes of findings before they are shown: which are the same as
//! before, which were accepted, which count.
//!
//! It knows findings and the files they lie in. It judges nothing, prints
//! nothing and opens no file.

mod fingerprint;

pub use fingerprint::{Key, fingerprints, key_of};
