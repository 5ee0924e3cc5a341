//! Totals of a run.

use serde::Serialize;

use crate::engine::{Finding, Severity};

/// How much was found, in how many files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Findings shown, by severity.
    pub errors: usize,
    /// See above.
    pub warnings: usize,
    /// See above.
    pub infos: usize,
    /// Findings that somebody said are to be ignored.
    pub suppressed: usize,
    /// Findings that were there before, by the baseline.
    pub baselined: usize,
    /// Findings shown that can be mended automatically.
    pub fixable: usize,
    /// Files that could not be read, and arguments that named nothing.
    #[serde(skip)]
    pub unread: usize,
}

impl Summary {
    /// Counts one finding that is shown.
    pub fn add(&mut self, finding: &Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Info => self.infos += 1,
        }
        self.fixable += usize::from(finding.fix.is_some());
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let kinds = [(self.errors, "error"), (self.warnings, "warning"), (self.infos, "info")];
        let found: Vec<String> =
            kinds.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| counted(count, word)).collect();
        let found = if found.is_empty() { "nothing wrong".to_owned() } else { found.join(", ") };
        match (self.files, self.unread) {
            (0, 1..) => "nothing could be checked".to_owned(),
            (files, 0) => format!("{found} in {}", counted(files, "file")),
            (files, unread) => format!("{found} in {}; {unread} could not be checked", counted(files, "file")),
        }
    }
}

fn counted(count: usize, word: &str) -> String {
    match (count, word) {
        (1, _) | (_, "info") => format!("{count} {word}"),
        _ => format!("{count} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn the_line_counts_as_people_do() {
        let some = Summary { files: 3, errors: 1, warnings: 2, ..Summary::default() };
        assert_eq!(some.line(), "1 error, 2 warnings in 3 files");
        assert_eq!(Summary { files: 1, ..Summary::default() }.line(), "nothing wrong in 1 file");
        let partly = Summary { files: 1, unread: 2, ..Summary::default() };
        assert_eq!(partly.line(), "nothing wrong in 1 file; 2 could not be checked");
        assert_eq!(Summary { unread: 1, ..Summary::default() }.line(), "nothing could be checked");
    }
}
