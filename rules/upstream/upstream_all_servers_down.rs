//! A group in which every server is down.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-all-servers-down",
    group: Group::Upstream,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("upstream_all_servers_down.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let servers: Vec<_> = upstream.servers().collect();
    if servers.is_empty() || block.is_unseen() || servers.iter().any(|server| !server.is_down()) {
        return;
    }
    let none_left = block.model().no_live_upstreams();
    let seen: Vec<_> = none_left.iter().filter(|none| none.is_about(block.id())).collect();
    let is_asked = !seen.is_empty() || is_asked(upstream);
    let Some(head) = block.head().filter(|_| upstream.is_run_by_nginx() && is_asked) else { return };
    let finding = findings.add(head.place(), format!("every server of upstream \"{}\" is down", upstream.name()));
    finding.note(if block.is(Context::Upstream) {
        "nginx starts, and answers every request to this group with 502 at once: no live upstreams"
    } else {
        "nginx starts, and closes every connection to this group at once: no live upstreams"
    });
    finding.help("remove \"down\" from the servers that work, or remove the group and what passes requests to it");
    for server in servers.iter().take(3) {
        finding.label(server.directive.place(), "down");
    }
    for none in seen {
        finding.seen(&none.seen);
    }
}

/// Whether a request may come to it: not when a `return` answers all that
/// would. Without users it is not known what it is for.
fn is_asked(upstream: Upstream<'_>) -> bool {
    let mut users = upstream.block.model().targets_of(upstream).peekable();
    users.peek().is_none() || users.any(|user| !is_behind_return(user))
}

/// In `stream {}` the last of the two would count, and there it is no habit.
fn is_behind_return(user: Target<'_>) -> bool {
    let mut blocks = user.block().outwards().take_while(|block| !block.is(Context::Http));
    user.protocol != Protocol::Stream && blocks.any(|block| block.directive("return").is_some())
}
