//! Bodies that are passed on while they arrive, and so only once.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Target, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-blocked-by-unbuffered-request",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_request_buffering"],
    equivalents: &[],
    page: include_str!("next_upstream_blocked_by_unbuffered_request.md"),
    check: Check::Directives(
        &["proxy_request_buffering", "fastcgi_request_buffering", "uwsgi_request_buffering", "scgi_request_buffering"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() || directive.argument(0).and_then(parse_flag) != Some(false) {
        return;
    }
    let asks_others = |target: &Target<'_>| {
        let conditions = target.effective("next_upstream").directive();
        target.has_several_servers() == Some(true) && conditions.is_none_or(|conditions| !conditions.has_flag("off"))
    };
    let Some(target) = directive.targets_governed().find(asks_others) else { return };
    let name = directive.name();
    let finding = findings.add(
        directive.place(),
        format!("{name} off: once a part of a request is sent, no other server is asked for it"),
    );
    finding.note("nginx does not keep what it has sent of the body: when the server fails on the way, the client gets 502 or 504, though other servers of the group work; requests without a body are tried again");
    finding.help(format!("keep {name} off to the locations that take large uploads"));
    finding.label(target.directive.place(), "passes requests to several servers");
}
