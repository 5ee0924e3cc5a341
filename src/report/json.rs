//! One JSON document, version 1 of its schema. Lines and columns count from
//! 1, columns in characters; `start` and `end` of edits are byte offsets.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::engine::{Evidence, Group, Severity};
use crate::facts::NotExamined;
use crate::source::{Location, is_harmless};

use super::{Report, Shown, Summary};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    findings: Vec<JsonFinding<'a>>,
    unread: Vec<JsonUnread<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examined: Option<JsonExamined<'a>>,
    summary: &'a Summary,
}

#[derive(Serialize)]
struct JsonExamined<'a> {
    counts: BTreeMap<&'static str, usize>,
    not_examined: &'a [NotExamined],
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    group: Group,
    severity: Severity,
    refused: bool,
    message: &'a str,
    note: Option<&'a str>,
    help: Option<&'a str>,
    url: Option<&'a str>,
    #[serde(flatten)]
    place: JsonPlace,
    labels: Vec<JsonLabel<'a>>,
    included_from: Vec<JsonInclude>,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
    fix: Option<JsonFix<'a>>,
}

#[derive(Serialize)]
struct JsonPlace {
    path: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    #[serde(flatten)]
    place: JsonPlace,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonInclude {
    path: String,
    line: u32,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    safe: bool,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    path: String,
    start: u32,
    end: u32,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonUnread<'a> {
    path: String,
    reason: &'a str,
}

/// Writes the document and a line feed.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let unread = report.unread.iter();
    let document = Document {
        schema: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        findings: report.findings.iter().map(finding).collect(),
        unread: unread
            .map(|unread| JsonUnread { path: unread.path.to_string_lossy().into_owned(), reason: &unread.reason })
            .collect(),
        examined: report.examined.as_ref().map(|examined| JsonExamined {
            counts: examined.counts().into_iter().collect(),
            not_examined: &examined.facts.not_examined,
        }),
        summary: &report.summary,
    };
    write_value(&document, out)
}

/// Writes each finding on a line of its own, in the same shape, and behind
/// them what could not be read.
///
/// # Errors
///
/// Those of the writer.
pub fn write_lines(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for shown in &report.findings {
        writeln!(out, "{}", harmless(serde_json::to_string(&finding(shown))?))?;
    }
    for unread in report.unread {
        let line = JsonUnread { path: unread.path.to_string_lossy().into_owned(), reason: &unread.reason };
        writeln!(out, "{}", harmless(serde_json::to_string(&line)?))?;
    }
    Ok(())
}

/// Writes a document of any shape and a line feed.
///
/// # Errors
///
/// Those of the writer.
pub fn write_value(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", harmless(serde_json::to_string_pretty(value)?))
}

/// The same document, with what could steer a terminal written as escapes; it
/// can stand in strings only.
fn harmless(document: String) -> String {
    if is_harmless(&document) {
        return document;
    }
    let mut escaped = String::with_capacity(document.len() + 64);
    for character in document.chars() {
        if is_harmless(character.encode_utf8(&mut [0; 4])) {
            escaped.push(character);
        } else {
            escaped.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    escaped
}

fn finding<'a>(shown: &'a Shown<'_>) -> JsonFinding<'a> {
    let finding = shown.finding;
    JsonFinding {
        rule: finding.rule.name,
        group: finding.rule.group,
        severity: finding.severity,
        refused: finding.refused,
        message: &finding.message,
        note: finding.note.as_deref(),
        help: finding.help.as_deref(),
        url: finding.url(),
        place: place(shown, finding.place.location),
        labels: labels(shown),
        included_from: shown
            .included_from()
            .map(|(source, line)| JsonInclude { path: path(source.path()), line })
            .collect(),
        count: finding.count,
        evidence: finding.evidence.as_ref(),
        fix: fix(shown),
    }
}

fn labels<'a>(shown: &'a Shown<'_>) -> Vec<JsonLabel<'a>> {
    let labels = shown.finding.labels.iter();
    labels.map(|label| JsonLabel { place: place(shown, label.location), text: &label.text }).collect()
}

fn fix<'a>(shown: &'a Shown<'_>) -> Option<JsonFix<'a>> {
    let fix = shown.finding.fix.as_ref()?;
    let edits = fix.edits.iter().map(|edit| JsonEdit {
        path: path(shown.source(edit.location.file).path()),
        start: edit.location.span.start,
        end: edit.location.span.end,
        text: &edit.text,
    });
    Some(JsonFix { title: &fix.title, safe: fix.safe, edits: edits.collect() })
}

fn place(shown: &Shown<'_>, location: Location) -> JsonPlace {
    let (begin, end) = shown.positions(location);
    JsonPlace {
        path: path(shown.source(location.file).path()),
        line: begin.line,
        column: begin.column,
        end_line: end.line,
        end_column: end.column,
    }
}

fn path(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}
