//! Findings that were there when a project began to look.
//!
//! The file is made to be read in a review: a line of text for each finding,
//! no line numbers. It knows no disk; whoever reads the file hands its text
//! in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Key;

/// The version of the file's form.
const SCHEMA: u32 = 1;

/// Findings that are known, and how often each may occur.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    known: BTreeMap<Entry, usize>,
}

/// A known finding; its path is relative to the file of the baseline.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Entry {
    path: String,
    rule: String,
    text: String,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    findings: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: String,
    rule: String,
    text: String,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    count: usize,
}

fn one() -> usize {
    1
}

fn is_one(count: &usize) -> bool {
    *count == 1
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not the form of one.
    #[error("this is no baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// It was written by a later release.
    #[error("this baseline has the form {0}, and this release knows form {SCHEMA}")]
    Schema(u32),
}

impl Baseline {
    /// Of these findings.
    pub fn of<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Baseline {
        let mut known = BTreeMap::new();
        for key in keys {
            *known.entry(Entry::of(key)).or_default() += 1;
        }
        Baseline { known }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let document: Document = serde_json::from_str(text)?;
        if document.schema != SCHEMA {
            return Err(BaselineError::Schema(document.schema));
        }
        let mut known = BTreeMap::new();
        for Line { path, rule, text, count } in document.findings {
            *known.entry(Entry { path, rule, text }).or_default() += count;
        }
        Ok(Baseline { known })
    }

    /// The text of its file, in an order that does not depend on the run.
    ///
    /// # Errors
    ///
    /// Those of the JSON writer.
    pub fn text(&self) -> Result<String, BaselineError> {
        let line = |(entry, count): (&Entry, &usize)| Line {
            path: entry.path.clone(),
            rule: entry.rule.clone(),
            text: entry.text.clone(),
            count: *count,
        };
        let document = Document { schema: SCHEMA, findings: self.known.iter().map(line).collect() };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }

    /// Whether a finding is known; each occurrence is, as often as it was.
    pub fn take(&mut self, key: &Key) -> bool {
        match self.known.get_mut(&Entry::of(key)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// How many known findings in these files did not occur.
    pub fn left_over(&self, is_judged: impl Fn(&str) -> bool) -> usize {
        self.known.iter().filter(|(entry, _)| is_judged(&entry.path)).map(|(_, count)| count).sum()
    }
}

impl Entry {
    fn of(key: &Key) -> Entry {
        Entry { path: key.path.clone(), rule: key.rule.to_owned(), text: key.text.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_taken_as_often_as_it_was_there() {
        let key = |text: &str| Key { path: "a.conf".to_owned(), rule: "timeout-zero", text: text.to_owned() };
        let written = Baseline::of([&key("a 0;"), &key("b 0;"), &key("a 0;")]);
        let mut baseline = Baseline::parse(&written.text().expect("JSON")).expect("a baseline");
        assert_eq!(baseline, written);
        let taken: Vec<bool> = ["a 0;", "a 0;", "a 0;", "c 0;"].map(|text| baseline.take(&key(text))).into();
        assert_eq!(taken, [true, true, false, false]);
        assert_eq!(baseline.left_over(|path| path == "a.conf"), 1);
        assert_eq!(baseline.left_over(|_| false), 0);
    }

    #[test]
    fn another_file_is_refused() {
        for text in ["", "{}", "{\"schema\": 2, \"findings\": []}", "{\"schema\": 1, \"findings\": [], \"x\": 1}"] {
            assert!(Baseline::parse(text).is_err(), "{text}");
        }
    }
}
