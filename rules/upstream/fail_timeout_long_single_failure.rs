//! A server that one failed try takes out for long.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Server, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "fail-timeout-long-single-failure",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#fail_timeout"],
    equivalents: &[],
    page: include_str!("fail_timeout_long_single_failure.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

/// From so many seconds on a server is missed.
const LONG: u64 = 30;

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if !upstream.has_several_servers() {
        return;
    }
    let servers: Vec<Server<'_>> = upstream.servers().filter(|server| !server.is_down()).collect();
    let parked: Vec<Server<'_>> = servers.iter().copied().filter(|server| is_parked(*server)).collect();
    let Some(first) = parked.first() else { return };
    let Some((index, time)) = first.parameter("fail_timeout") else { return };
    if !upstream.is_run_by_nginx() {
        return;
    }
    let name = upstream.name();
    let fails = if first.parameter("max_fails").is_some() { "max_fails=1" } else { "max_fails=1, the default" };
    let finding = findings.add(
        first.directive.place_of_argument(index),
        format!("one failed try takes a server of upstream \"{name}\" out for {time}: {fails}"),
    );
    let all = upstream.is_whole() && parked.len() == servers.len();
    if all {
        finding.note(format!(
            "when each has failed once, nginx {} for {time}, even if they are back: no live upstreams",
            if block.is(Context::Upstream) { "answers 502" } else { "closes every connection" }
        ));
    } else {
        // The others keep the group alive.
        finding.note(format!("for {time} the others do its work, even if it is back after a second"));
        finding.severity(Severity::Info);
    }
    finding.help("write how many failures it takes, such as max_fails=3, or a shorter fail_timeout such as 10s");
    for server in parked.iter().skip(1).take(3) {
        finding.label(server.directive.place(), "this one too");
    }
    let edits: Option<Vec<Edit>> = parked.iter().map(|server| allow_three(*server)).collect();
    if let Some(edits) = edits {
        finding.fix(false, "take three failures to be out", edits);
    }
}

fn is_parked(server: Server<'_>) -> bool {
    server.max_fails() == Some(1) && server.fail_timeout().is_some_and(|time| time >= LONG)
}

fn allow_three(server: Server<'_>) -> Option<Edit> {
    match server.parameter("max_fails") {
        Some((index, _)) => Some(Edit::replace(server.directive.editable_argument(index)?, "max_fails=3")),
        None => Some(Edit::add_argument(server.directive, "max_fails=3")),
    }
}
