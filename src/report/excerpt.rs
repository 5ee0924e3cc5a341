//! The few lines around the places of one finding, ready for miette.
//!
//! A text of its own, so that miette never scans a whole file: lines of
//! several files, one hunk after another, each long line cut down to a window
//! around what matters.

use std::collections::BTreeMap;

use miette::{LabeledSpan, MietteError, SourceCode, SourceSpan, SpanContents};

use crate::source::{FileId, Location, SourceFile, Span};

/// Lines shown before and behind a place.
const CONTEXT: u32 = 1;

/// Characters of a long line that are shown.
const WINDOW: usize = 110;

/// Characters shown in front of the place in a long line.
const BEFORE: usize = 30;

const CUT: &str = "…";

/// A place with its text.
pub struct Mark<'a> {
    pub location: Location,
    pub text: Option<&'a str>,
    pub primary: bool,
}

/// Lines of one file that follow each other.
struct Hunk {
    name: String,
    /// Offset of its text in the excerpt.
    start: usize,
    end: usize,
    lines: Vec<Line>,
}

struct Line {
    number: u32,
    /// Offset of the line in the excerpt.
    start: usize,
    /// What is shown, in bytes of the file.
    shown: Span,
    /// Bytes of the mark in front of what is shown.
    lead: usize,
}

/// See the module.
pub struct Excerpt {
    text: String,
    hunks: Vec<Hunk>,
    /// The places of the finding.
    pub labels: Vec<LabeledSpan>,
    /// Line and column in the file of each label's begin.
    positions: Vec<(usize, usize, usize)>,
}

impl Excerpt {
    /// The excerpt for some marks, the primary one's file first.
    pub fn new<'f>(marks: &[Mark<'_>], source: impl Fn(FileId) -> &'f SourceFile) -> Excerpt {
        let mut excerpt = Excerpt { text: String::new(), hunks: Vec::new(), labels: Vec::new(), positions: Vec::new() };
        for file in files_in_order(marks) {
            excerpt.add_file(file, source(file), marks);
        }
        excerpt
    }

    fn add_file(&mut self, file: FileId, source: &SourceFile, marks: &[Mark<'_>]) {
        let mut of_line: BTreeMap<u32, Vec<&Mark<'_>>> = BTreeMap::new();
        for mark in marks.iter().filter(|mark| mark.location.file == file) {
            of_line.entry(source.line(mark.location.span.start)).or_default().push(mark);
        }
        let mut lines: Vec<u32> = Vec::new();
        for line in of_line.keys() {
            let behind_the_known = lines.last().map_or(1, |known| known + 1);
            let first = line.saturating_sub(CONTEXT).max(behind_the_known);
            let last = (line + CONTEXT).min(last_line(source)).max(*line);
            lines.extend(first..=last);
        }
        let mut rest = &lines[..];
        while let Some(first) = rest.first() {
            let length = rest.iter().enumerate().take_while(|(index, line)| **line == first + *index as u32).count();
            self.add_hunk(source, &rest[..length], &of_line);
            rest = &rest[length..];
        }
    }

    fn add_hunk(&mut self, source: &SourceFile, lines: &[u32], marks: &BTreeMap<u32, Vec<&Mark<'_>>>) {
        let start = self.text.len();
        let mut hunk = Hunk { name: source.to_string(), start, end: start, lines: Vec::new() };
        for number in lines {
            let marks = marks.get(number).map(Vec::as_slice).unwrap_or_default();
            let line = self.add_line(source, *number, marks);
            for mark in marks {
                self.add_label(source, &line, mark);
            }
            hunk.lines.push(line);
        }
        hunk.end = self.text.len();
        self.hunks.push(hunk);
        // Hunks must not touch, or a label at the end of one would be drawn
        // into the next.
        self.text.push('\n');
    }

    fn add_line(&mut self, source: &SourceFile, number: u32, marks: &[&Mark<'_>]) -> Line {
        let whole = source.line_span(number);
        let shown = window(source.slice(whole), whole, marks.first().map(|mark| mark.location.span.start));
        let start = self.text.len();
        if shown.start > whole.start {
            self.text.push_str(CUT);
        }
        let lead = self.text.len() - start;
        // A carriage return inside a line would go back to its beginning.
        self.text.push_str(&source.slice(shown).replace('\r', " "));
        if shown.end < whole.end {
            self.text.push_str(CUT);
        }
        self.text.push('\n');
        Line { number, start, shown, lead }
    }

    fn add_label(&mut self, source: &SourceFile, line: &Line, mark: &Mark<'_>) {
        let span = mark.location.span;
        // A place that goes on on the next line is shown to the end of this.
        let begin = span.start.clamp(line.shown.start, line.shown.end);
        let end = span.end.clamp(begin, line.shown.end);
        let offset = line.start + line.lead + (begin - line.shown.start) as usize;
        let span = SourceSpan::new(offset.into(), (end - begin) as usize);
        let text = mark.text.map(str::to_owned);
        self.labels.push(if mark.primary {
            LabeledSpan::new_primary_with_span(text, span)
        } else {
            LabeledSpan::new_with_span(text, span)
        });
        let position = source.position(mark.location.span.start);
        self.positions.push((offset, position.line as usize - 1, position.column as usize - 1));
    }

    fn hunk_of(&self, span: &SourceSpan) -> Option<&Hunk> {
        let end = span.offset() + span.len();
        self.hunks.iter().find(|hunk| hunk.start <= span.offset() && end <= hunk.end)
    }
}

/// The last line with anything on it: a line feed at the end begins no line
/// worth showing.
fn last_line(source: &SourceFile) -> u32 {
    let last = source.line_count();
    if last > 1 && source.line_span(last).is_empty() { last - 1 } else { last }
}

fn files_in_order(marks: &[Mark<'_>]) -> Vec<FileId> {
    let mut files: Vec<FileId> = Vec::new();
    for mark in marks {
        if !files.contains(&mark.location.file) {
            files.push(mark.location.file);
        }
    }
    files
}

/// The part of a line to show: all of it, or a window around `at`.
fn window(text: &str, whole: Span, at: Option<u32>) -> Span {
    if text.len() <= WINDOW || text.chars().nth(WINDOW).is_none() {
        return whole;
    }
    let at = at.map_or(0, |at| (at.saturating_sub(whole.start) as usize).min(text.len()));
    let before = text[..text.floor_char_boundary(at)].char_indices().rev();
    let start = before.take(BEFORE).last().map_or(0, |(index, _)| index);
    let start = if text[..start].chars().count() <= CUT.chars().count() { 0 } else { start };
    let end = text[start..].char_indices().nth(WINDOW).map_or(text.len(), |(index, _)| start + index);
    Span { start: whole.start + start as u32, end: whole.start + end as u32 }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let hunk = self.hunk_of(span).ok_or(MietteError::OutOfBounds)?;
        // Without context miette only wants to know where a label begins.
        if before == 0 && after == 0 {
            let position = self.positions.iter().find(|(offset, _, _)| *offset == span.offset());
            let (_, line, column) = position.copied().unwrap_or((0, 0, 0));
            let text = &self.text.as_bytes()[span.offset()..span.offset() + span.len()];
            return Ok(Box::new(contents(hunk, *span, text, line, column, 1)));
        }
        let whole = SourceSpan::new(hunk.start.into(), hunk.end - hunk.start);
        let text = &self.text.as_bytes()[hunk.start..hunk.end];
        let first_line = hunk.lines.first().map_or(0, |line| line.number as usize - 1);
        Ok(Box::new(contents(hunk, whole, text, first_line, 0, hunk.lines.len())))
    }
}

fn contents<'a>(
    hunk: &Hunk,
    span: SourceSpan,
    text: &'a [u8],
    line: usize,
    column: usize,
    count: usize,
) -> miette::MietteSpanContents<'a> {
    miette::MietteSpanContents::new_named(hunk.name.clone(), text, span, line, column, count)
}
