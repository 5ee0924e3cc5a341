//! WebSockets that are closed while nothing is said.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, parse_milliseconds};

use super::setting::{DEFAULT_TIMEOUT, replace_value};

/// See the page.
pub const RULE: Rule = Rule {
    name: "websocket-read-timeout-default",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/websocket.html"],
    equivalents: &[],
    page: include_str!("websocket_read_timeout_default.md"),
    check: Check::Directives(&["proxy_set_header", "proxy_read_timeout"], check),
};

/// Programs that say something to keep a connection alive do it every 15 to
/// 30 seconds.
const SHORTER_THAN_PINGS: u64 = 30_000;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() {
        return;
    }
    if directive.name() == "proxy_read_timeout" {
        check_time(directive, findings);
    } else if directive.argument(0).is_some_and(|header| header.eq_ignore_ascii_case("upgrade")) {
        check_default(directive, findings);
    }
}

fn check_time(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    // 0 is another mistake.
    let Some(time) = parse_milliseconds(value).filter(|time| (1..=DEFAULT_TIMEOUT).contains(time)) else { return };
    let Some(target) = directive.targets_governed().find(|target| target.passes_upgrade()) else { return };
    let message = format!("proxy_read_timeout {value} closes a WebSocket on which nothing was said for so long");
    let finding = findings.add(directive.place(), message);
    explain(finding);
    finding.label(target.directive.place(), "passes WebSockets on");
    if time >= SHORTER_THAN_PINGS {
        finding.severity(Severity::Info);
    }
    let only_for_it = directive.parent() == target.block() && directive.is_included_once();
    if let Some(edit) = replace_value(directive, "1h").filter(|_| only_for_it) {
        finding.fix(false, "allow an hour of silence", vec![edit]);
    }
}

fn check_default(header: Directive<'_>, findings: &mut Findings) {
    let is_default = |value| value == Effective::Default;
    let mut targets = header.targets_governed().filter(|target| target.passes_upgrade());
    let Some(target) = targets.find(|target| is_default(target.effective("read_timeout"))) else { return };
    let finding = findings
        .add(header.place(), "a WebSocket on which nothing is said for 60s is closed: proxy_read_timeout is not set");
    explain(finding);
    finding.severity(Severity::Info);
    finding.label(target.directive.place(), "passes WebSockets on");
    if header.is_included_once() && header.parent().directive("proxy_read_timeout").is_none() {
        let edit = Edit::add_line_behind(header, "proxy_read_timeout 1h;");
        finding.fix(false, "allow an hour of silence", vec![edit]);
    }
}

fn explain(finding: &mut crate::engine::Finding) {
    finding.note("nginx ends the connection when neither side has sent anything for proxy_read_timeout, and the error log says nothing of it");
    finding.help("in the location of the WebSockets: proxy_read_timeout 1h; or let one side send pings more often");
}
