//! A group that keeps no connections, in a release that keeps none by itself.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Balancer, Block, Host, KEPT_BY_DEFAULT_SINCE, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-keepalive-missing",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::before(KEPT_BY_DEFAULT_SINCE),
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("upstream_keepalive_missing.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if block.is_unseen() || block.directive("keepalive").is_some() {
        return;
    }
    let model = block.model();
    // Servers that take a process for each connection are better off so.
    if model.surroundings().backend_workers.is_some() {
        return;
    }
    let is_user =
        |target: &Target<'_>| matches!(target.protocol, Protocol::Proxy | Protocol::Grpc) && !target.is_for_upgrades();
    let Some(user) = model.targets_of(upstream).find(is_user) else { return };
    let is_remote = upstream.endpoints().any(|endpoint| !matches!(endpoint.host, Host::Unix(_)));
    let is_foreign = |balancer: &Balancer<'_>| matches!(balancer, Balancer::Foreign(_));
    let Some(head) = block.head().filter(|_| is_remote && !upstream.balancers().iter().any(is_foreign)) else { return };
    let finding = findings.add(
        head.place(),
        format!("upstream \"{}\" keeps no connections: each request opens and closes one of its own", upstream.name()),
    );
    finding.note(format!(
        "before nginx {KEPT_BY_DEFAULT_SINCE} a group keeps none unless it says so; that costs time and, under load, all local ports: connect() failed (99: Cannot assign requested address), and 502"
    ));
    finding.label(user.directive.place(), "passed on over new connections");
    finding.help(if user.protocol == Protocol::Grpc {
        "add to the group, below its servers: keepalive 16;"
    } else {
        "add to the group, below its servers: keepalive 16; and where requests are passed on: proxy_http_version 1.1; proxy_set_header Connection \"\";"
    });
}
