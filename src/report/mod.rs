//! Findings as people and programs want them: `full`, `concise`, `json`.
//!
//! It gets findings and the files they lie in, and writes text to whatever it
//! is given. It knows no rule, judges nothing and opens no file. miette is
//! known here alone.

mod concise;
mod excerpt;
mod full;
mod json;
mod summary;

pub use concise::write as write_concise;
pub use full::{Style, write as write_full};
pub use json::write as write_json;
pub use summary::Summary;

use std::path::PathBuf;

use crate::engine::Finding;
use crate::source::{FileId, Location, Position, SourceFile};
use crate::tree::Tree;

/// A finding and all that is needed to show it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The configuration it is about.
    pub tree: &'a Tree,
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
}

impl<'a> Shown<'a> {
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
