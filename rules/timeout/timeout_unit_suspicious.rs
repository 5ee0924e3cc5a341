//! Times whose unit is another one than was meant.

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, looks_like_milliseconds, parse_milliseconds, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-unit-suspicious",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/syntax.html"],
    equivalents: &[],
    page: include_str!("timeout_unit_suspicious.md"),
    check: Check::Directives(
        &[
            "proxy_connect_timeout",
            "fastcgi_connect_timeout",
            "uwsgi_connect_timeout",
            "scgi_connect_timeout",
            "grpc_connect_timeout",
            "memcached_connect_timeout",
            "proxy_read_timeout",
            "fastcgi_read_timeout",
            "uwsgi_read_timeout",
            "scgi_read_timeout",
            "grpc_read_timeout",
            "memcached_read_timeout",
            "proxy_send_timeout",
            "fastcgi_send_timeout",
            "uwsgi_send_timeout",
            "scgi_send_timeout",
            "grpc_send_timeout",
            "memcached_send_timeout",
            "proxy_timeout",
            "client_body_timeout",
            "client_header_timeout",
            "send_timeout",
            "keepalive_timeout",
        ],
        check,
    ),
};

/// Hardly a server answers in less.
const SHORTEST: u64 = 100;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    if !matches!(directive.taken_in(), Some(Family::Http | Family::Stream)) {
        return;
    }
    if looks_like_milliseconds(value) {
        report_too_long(directive, value, findings);
    } else if parse_milliseconds(value).is_some_and(|time| (1..SHORTEST).contains(&time)) {
        report_too_short(directive, value, findings);
    }
}

fn report_too_long(directive: Directive<'_>, value: &str, findings: &mut Findings) {
    let name = directive.name();
    let seconds = parse_number(value).unwrap_or_default();
    let time = if seconds < 2 * 3_600 {
        format!("{} minutes", seconds / 60)
    } else if seconds < 4 * 24 * 3_600 {
        format!("{} hours", seconds / 3_600)
    } else {
        format!("{} days", seconds / (24 * 3_600))
    };
    let finding =
        findings.add(directive.place(), format!("{name} {value} is {time}: a time without a unit is in seconds"));
    finding.note("what hangs is as good as never given up, and holds connections of nginx all the while");
    finding.help(format!("if milliseconds were meant, write {name} {value}ms;"));
    if let Some(edit) = Edit::replace_value(directive, &format!("{value}ms")) {
        finding.fix(false, "take it for milliseconds", vec![edit]);
    }
}

/// Connecting may be meant to be so quick; an answer hardly is.
fn report_too_short(directive: Directive<'_>, value: &str, findings: &mut Findings) {
    let name = directive.name();
    let connects = name.ends_with("_connect_timeout");
    if !connects && !name.ends_with("_read_timeout") {
        return;
    }
    let finding =
        findings.add(directive.place(), format!("{name} {value} gives a server less than a tenth of a second"));
    finding.note("what takes longer is 504 for the client: upstream timed out");
    if connects {
        finding.severity(Severity::Info);
    }
    let digits = value.strip_suffix("ms").filter(|digits| parse_number(digits).is_some());
    let Some(digits) = digits else { return };
    finding.help(format!("if seconds were meant, write {name} {digits}s;"));
    if let Some(edit) = Edit::replace_value(directive, &format!("{digits}s")) {
        finding.fix(false, "take it for seconds", vec![edit]);
    }
}
