//! A balancing method below `keepalive`, which then keeps nothing.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Balancer, Block, Directive, KEPT_BY_DEFAULT_SINCE, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "lb-method-after-keepalive",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::before(KEPT_BY_DEFAULT_SINCE),
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("lb_method_after_keepalive.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let balancers = upstream.balancers();
    // A keepalive below one method and above another is part of having two.
    let [Balancer::Keepalive(keepalive), Balancer::Method(method), ..] = balancers[..] else { return };
    let finding = findings.add(
        method.place(),
        format!("\"{}\" below \"keepalive\" switches it off in upstream \"{}\"", method.name(), upstream.name()),
    );
    finding.nginx_says("load balancing method redefined").nginx_names(method.terminator());
    finding.before(KEPT_BY_DEFAULT_SINCE);
    finding.note("each request opens and closes a connection of its own, which costs time and, under load, all local ports: connect() failed (99: Cannot assign requested address), and 502");
    finding.help(format!("write \"{}\" above \"keepalive\"", method.name()));
    finding.label(keepalive.place(), "keeps no connections");
    let last = balancers.iter().filter_map(|balancer| balancer.method()).next_back();
    if let Some(edits) = last.and_then(|last| edits(keepalive, last)) {
        finding.fix(true, "write \"keepalive\" below the method", edits);
    }
}

/// `keepalive` moves, not the method: a method may only stand where it is
/// because of backup servers above it.
fn edits(keepalive: Directive<'_>, method: Directive<'_>) -> Option<Vec<Edit>> {
    if keepalive.file() != method.file() {
        return None;
    }
    let location = keepalive.whole();
    let text = keepalive.model().source(location.file).slice(location.span);
    Some(vec![Edit::remove(keepalive), Edit::add_line_behind(method, text)])
}
