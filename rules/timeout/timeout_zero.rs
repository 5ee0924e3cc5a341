//! A timeout of zero, which is not "none".

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, Target, parse_milliseconds};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-zero",
    group: Group::Timeout,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("timeout_zero.md"),
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
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    let Some(family @ (Family::Http | Family::Stream)) = directive.taken_in() else { return };
    if parse_milliseconds(value) != Some(0) {
        return;
    }
    let name = directive.name();
    let connects = name.ends_with("_connect_timeout");
    // Connecting to a socket takes no time, not even that of nginx.
    let harms = |target: &Target<'_>| !(connects && is_socket(*target));
    let harmed = directive.targets_governed().find(harms);
    if harmed.is_none() && !directive.may_govern_unseen_targets() {
        return;
    }
    let finding =
        findings.add(directive.place(), format!("{name} {value} does not switch the timeout off: it is over at once"));
    let (instead, default) = match name {
        "proxy_timeout" => ("1h", "10m"),
        _ if name.ends_with("_read_timeout") => ("1h", "60s"),
        _ if connects => ("5s", "60s"),
        _ => ("60s", "60s"),
    };
    finding.help(format!("write a time long enough, such as {instead}; the default is {default}"));
    finding.note(match (family, connects) {
        (Family::Stream, true) => "every connection is closed at once: upstream timed out while connecting to upstream",
        (Family::Stream, false) => {
            "every connection is closed as soon as the server is reached, and the error log says nothing of it"
        }
        _ if name.ends_with("_send_timeout") => "a request with a body that does not go out in one piece gets 504",
        _ => "every request that is passed on gets 504 at once: upstream timed out",
    });
    if let Some(target) = harmed {
        finding.label(target.directive.place(), "passes requests on");
    }
    if harmed.is_none() || name.ends_with("_send_timeout") {
        finding.severity(Severity::Warning);
    }
    if let Some(edit) = Edit::replace_value(directive, instead) {
        finding.fix(false, format!("wait {instead}"), vec![edit]);
    }
}

fn is_socket(target: Target<'_>) -> bool {
    let endpoints = target.endpoints();
    !endpoints.is_empty() && endpoints.iter().all(|endpoint| matches!(endpoint.host, Host::Unix(_)))
}
