//! Findings as people and programs want them, a file a format.
//!
//! It gets findings and the files they lie in, and writes text to whatever it
//! is given. It knows no rule, judges nothing and opens no file. miette is
//! known here alone.

mod checkstyle;
mod concise;
mod examined;
mod excerpt;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod rdjson;
mod sarif;
mod statistics;
mod summary;

pub use examined::Examined;
pub use full::{Style, write_problem};
pub use json::write_value;
pub use statistics::write as write_statistics;
pub use summary::Summary;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::engine::Finding;
use crate::source::{FileId, Location, Position, SourceFile};
use crate::tree::Tree;

/// A way to write a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The lines at fault, why, and what to write instead.
    Full,
    /// A line for each finding.
    Concise,
    /// One JSON document.
    Json,
    /// A JSON document for each finding, on a line of its own.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// Code quality of GitLab.
    Gitlab,
    /// A report of tests.
    Junit,
    /// The XML of Checkstyle.
    Checkstyle,
    /// Diagnostics of reviewdog.
    Rdjson,
}

impl Format {
    /// Whether findings are known again by their fingerprints in it.
    pub fn has_fingerprints(self) -> bool {
        matches!(self, Format::Sarif | Format::Gitlab)
    }

    /// Whether it says what was looked at beyond the configuration.
    pub fn has_examined(self) -> bool {
        matches!(self, Format::Full | Format::Json)
    }
}

/// Writes a report; the style is for [`Format::Full`] alone.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Full => full::write(report, style, out),
        Format::Concise => concise::write(report, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => json::write_lines(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Checkstyle => checkstyle::write(report, out),
        Format::Rdjson => rdjson::write(report, out),
    }
}

/// A finding and all that is needed to show it.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The configuration it is about.
    pub tree: &'a Tree,
    /// By what it is known again in another run; empty unless a format asks.
    pub fingerprint: String,
}

/// A file of the configuration that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// All that one run has to say.
#[derive(Debug)]
pub struct Report<'a> {
    /// The findings to show, in order.
    pub findings: Vec<Shown<'a>>,
    /// What could not be read.
    pub unread: &'a [Unread],
    /// Totals.
    pub summary: Summary,
    /// What was looked at beyond the configuration, if anything was.
    pub examined: Option<Examined<'a>>,
}

/// A path as programs compare it, without `./` in front.
fn plain(path: &Path) -> &Path {
    path.strip_prefix("./").unwrap_or(path)
}

impl<'a> Report<'a> {
    /// The findings of each file, in order.
    fn by_file(&self) -> Vec<(String, Vec<&Shown<'a>>)> {
        let mut files: Vec<(String, Vec<&Shown<'a>>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for shown in &self.findings {
            let path = shown.path(shown.finding.place.location);
            let index = *known.entry(path.clone()).or_insert(files.len());
            if index == files.len() {
                files.push((path, Vec::new()));
            }
            files[index].1.push(shown);
        }
        files
    }
}

impl<'a> Shown<'a> {
    /// Message, note and help, each on lines of its own.
    fn explanation(&self) -> String {
        let finding = self.finding;
        let mut text = finding.message.clone();
        let more = [("note", &finding.note), ("help", &finding.help)];
        for (word, more) in more {
            if let Some(more) = more {
                text.push_str(&format!("\n{word}: {more}"));
            }
        }
        text
    }

    /// The path of the file of a place.
    fn path(&self, location: Location) -> String {
        plain(self.source(location.file).path()).to_string_lossy().into_owned()
    }

    fn source(&self, file: FileId) -> &'a SourceFile {
        &self.tree.file(file).source
    }

    /// Begin and end of a place.
    fn positions(&self, location: Location) -> (Position, Position) {
        let source = self.source(location.file);
        (source.position(location.span.start), source.position(location.span.end))
    }

    /// Path and line of each `include` on the way to the finding, the
    /// innermost first.
    fn included_from(&self) -> impl Iterator<Item = (&'a SourceFile, u32)> {
        let tree = self.tree;
        tree.included_from(self.finding.place.inclusion).map(move |include| {
            let source = &tree.file(tree.node(include).file).source;
            (source, source.line(tree.words(include)[0].span.start))
        })
    }
}
