//! One line a finding: `path:line:column: severity[rule] message`.

use std::io::{self, Write};

use super::Report;

/// Writes the findings.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for shown in &report.findings {
        let finding = shown.finding;
        let (position, _) = shown.positions(finding.place.location);
        let source = shown.source(finding.place.location.file);
        let (line, column) = (position.line, position.column);
        writeln!(out, "{source}:{line}:{column}: {}[{}] {}", finding.severity, finding.rule.name, finding.message)?;
    }
    Ok(())
}
