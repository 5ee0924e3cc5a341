//! A queue of new connections that is longer than the kernel lets it be.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-backlog-above-somaxconn",
    group: Group::Live,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("live_backlog_above_somaxconn.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(most) = model.facts().and_then(|facts| facts.machine.somaxconn) else { return };
    for directive in model.directives_named(&["listen"]) {
        let Some((index, value)) = directive.parameter("backlog") else { continue };
        let Some(backlog) = parse_number(value).filter(|backlog| *backlog > most) else { continue };
        let finding = findings.add(
            directive.place_of_argument(index),
            format!("backlog={backlog} is cut to {most}: the kernel allows no longer queue (net.core.somaxconn)"),
        );
        finding.note("connections that come while the queue is full are dropped, and clients try again after a second; neither nginx nor its log says so");
        finding.help(format!("sysctl -w net.core.somaxconn={backlog}, in /etc/sysctl.d as well, and restart nginx; or write backlog={most}"));
    }
}
