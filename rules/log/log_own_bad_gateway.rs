//! Servers behind nginx that answer 502 themselves.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-own-bad-gateway",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_intercept_errors"],
    equivalents: &[],
    page: include_str!("log_own_bad_gateway.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&[Signature::OwnBadGateway], Seen::place_of_group) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let first = together.first();
    let status = first.detail.unwrap_or("502");
    let finding = findings.add(first.place(), format!("{status} came from {servers}, and not from nginx"));
    finding.note("nginx passes such an answer on as it is, and the error log has nothing of it; in the access log $upstream_header_time is a time there, and - where nginx itself says 502");
    finding.help("look at what this server asks in turn, and in its own log at these times; it may be a proxy itself, whose error log says why");
    finding.seen_together(together);
}
