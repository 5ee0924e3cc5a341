//! Fewer kept connections than a group has servers.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-smaller-than-group",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("keepalive_smaller_than_group.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(kept) = upstream.kept_connections().filter(|kept| kept.milliseconds > 0) else { return };
    let Some(keepalive) = kept.keepalive else { return };
    let servers = upstream.servers().filter(|server| !server.is_down() && !server.is_backup()).count() as u64;
    if kept.count >= servers {
        return;
    }
    let finding = findings.add(
        keepalive.place(),
        format!("keepalive {} is less than the {servers} servers of upstream \"{}\"", kept.count, upstream.name()),
    );
    finding.note("requests go to the servers in turn: the connection to one is closed to keep that to another, and is gone when it would be used again");
    let enough = servers.saturating_mul(2);
    finding.help(format!("write keepalive {enough}; which is two connections for each server, in each worker"));
    if let Some(location) = keepalive.editable_argument(0) {
        finding.fix(false, "keep two connections for each server", vec![Edit::replace(location, enough.to_string())]);
    }
}
