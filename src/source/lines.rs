//! Offsets to lines and columns.

use super::Span;

/// A place as a person names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// Bytes are characters, so that columns need no counting.
    ascii: bool,
}

impl LineIndex {
    /// Finds the line feeds of a text.
    pub fn new(text: &str) -> LineIndex {
        let mut starts = vec![0];
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        starts.extend(feeds.map(|(offset, _)| offset as u32 + 1));
        LineIndex { starts, ascii: text.is_ascii() }
    }

    /// The line of an offset, counted from 1.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    /// Line and column of an offset.
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        let before = text.get(start..offset as usize).unwrap_or_default();
        let characters = if self.ascii { before.len() } else { before.chars().count() };
        Position { line, column: characters as u32 + 1 }
    }

    /// The span of a line without its end-of-line characters.
    pub fn span(&self, text: &str, line: u32) -> Span {
        let index = (line.max(1) as usize - 1).min(self.starts.len() - 1);
        let start = self.starts[index] as usize;
        let end = self.starts.get(index + 1).map_or(text.len(), |next| *next as usize - 1);
        let line_text = text.get(start..end).unwrap_or_default();
        Span::new(start, start + line_text.trim_end_matches('\r').len())
    }

    /// How many lines there are; an empty text has one.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "\u{e4}b\r\n\tc";
        let lines = LineIndex::new(text);
        assert_eq!(lines.position(text, 2), Position { line: 1, column: 2 });
        assert_eq!(lines.position(text, 6), Position { line: 2, column: 2 });
        assert_eq!(lines.position(text, 99), Position { line: 2, column: 1 });
        assert_eq!(lines.span(text, 1), Span::new(0, 3));
        assert_eq!(lines.span(text, 2), Span::new(5, 7));
    }
}
