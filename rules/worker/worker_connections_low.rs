//! Few connections for a proxy.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-connections-low",
    group: Group::Worker,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("worker_connections_low.md"),
    check: Check::Configuration(check),
};

/// With fewer, a worker that passes requests on serves a few hundred clients.
const ENOUGH: u64 = 1_024;

/// So few beside the sockets are said to be used up by these.
const FEW: u64 = 16;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(connections) = model.worker_connections().filter(|found| found.count < ENOUGH) else { return };
    let Some(target) = model.targets().find(|target| target.is_in_place()) else { return };
    let count = connections.count;
    let is_used_up = |sockets: usize| count <= sockets as u64 + 1 + FEW;
    if is_used_up(model.most_sockets()) && is_used_up(model.known_sockets()) {
        return;
    }
    let by_default = if connections.directive.is_none() { ", the default," } else { "" };
    let finding = findings.add(
        connections.place(),
        format!(
            "{count} connections a worker{by_default} are at most {} requests that are passed on at a time",
            count / 2
        ),
    );
    finding.note("each of them takes a connection to the client and one to the upstream; beyond that new clients are reset without an answer, not told 502");
    finding.help("write worker_connections 4096; and, outside of events, worker_rlimit_nofile 8192;");
    finding.label(target.directive.place(), "requests are passed on here");
}
