//! WebSockets that are closed while nothing is said.

use std::collections::BTreeSet;

use crate::engine::{Check, Edit, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{DEFAULT_TIMEOUT, Directive, Effective, Model, Protocol, Target, parse_milliseconds};

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
    check: Check::Configuration(check),
};

/// Programs that say something to keep a connection alive do it every 15 to
/// 30 seconds.
const SHORTER_THAN_PINGS: u64 = 30_000;

/// One pass over the targets, and one finding for each line that a person
/// would change.
fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut headers = model.directives_named(&["proxy_set_header"]);
    if !headers.any(|header| header.argument(0).is_some_and(|name| name.eq_ignore_ascii_case("upgrade"))) {
        return;
    }
    let mut told = BTreeSet::new();
    for target in model.targets().filter(|target| target.protocol == Protocol::Proxy && target.directive.is_read()) {
        let timeout = target.effective("read_timeout");
        let is_harmless = match timeout {
            Effective::Set(timeout) => !is_short(timeout),
            Effective::Default => false,
            Effective::Unseen => true,
        };
        if is_harmless {
            continue;
        }
        let Some(header) = target.upgrade_header() else { continue };
        let culprit = timeout.directive().unwrap_or(header);
        if !told.insert(culprit.id()) {
            continue;
        }
        match timeout.directive() {
            Some(timeout) => report_time(timeout, target, findings),
            None => report_default(header, target, findings),
        }
    }
}

fn is_short(timeout: Directive<'_>) -> bool {
    // 0, and less than a tenth of a second, is another mistake.
    time_of(timeout).is_some_and(|time| (100..=DEFAULT_TIMEOUT).contains(&time))
}

fn time_of(timeout: Directive<'_>) -> Option<u64> {
    parse_milliseconds(timeout.argument(0)?)
}

fn report_time(timeout: Directive<'_>, target: Target<'_>, findings: &mut Findings) {
    let value = timeout.argument(0).unwrap_or_default();
    let message = format!("proxy_read_timeout {value} closes a WebSocket on which nothing was said for so long");
    let finding = findings.add(timeout.place(), message);
    explain(finding);
    finding.label(target.directive.place(), "passes WebSockets on");
    if time_of(timeout).is_none_or(|time| time >= SHORTER_THAN_PINGS) {
        finding.severity(Severity::Info);
    }
    let only_for_it = timeout.parent() == target.block() && timeout.is_included_once();
    if let Some(edit) = Edit::replace_value(timeout, "1h").filter(|_| only_for_it) {
        finding.fix(false, "allow an hour of silence", vec![edit]);
    }
}

fn report_default(header: Directive<'_>, target: Target<'_>, findings: &mut Findings) {
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

fn explain(finding: &mut Finding) {
    finding.note("nginx ends the connection when neither side has sent anything for proxy_read_timeout, and the error log says nothing of it");
    finding.help("in the location of the WebSockets: proxy_read_timeout 1h; or let one side send pings more often");
}
