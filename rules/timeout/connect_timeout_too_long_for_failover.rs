//! A time to connect that makes the way to the next server long.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, DEFAULT_TIMEOUT, Target, Upstream, is_loopback, time_in_force, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "connect-timeout-too-long-for-failover",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_connect_timeout"],
    equivalents: &[],
    page: include_str!("connect_timeout_too_long_for_failover.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

/// From so many milliseconds on most people have left before the next server
/// is asked.
const LONG: u64 = 30_000;

/// Beyond it the system gives up first, which is said elsewhere.
const LONGEST_TRY: u64 = 127_000;

fn check(block: Block<'_>, findings: &mut Findings) {
    let group = Upstream { block };
    let Some(head) = block.head().filter(|_| group.has_several_servers()) else { return };
    // A machine answers itself at once.
    let Some(far) = group.endpoints().find(|endpoint| !is_loopback(endpoint.host)) else { return };
    let times = block.model().targets_of(group).filter(|target| asks_the_next(*target)).filter_map(|target| {
        let value = target.effective("connect_timeout");
        let time = time_in_force(value, DEFAULT_TIMEOUT)?;
        (LONG..=LONGEST_TRY).contains(&time).then_some((time, value, target))
    });
    let waiting: Vec<_> = times.collect();
    let Some(&(time, value, target)) = waiting.iter().max_by_key(|(time, ..)| *time) else { return };
    let prefix = target.protocol.prefix();
    let wait = time_in_words(time);
    let finding = findings.add(
        head.place(),
        format!(
            "when a machine of upstream \"{}\" is gone, clients wait {wait} before another one is asked",
            group.name()
        ),
    );
    finding.note("a machine that is switched off or behind a firewall does not refuse: nginx waits for the whole connect timeout, once for each such server, before it asks the next or answers 504");
    finding.help(format!("where requests are passed to the group, write {prefix}_connect_timeout 5s;"));
    match value.directive() {
        Some(setting) => finding.label(setting.place(), "so long it waits"),
        None => {
            finding.label(target.directive.place(), format!("waits as long as {prefix}_connect_timeout is by default"))
        }
    };
    finding.label(far.directive.place_of_argument(0), "another machine");
    if time <= DEFAULT_TIMEOUT {
        finding.severity(Severity::Info);
    }
    let edits = waiting.iter().map(|(_, _, target)| Edit::set_beside(*target, "connect_timeout", "5s"));
    if let Some(edits) = edits.collect() {
        finding.fix(false, "connect within 5 seconds", edits);
    }
}

fn asks_the_next(target: Target<'_>) -> bool {
    let conditions = target.effective("next_upstream").directive();
    conditions.is_none_or(|directive| !directive.has_flag("off"))
}
