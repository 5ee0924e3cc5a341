//! Waiting for hours for a server that may be gone.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, Effective, Protocol, READ_TIMEOUTS, Target, looks_like_milliseconds, parse_flag, parse_milliseconds,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "read-timeout-excessive",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("read_timeout_excessive.md"),
    check: Check::Directives(READ_TIMEOUTS, check),
};

/// An hour: what works longer than this on one answer is a task of its own.
const LONGEST: u64 = 3_600_000;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    let is_long = directive.is_read() && parse_milliseconds(value).is_some_and(|time| time > LONGEST);
    // That it was not meant in seconds is said elsewhere.
    if !is_long || looks_like_milliseconds(value) {
        return;
    }
    let Some(target) = directive.targets_governed().find(|target| !is_for_streams(*target)) else { return };
    let finding = findings.add(
        directive.place(),
        format!("{} {value}: a server that is gone without a word is waited for as long as that", directive.name()),
    );
    finding.note("each such request holds two of the worker_connections of its worker until the time is over");
    finding.help("write what an answer takes at most, and keep longer times to the locations that need them");
    finding.label(target.directive.place(), "passes on requests that are answered in one go");
}

/// Whether silence for hours is no sign of trouble: WebSockets, and answers
/// that are passed on as they come.
fn is_for_streams(target: Target<'_>) -> bool {
    let is_unbuffered = match target.effective("buffering") {
        Effective::Set(directive) => directive.argument(0).and_then(parse_flag) == Some(false),
        Effective::Default => false,
        Effective::Unseen => true,
    };
    target.protocol == Protocol::Grpc || target.passes_upgrade() || is_unbuffered
}
