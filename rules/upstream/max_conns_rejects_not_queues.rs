//! A group in which every server has a limit: what is above it is refused.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, NoLive, NoLiveCause, Server, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "max-conns-rejects-not-queues",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#max_conns"],
    equivalents: &[],
    page: include_str!("max_conns_rejects_not_queues.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if !upstream.is_limited() {
        return;
    }
    // The log has it: that it does happen is said there.
    let is_seen = |none: &NoLive<'_>| matches!(none.cause, NoLiveCause::Limits) && none.is_about(block.id());
    if block.model().no_live_upstreams().iter().any(is_seen) {
        return;
    }
    let servers: Vec<Server<'_>> = upstream.servers().filter(|server| !server.is_down()).collect();
    let Some(head) = block.head() else { return };
    let finding = findings.add(
        head.place(),
        format!(
            "every server of upstream \"{}\" has max_conns: what is above the limits does not wait",
            upstream.name()
        ),
    );
    finding.note(if block.is(Context::Upstream) {
        "the request gets 502 at once: no live upstreams while connecting to upstream"
    } else {
        "nginx closes the connection at once: no live upstreams while connecting to upstream"
    });
    finding.help("let the limits be what the servers can bear, or add a backup server without max_conns");
    for server in servers.iter().take(3) {
        if let Some((index, _)) = server.parameter("max_conns") {
            finding.label(server.directive.place_of_argument(index), "a limit");
        }
    }
}
