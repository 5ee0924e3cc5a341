//! A group that nothing passes requests to.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Host, Upstream, is_loopback};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unused-upstream",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#upstream"],
    equivalents: &[],
    page: include_str!("unused_upstream.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(head) = block.head().filter(|head| head.is_read()) else { return };
    // That all of its servers are down is worse, and another rule says it.
    let is_dead = upstream.servers().all(|server| server.is_down());
    if is_dead || !upstream.is_unused() || upstream.is_meant_by_mistake() {
        return;
    }
    let name = upstream.name();
    let looked_up =
        upstream.servers().filter_map(|server| server.endpoint()).find_map(|endpoint| match endpoint.host {
            Host::Name(host) if !is_loopback(endpoint.host) => Some(host),
            _ => None,
        });
    let finding = findings.add(head.place(), format!("nothing passes requests to upstream \"{name}\""));
    match looked_up {
        Some(host) => finding.note(format!("nginx still looks \"{host}\" up when it starts, and does not start when that fails: host not found in upstream")),
        None => finding.severity(Severity::Info).note("it does nothing; whatever should use it goes elsewhere"),
    };
    finding.help(format!(
        "remove the group, or pass requests to it: {}",
        if block.is(Context::Upstream) { format!("proxy_pass http://{name};") } else { format!("proxy_pass {name};") }
    ));
    // Other groups may share its zone.
    if upstream.zone().is_none() {
        finding.fix(false, "remove the group", vec![Edit::remove(head)]);
    }
}
