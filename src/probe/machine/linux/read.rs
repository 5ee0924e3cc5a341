//! Reading the small files in which Linux says what it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::super::Sources;
use super::missed::Missed;

/// The most that is read of one file.
const MOST: u64 = 4 * 1024 * 1024;

/// The text of a file; what is not UTF-8 in it is replaced.
pub(super) fn text(sources: &Sources, path: impl AsRef<Path>) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(sources.at(path))?.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same; none when it is not there, and when it may not be read, which is
/// then noted.
pub(super) fn text_or_missed(sources: &Sources, path: &str, missed: &mut Missed) -> Option<String> {
    text(sources, path).inspect_err(|error| missed.add_unless_missing(path, error)).ok()
}

/// The numbers in a file.
pub(super) fn numbers(sources: &Sources, path: &str, missed: &mut Missed) -> Option<Vec<u64>> {
    let text = text_or_missed(sources, path, missed)?;
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

/// The first number in a file.
pub(super) fn number(sources: &Sources, path: &str, missed: &mut Missed) -> Option<u64> {
    numbers(sources, path, missed)?.first().copied()
}

/// What follows `Name:` on a line of its own.
pub(super) fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
