//! A report of GitLab's code quality, as a merge request shows it:
//! `docs.gitlab.com/ci/testing/code_quality` has the form.

use std::io::{self, Write};

use serde::Serialize;

use crate::engine::Severity;

use super::{Report, Shown, json};

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the list of issues and a line feed. It has no room for what could
/// not be read; the exit status says that.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let issues: Vec<Issue<'_>> = report.findings.iter().map(issue).collect();
    json::write_value(&issues, out)
}

fn issue<'a>(shown: &'a Shown<'_>) -> Issue<'a> {
    let finding = shown.finding;
    let location = finding.place.location;
    let (begin, end) = shown.positions(location);
    Issue {
        description: finding.message.clone(),
        check_name: finding.rule.name,
        fingerprint: &shown.fingerprint,
        severity: match (finding.refused, finding.severity) {
            (true, _) => "blocker",
            (_, Severity::Error) => "critical",
            (_, Severity::Warning) => "major",
            (_, Severity::Info) => "info",
        },
        location: Location { path: shown.path(location), lines: Lines { begin: begin.line, end: end.line } },
    }
}
