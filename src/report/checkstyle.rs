//! The XML of Checkstyle, which many tools read.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};

use crate::engine::Severity;

use super::{Report, Shown};

/// Writes the document and a line feed.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("checkstyle").with_attributes([("version", "4.3")]);
    xml.write_event(Event::Start(root))?;
    for unread in report.unread {
        let path = printable(&unread.path.to_string_lossy());
        xml.write_event(Event::Start(BytesStart::new("file").with_attributes([("name", path.as_str())])))?;
        let message = format!("could not be read: {}", unread.reason);
        let error = [("line", "1"), ("severity", "error"), ("message", &message), ("source", "nginx-lint")];
        xml.write_event(Event::Empty(BytesStart::new("error").with_attributes(error)))?;
        xml.write_event(Event::End(BytesEnd::new("file")))?;
    }
    for (path, findings) in report.by_file() {
        let path = printable(&path);
        xml.write_event(Event::Start(BytesStart::new("file").with_attributes([("name", path.as_str())])))?;
        for shown in findings {
            xml.write_event(Event::Empty(error(shown)))?;
        }
        xml.write_event(Event::End(BytesEnd::new("file")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("checkstyle")))?;
    writeln!(out)
}

fn error(shown: &Shown<'_>) -> BytesStart<'static> {
    let finding = shown.finding;
    let (begin, _) = shown.positions(finding.place.location);
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let attributes = [
        ("line", begin.line.to_string()),
        ("column", begin.column.to_string()),
        ("severity", severity.to_owned()),
        ("message", printable(&shown.explanation().replace('\n', " "))),
        ("source", format!("nginx-lint.{}", finding.rule.name)),
    ];
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    BytesStart::new("error").with_attributes(attributes).into_owned()
}

/// XML 1.0 has no way to write most control characters.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
