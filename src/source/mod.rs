//! Files as bytes, and places in them.
//!
//! A [`SourceFile`] keeps what the user wrote byte for byte, and beside it a
//! *text* of exactly the same length that is safe to lex and to print: bytes
//! that are not UTF-8 and characters that could steer a terminal are replaced
//! one byte for one byte. A [`Span`] therefore means the same place in both.
//!
//! This room knows nothing of nginx: no tokens, no directives, no file system.

mod lines;
mod text;

pub use lines::{LineIndex, Position};
pub use text::{Text, is_harmless, one_line, printable};

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The largest file that is read, in bytes. Offsets are 32 bits wide, and a
/// configuration of this size is a mistake in the path, not a configuration.
pub const LARGEST_FILE: u64 = 128 * 1024 * 1024;

/// Which file of a run; an index into the list of files that the tree holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

impl FileId {
    /// The index into the list of files.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A half-open range of byte offsets in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// A span from `start` up to, and without, `end`.
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end);
        Span { start: start as u32, end: end as u32 }
    }

    /// The empty span in front of the byte at `offset`.
    pub fn at(offset: usize) -> Span {
        Span::new(offset, offset)
    }

    /// The smallest span that holds both.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as a range for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many bytes it covers.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it covers no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A span together with the file it lies in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// The place in it.
    pub span: Span,
}

/// One file of the configuration.
#[derive(Debug)]
pub struct SourceFile {
    path: PathBuf,
    text: Text,
    lines: OnceLock<LineIndex>,
}

impl SourceFile {
    /// A file under the name that findings show for it.
    ///
    /// The caller has seen to it that `bytes` is no longer than
    /// [`LARGEST_FILE`].
    pub fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> SourceFile {
        SourceFile { path: path.into(), text: Text::new(bytes), lines: OnceLock::new() }
    }

    /// The name that findings show.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the user wrote.
    pub fn bytes(&self) -> &[u8] {
        self.text.bytes()
    }

    /// The same, safe to lex and to print: equal length, valid UTF-8, without
    /// control characters other than tab, line feed and carriage return.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// The text of a span; empty when the span does not fit the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text().get(span.range()).unwrap_or_default()
    }

    /// What the bytes of a span mean to a reader of values: the text where it
    /// is faithful, else every byte that is not UTF-8 mapped to a character of
    /// its own, so that different bytes stay different.
    pub fn value(&self, span: Span) -> std::borrow::Cow<'_, str> {
        self.text.value(span.range())
    }

    /// Whether text and bytes are the same.
    pub fn is_faithful(&self) -> bool {
        self.text.is_faithful()
    }

    /// Line and column of an offset, both counted from 1; columns count
    /// characters.
    pub fn position(&self, offset: u32) -> Position {
        self.lines().position(self.text(), offset)
    }

    /// The line an offset lies on, counted from 1.
    pub fn line(&self, offset: u32) -> u32 {
        self.lines().line(offset)
    }

    /// The span of a line without its line feed (and carriage return); `line`
    /// counts from 1.
    pub fn line_span(&self, line: u32) -> Span {
        self.lines().span(self.text(), line)
    }

    /// How many lines the file has; an empty file has one.
    pub fn line_count(&self) -> u32 {
        self.lines().count()
    }

    fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(self.text()))
    }
}

impl fmt::Display for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.path.to_string_lossy()))
    }
}
