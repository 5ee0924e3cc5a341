//! Fewer connections than sockets to listen on.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{DEFAULT_CONNECTIONS, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "not-enough-worker-connections",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("not_enough_worker_connections.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(connections) = model.worker_connections() else { return };
    if !model.is_whole(Family::Events) {
        return;
    }
    let count = connections.count;
    // Most often there are far fewer addresses than connections.
    if (model.most_sockets() as u64) < count {
        return;
    }
    let sockets = model.known_sockets() as u64;
    if count > sockets {
        return;
    }
    findings
        .add(
            connections.place(),
            format!("a worker may have {count} connections, and nginx listens on {sockets} sockets"),
        )
        .nginx_says(format!("{count} worker_connections are not enough for {sockets} listening sockets"))
        .note("each socket takes one connection of each worker, and one more is for the master")
        .help(format!("write worker_connections {};", (sockets + 1).max(DEFAULT_CONNECTIONS) * 2));
}
