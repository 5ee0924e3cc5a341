//! A request that hangs and is sent to every server of its group, one after
//! another.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, DEFAULT_TIMEOUT, Effective, Target, Upstream, time_in_force, time_in_words, tries_in_force};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-unbounded",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream_tries"],
    equivalents: &[],
    page: include_str!("next_upstream_unbounded.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

/// With fewer servers there is no one to ask but the one that is left.
const FEWEST_SERVERS: usize = 3;

/// A wait of so many milliseconds that no one chose it.
const FAR_TOO_LONG: u64 = 10 * 60_000;

fn check(block: Block<'_>, findings: &mut Findings) {
    let group = Upstream { block };
    let count = group.servers().filter(|server| !server.is_down()).count();
    let Some(head) = block.head().filter(|_| count >= FEWEST_SERVERS) else { return };
    let users: Vec<Target<'_>> = block.model().targets_of(group).filter(|target| goes_on_for_ever(*target)).collect();
    let times = users.iter().filter_map(|target| {
        let value = target.effective("read_timeout");
        Some((time_in_force(value, DEFAULT_TIMEOUT)?, value, *target))
    });
    let Some((time, value, slowest)) = times.max_by_key(|(time, ..)| *time) else { return };
    let is_chosen = value.directive().is_some() && !slowest.passes_upgrade();
    let is_mild = !is_chosen || time.saturating_mul(count as u64) < FAR_TOO_LONG;
    if is_mild && !findings.want(Severity::Info) {
        return;
    }
    let each = time_in_words(time);
    let name = group.name();
    let finding = findings.add(
        head.place(),
        format!("a request that hangs is sent to all {count} servers of upstream \"{name}\" in turn, {each} to each"),
    );
    finding.note(format!("the client waits up to {count} times {each} for its 504, a slow query runs {count} times, and each server counts as failed: the next requests get 502, no live upstreams"));
    let prefix = slowest.protocol.prefix();
    finding.help(format!("where requests are passed to the group, add: {prefix}_next_upstream_tries 2;"));
    finding.label(slowest.directive.place(), format!("passed on without a limit of tries, {each} to each server"));
    if is_mild {
        finding.severity(Severity::Info);
    }
    if let Some(edits) = users.iter().map(|target| Edit::set_beside(*target, "next_upstream_tries", "2")).collect() {
        finding.fix(false, "try two servers at most", edits);
    }
}

/// Whether nothing but the number of servers ends the tries.
fn goes_on_for_ever(target: Target<'_>) -> bool {
    let tries_again = match target.effective("next_upstream") {
        Effective::Set(directive) => directive.has_flag("timeout") && !directive.has_flag("off"),
        Effective::Default => true,
        Effective::Unseen => false,
    };
    let limit = || time_in_force(target.effective("next_upstream_timeout"), 0);
    tries_again && tries_in_force(target) == Some(0) && limit() == Some(0)
}
