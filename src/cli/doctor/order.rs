//! What hurts most first.

use std::cmp::Reverse;

use crate::report::Shown;

/// Sorts by how bad it is; of the equally bad first what the logs have, by how
/// often they have it; then what is so on the machine now, then what the text
/// says. What is equal in all that stays in the order of the text.
pub fn sort(findings: &mut [Shown<'_>]) {
    findings.sort_by_key(|shown| {
        let finding = shown.finding;
        let count = finding.evidence.as_ref().map_or(0, |evidence| evidence.count);
        (Reverse(finding.severity), Reverse(count), !finding.rule.group.needs_facts())
    });
}
