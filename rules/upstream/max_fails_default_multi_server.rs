//! A group whose servers are all out for ten seconds after one failed try each.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Effective, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "max-fails-default-multi-server",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#max_fails",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#fail_timeout",
    ],
    equivalents: &[],
    page: include_str!("max_fails_default_multi_server.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if !upstream.has_several_servers() || !upstream.is_whole() || !upstream.is_run_by_nginx() {
        return;
    }
    let Some(head) = block.head() else { return };
    let has_a_say = upstream.servers().any(|server| {
        server.is_backup() || server.parameter("max_fails").is_some() || server.parameter("fail_timeout").is_some()
    });
    let mut users = block.model().targets_of(upstream).peekable();
    if has_a_say || users.peek().is_none() || users.any(answers_from_a_cache) {
        return;
    }
    let name = upstream.name();
    let finding = findings.add(
        head.place(),
        format!("one failed try takes a server of upstream \"{name}\" out for 10s: max_fails=1 is the default"),
    );
    finding.note(format!(
        "when each has failed once, as in a restart of all, nginx {} for 10s, even if they are back: no live upstreams",
        if block.is(Context::Upstream) { "answers 502" } else { "closes every connection" }
    ));
    finding.help("say what is meant: max_fails=0 to keep asking, or max_fails=3 fail_timeout=5s, at each server");
}

/// Whether it may have an answer when no server has one.
fn answers_from_a_cache(target: Target<'_>) -> bool {
    target.effective("cache_use_stale") != Effective::Default
}
