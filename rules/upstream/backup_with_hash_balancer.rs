//! Backup servers with a method that knows none, in the one order that nginx
//! takes.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Balancer, Block, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "backup-with-hash-balancer",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#backup"],
    equivalents: &[],
    page: include_str!("backup_with_hash_balancer.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(first) = upstream.servers().find(|server| server.is_backup()).map(|server| server.directive) else {
        return;
    };
    let balancers = upstream.balancers();
    if balancers.iter().any(|balancer| matches!(balancer, Balancer::Foreign(_))) {
        return;
    }
    let Some(method) = balancers.iter().filter_map(|balancer| balancer.method()).next_back() else { return };
    // With such a method above one of the backup servers nginx refuses.
    let mut servers = upstream.servers().filter(|server| server.is_backup()).map(|server| server.directive);
    let knows_none = |name: &str| matches!(name, "ip_hash" | "hash" | "random");
    let mut methods = balancers.iter().filter_map(|balancer| balancer.method());
    let is_refused =
        servers.any(|server| methods.clone().any(|method| method.id() < server.id() && knows_none(method.name())));
    let is_only = methods.all(|other| knows_none(other.name()));
    if is_refused || !is_only {
        return;
    }
    let name = method.name();
    let index = first.arguments().position(|argument| argument == "backup").unwrap_or_default();
    let finding = findings.add(
        first.place_of_argument(index),
        format!("\"{name}\" knows no backup servers: nginx takes this one only as long as \"{name}\" stands below it"),
    );
    finding.note(format!(
        "the backup does take over once the others are out; with \"{name}\" above it nginx refuses to start or reload: balancing method does not support parameter \"backup\""
    ));
    finding.help(format!("use least_conn or no method at all in place of \"{name}\", or leave \"backup\" out"));
    finding.label(method.place(), "the method");
}
