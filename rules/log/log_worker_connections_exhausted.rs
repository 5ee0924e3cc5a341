//! Workers that had no connection left.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{DEFAULT_CONNECTIONS, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-worker-connections-exhausted",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("log_worker_connections_exhausted.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let exhausted = model.seen(&[Signature::WorkerConnectionsExhausted]);
    let reused = model.seen(&[Signature::WorkerConnectionsReused]);
    if exhausted.is_empty() && reused.is_empty() {
        return;
    }
    let connections = model.worker_connections();
    let place = connections.map_or_else(|| model.place_of_configuration(), |connections| connections.place());
    let count = connections.map_or(DEFAULT_CONNECTIONS, |connections| connections.count);
    let written = if connections.is_some() { format!(" {count}") } else { String::new() };
    let doubled = count.saturating_mul(2);
    let finding = if exhausted.is_empty() {
        let message = format!("a worker nearly used up its connections (worker_connections{written})");
        findings.add(place, message).severity(Severity::Warning).note("nginx closes idle connections of clients early to have room; when there are none left to close, new clients are reset without an answer")
    } else {
        let message =
            format!("a worker used up its connections (worker_connections{written}), and clients were turned away");
        findings.add(place, message).note("their connection is reset without an answer and without a line in the access log; a request that is passed on takes two connections, or more and more where nginx passes to itself in a loop")
    };
    finding.help(format!("see first whether these requests pass to this nginx again and again; if the clients are real, write worker_connections {doubled}; and worker_rlimit_nofile {};", doubled.saturating_mul(2)));
    exhausted.iter().chain(&reused).for_each(|seen| {
        finding.seen(seen);
    });
}
