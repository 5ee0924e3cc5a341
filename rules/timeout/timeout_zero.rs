//! A timeout of zero, which is not "none".

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_milliseconds};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-zero",
    group: Group::Timeout,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("timeout_zero.md"),
    check: Check::Directives(
        &[
            "proxy_connect_timeout",
            "proxy_read_timeout",
            "proxy_send_timeout",
            "fastcgi_connect_timeout",
            "fastcgi_read_timeout",
            "fastcgi_send_timeout",
            "uwsgi_connect_timeout",
            "uwsgi_read_timeout",
            "uwsgi_send_timeout",
            "scgi_connect_timeout",
            "scgi_read_timeout",
            "scgi_send_timeout",
            "grpc_connect_timeout",
            "grpc_read_timeout",
            "grpc_send_timeout",
            "memcached_connect_timeout",
            "memcached_read_timeout",
            "memcached_send_timeout",
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    if parse_milliseconds(value) != Some(0) {
        return;
    }
    let name = directive.name();
    let finding =
        findings.add(directive.place(), format!("{name} {value} does not switch the timeout off: it is over at once"));
    finding.help("write a time long enough, such as 1h; the default is 60s");
    if name.ends_with("_send_timeout") {
        finding.note("a request that does not go out in one piece gets 504");
        finding.severity(Severity::Warning);
    } else {
        finding.note("every request that is passed on gets 504 at once: upstream timed out");
    }
}
