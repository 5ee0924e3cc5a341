//! An nginx that does not run.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-nginx-not-running",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#control"],
    equivalents: &[],
    page: include_str!("live_nginx_not_running.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    if facts.nginx.runs != Some(false) || model.is_fragment() {
        return;
    }
    let finding = findings.add(model.place_of_configuration(), "nginx does not run with this configuration");
    finding.note("clients are refused: they get no answer and no status at all");
    let unit = facts.nginx.unit.as_ref().map_or("nginx", |unit| unit.name.as_str());
    if model.taken_listeners().is_empty() {
        finding.help(format!(
            "systemctl status {unit} and journalctl -u {unit} say why; nginx -t, too, unless it is a port"
        ));
    } else {
        // Why is said there.
        finding.severity(Severity::Info).help("another program has an address that it is to listen on: see there");
    }
}
