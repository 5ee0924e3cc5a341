//! How often each rule found something.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Report;

/// Writes a line for each rule with findings, the most frequent first.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for shown in &report.findings {
        let (count, fixable) = counts.entry(shown.finding.rule.name).or_default();
        *count += 1;
        *fixable += usize::from(shown.finding.fix.is_some());
    }
    let mut lines: Vec<(&str, (usize, usize))> = counts.into_iter().collect();
    lines.sort_by_key(|(rule, (count, _))| (std::cmp::Reverse(*count), *rule));
    for (rule, (count, fixable)) in lines {
        let mended = if fixable > 0 { format!("  ({fixable} can be mended)") } else { String::new() };
        writeln!(out, "{count:6}  {rule}{mended}")?;
    }
    writeln!(out, "{}", report.summary.line())
}
