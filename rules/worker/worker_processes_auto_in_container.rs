//! A worker for each processor of the machine that the container runs on.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-processes-auto-in-container",
    group: Group::Worker,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_processes"],
    equivalents: &[],
    page: include_str!("worker_processes_auto_in_container.md"),
    check: Check::Directives(&["worker_processes"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let is_auto = directive.argument(0) == Some("auto") && directive.is_read();
    if !is_auto || !directive.model().surroundings().container {
        return;
    }
    let finding = findings.add(
        directive.place(),
        "worker_processes auto starts a worker for each processor of the machine, not of the container",
    );
    finding.note("a share of the processors (--cpus, limits.cpu) does not count: on a machine of 64, a container with 2 has 64 workers that wait for each other, and 64 times the memory and kept connections");
    finding.help("write the number of processors that the container may use, such as worker_processes 2;");
    if let Some(connections) = directive.model().worker_connections() {
        finding.label(connections.place(), "for each of them");
    }
}
