//! What hurts most first.

use std::cmp::Reverse;

use crate::facts::Facts;
use crate::logs::minutes_between;
use crate::report::Shown;

/// What the logs had so many minutes before their end goes on.
const GOES_ON: i64 = 15;

/// Sorts by how bad it is; of the equally bad first what the logs have, what
/// goes on before what is over, by how often they have it; then what is so on
/// the machine now, then what the text says. What is equal in all that stays
/// in the order of the text.
pub fn sort(findings: &mut [Shown<'_>], seen: &Facts) {
    let files = seen.log.iter().flat_map(|log| &log.files);
    let end = files.filter_map(|file| file.last.as_deref()).max().unwrap_or_default();
    findings.sort_by_key(|shown| {
        let finding = shown.finding;
        let evidence = finding.evidence.as_ref();
        let count = evidence.map_or(0, |evidence| evidence.count);
        let is_over = evidence.is_some_and(|evidence| is_over(&evidence.last, end));
        (Reverse(finding.severity), evidence.is_none(), is_over, Reverse(count), !finding.rule.group.needs_facts())
    });
}

fn is_over(last: &str, end: &str) -> bool {
    minutes_between(last, end).is_some_and(|minutes| minutes > GOES_ON)
}
