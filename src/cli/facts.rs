//! What was seen of a machine, saved and read again.

use std::io;
use std::path::Path;

use crate::facts::{Facts, SCHEMA};
use crate::fix::write_whole;

use super::Failure;

/// Reads what was saved.
///
/// # Errors
///
/// When it cannot be read, or was saved by a version with another form.
pub fn read(path: &Path) -> Result<Facts, Failure> {
    let fail = |reason: String| Failure::Message(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let facts: Facts = serde_json::from_str(&text).map_err(|error| fail(format!("these are no facts: {error}")))?;
    if facts.schema == SCHEMA {
        Ok(facts)
    } else {
        Err(fail(format!("the facts have form {}, and this version reads form {SCHEMA}", facts.schema)))
    }
}

/// Saves what was seen.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(path: &Path, facts: &Facts) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::Message(format!("cannot write {}: {error}", path.display()));
    let mut text = serde_json::to_string_pretty(facts).map_err(|error| fail(error.into()))?;
    text.push('\n');
    let written = match path.exists() {
        true => write_whole(path, text.as_bytes()),
        false => std::fs::write(path, text),
    };
    written.map_err(fail)
}
