//! More connections than a worker may open files.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-connections-exceed-nofile",
    group: Group::Worker,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("worker_connections_exceed_nofile.md"),
    check: Check::Directives(&["worker_rlimit_nofile"], check),
};

/// `worker_connections` where it is not set.
const DEFAULT_CONNECTIONS: u64 = 512;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(files) = directive.argument(0).and_then(parse_number) else { return };
    let model = directive.model();
    let Some(events) = model.blocks().find(|block| block.is(Context::Events)) else { return };
    let set = events.directive("worker_connections");
    if set.is_none() && events.is_unseen() {
        return;
    }
    let connections = match set {
        Some(set) => set.argument(0).and_then(parse_number),
        None => Some(DEFAULT_CONNECTIONS),
    };
    let Some(connections) = connections.filter(|connections| *connections > files) else { return };
    let finding = findings
        .add(directive.place(), format!("a worker may open {files} files, but is to hold {connections} connections"));
    finding.note("each connection is an open file, a proxied one two: beyond the limit requests get 500 (24: Too many open files), and new clients wait");
    finding.help(format!("write worker_rlimit_nofile {};", connections.saturating_mul(2)));
    match set {
        Some(set) => finding.label(set.place(), "connections of a worker"),
        None => {
            finding.label(events.head().map_or(directive.place(), |head| head.place()), "512 connections, the default")
        }
    };
    if let Some(location) = directive.editable_argument(0) {
        let edit = Edit::replace(location, connections.saturating_mul(2).to_string());
        finding.fix(true, "allow two files a connection", vec![edit]);
    }
}
