//! Files that include each other in a circle.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;

/// See the page.
pub const RULE: Rule = Rule {
    name: "include-cycle",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#include"],
    equivalents: &[],
    page: include_str!("include_cycle.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for cycle in model.cycles() {
        let include = model.directive(cycle.include);
        let path = model.source(cycle.file);
        let message = format!("this takes in {path}, which is already being taken in");
        let finding = findings.add(include.place(), message);
        finding.note("nginx goes round in this circle until it runs out of files or memory, and does not start");
        finding.help("remove one of the includes of the circle; a pattern must not match the file it stands in");
    }
    for include in model.cut_includes() {
        let finding = findings
            .add(include.place(), "the files include each other so often that this one was not followed any more");
        finding.note(
            "the same statements were already read a million times; what this include brings in here was not judged",
        );
        finding.help("include each file once where it is needed");
        finding.not_refused();
    }
}
