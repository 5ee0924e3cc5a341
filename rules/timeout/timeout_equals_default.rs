//! A timeout that says what would be in force without it.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{DEFAULT_TIMEOUT, Directive, Effective, parse_milliseconds, time_in_force};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-equals-default",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("timeout_equals_default.md"),
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
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    if !directive.is_read() || parse_milliseconds(value) != Some(DEFAULT_TIMEOUT) {
        return;
    }
    let name = directive.name();
    let Some(around) = directive.parent().parent().map(|block| block.effective(name)) else { return };
    if time_in_force(around, DEFAULT_TIMEOUT) != Some(DEFAULT_TIMEOUT) {
        return;
    }
    let reason = match around {
        Effective::Set(_) => "the block around says the same",
        _ => "it is the default",
    };
    let finding = findings.add(directive.place(), format!("{name} {value} changes nothing: {reason}"));
    finding.note("a request that ran into this timeout before runs into it as before");
    finding.help("remove it, or write the time that is needed");
    if let Effective::Set(outer) = around {
        finding.label(outer.place(), "says the same");
    }
    // What stands in a file that comes in more than once may matter elsewhere.
    if directive.is_included_once() {
        finding.fix(true, "remove it", vec![Edit::remove(directive)]);
    }
}
