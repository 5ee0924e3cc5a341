//! A configuration that was changed after nginx had read it.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-configuration-not-loaded",
    group: Group::Live,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/control.html"],
    equivalents: &[],
    page: include_str!("live_configuration_not_loaded.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(unloaded) = model.unloaded_file() else { return };
    let later = in_words(unloaded.modified.saturating_sub(unloaded.loaded));
    let first = model.source(unloaded.file).line_span(1);
    let place = model.place_in_file(unloaded.file, first);
    let finding =
        findings.add(place, format!("{} was changed {later} after nginx last read its configuration", unloaded.path));
    finding.note("nginx runs with what was written before; what is said of this configuration need not be so of the one that runs");
    finding.help("nginx -t && nginx -s reload; if a reload was tried, its reason to refuse is in the error log");
}

fn in_words(seconds: i64) -> String {
    let (number, unit) = match seconds {
        172_800.. => (seconds / 86_400, "days"),
        7_200.. => (seconds / 3_600, "hours"),
        120.. => (seconds / 60, "minutes"),
        _ => (seconds, "seconds"),
    };
    format!("{number} {unit}")
}
