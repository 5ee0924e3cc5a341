//! What could not be looked at.

use std::io;

use crate::facts::NotExamined;

/// What could not be looked at, so far.
#[derive(Default, Debug)]
pub(super) struct Missed {
    /// In the order in which it was tried.
    pub entries: Vec<NotExamined>,
}

impl Missed {
    /// Something that could not be looked at, and why in words.
    pub fn add(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.entries.push(NotExamined { what: what.into(), why: why.into() });
    }

    /// A file that could not be read; nothing if it is not there.
    pub fn add_unless_missing(&mut self, what: impl Into<String>, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.add(what, in_words(error));
        }
    }
}

/// An error of the system in words.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            text.to_lowercase()
        }
    }
}
