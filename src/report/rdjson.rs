//! The diagnostics of reviewdog, `rdjson`: columns are counted in bytes.

use std::io::{self, Write};

use serde::Serialize;

use crate::engine::Severity;
use crate::source;

use super::{Report, Shown, json};

#[derive(Serialize)]
struct Document<'a> {
    source: Source,
    diagnostics: Vec<Diagnostic<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    message: String,
    location: Location,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    range: Range,
    text: &'a str,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    location: Location,
}

/// Writes the document and a line feed.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let unread = report.unread.iter().map(|unread| Diagnostic {
        message: format!("could not be read: {}", unread.reason),
        location: Location { path: unread.path.to_string_lossy().into_owned(), range: None },
        severity: "ERROR",
        code: None,
        suggestions: Vec::new(),
        related_locations: Vec::new(),
    });
    let source = Source { name: env!("CARGO_PKG_NAME") };
    let diagnostics = unread.chain(report.findings.iter().map(diagnostic)).collect();
    json::write_value(&Document { source, diagnostics }, out)
}

fn diagnostic<'a>(shown: &'a Shown<'_>) -> Diagnostic<'a> {
    let finding = shown.finding;
    Diagnostic {
        message: shown.explanation(),
        location: location(shown, finding.place.location),
        severity: match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
        code: Some(Code { value: finding.rule.name, url: finding.url() }),
        suggestions: suggestions(shown),
        related_locations: finding
            .labels
            .iter()
            .map(|label| Related { message: &label.text, location: location(shown, label.location) })
            .collect(),
    }
}

/// The edits of a fix that lie in the finding's own file: a suggestion has no
/// path.
fn suggestions<'a>(shown: &'a Shown<'_>) -> Vec<Suggestion<'a>> {
    let edits = shown.finding.fix.iter().flat_map(|fix| &fix.edits);
    let own_file = shown.finding.place.location.file;
    if edits.clone().any(|edit| edit.location.file != own_file) {
        return Vec::new();
    }
    edits.map(|edit| Suggestion { range: range(shown, edit.location), text: &edit.text }).collect()
}

fn location(shown: &Shown<'_>, location: source::Location) -> Location {
    Location { path: shown.path(location), range: Some(range(shown, location)) }
}

fn range(shown: &Shown<'_>, location: source::Location) -> Range {
    Range { start: position(shown, location, location.span.start), end: position(shown, location, location.span.end) }
}

fn position(shown: &Shown<'_>, location: source::Location, offset: u32) -> Position {
    let source = shown.source(location.file);
    let line = source.line(offset);
    Position { line, column: offset - source.line_span(line).start + 1 }
}
