//! Commands of GitHub Actions, which become notes beside the lines of a pull
//! request. `docs.github.com/actions/reference/workflow-commands` has the form.

use std::io::{self, Write};

use crate::engine::Severity;

use super::{Report, Shown};

/// Writes a command for each finding and each file that could not be read.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for unread in report.unread {
        let path = property(&unread.path.to_string_lossy());
        writeln!(
            out,
            "::error file={path},title=nginx-lint::{}",
            data(&format!("could not be read: {}", unread.reason))
        )?;
    }
    report.findings.iter().try_for_each(|shown| write_finding(shown, out))
}

fn write_finding(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let finding = shown.finding;
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let location = finding.place.location;
    let (begin, end) = shown.positions(location);
    let path = shown.path(location);
    write!(out, "::{command} file={},line={},endLine={}", property(&path), begin.line, end.line)?;
    // Columns across lines are refused by GitHub.
    if begin.line == end.line {
        write!(out, ",col={},endColumn={}", begin.column, end.column)?;
    }
    writeln!(out, ",title={}::{}", property(&format!("nginx-lint: {}", finding.rule.name)), data(&shown.explanation()))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_part_of_the_command_is_written_as_a_number() {
        assert_eq!(data("50%: a\nb"), "50%25: a%0Ab");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
