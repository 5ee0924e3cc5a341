//! Connections kept for a group that servers close after each request,
//! because nginx asks them to.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, KEPT_BY_DEFAULT_SINCE, Kept, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-connection-not-cleared",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::before(KEPT_BY_DEFAULT_SINCE),
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"],
    equivalents: &[],
    page: include_str!("keepalive_connection_not_cleared.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(keepalive) = upstream.keepalive() else { return };
    let all: Vec<Target<'_>> =
        block.model().targets_of(upstream).filter(|target| target.protocol == Protocol::Proxy).collect();
    let users: Vec<Target<'_>> = all.iter().copied().filter(|target| target.kept() == Kept::Closed).collect();
    if users.is_empty() {
        return;
    }
    let name = upstream.name();
    let message = if users.len() == all.len() {
        format!("the connections that upstream \"{name}\" keeps are never used again: requests say Connection: close")
    } else {
        let (some, all) = (users.len(), all.len());
        format!(
            "requests from {some} of {all} places close the connections that upstream \"{name}\" keeps: they say Connection: close"
        )
    };
    let finding = findings.add(keepalive.place(), message);
    finding.note("before nginx 1.29.7 requests carry \"Connection: close\" unless the header is set: the server closes each connection behind its answer");
    finding.help("where requests are passed to the group, add: proxy_set_header Connection \"\";");
    for target in users.iter().take(3) {
        finding.label(target.directive.place(), "passed on with Connection: close");
    }
    if let Some(header) = users.iter().find_map(connection) {
        let value = header.argument(1).unwrap_or_default();
        if value.contains('$') {
            finding.note(format!("{value} is \"close\" for every request that is not upgraded: the server closes each connection behind its answer"));
            finding.help(format!("give {value} an empty value in the place of \"close\""));
        } else {
            finding.help("write proxy_set_header Connection \"\"; in the place of \"close\"");
        }
        finding.label(header.place(), "says close");
    }
    let edits: Option<Vec<Edit>> = users.iter().map(|target| edit(target.directive)).collect();
    if let Some(edits) = edits {
        let safe = users.iter().all(|target| target.directive.parent().can_take_more("proxy_set_header"));
        finding.fix(safe, "clear the Connection header", edits);
    }
}

/// The `Connection` header that is set for a target, on whatever level.
fn connection<'m>(target: &Target<'m>) -> Option<Directive<'m>> {
    target.block().effective_list("proxy_set_header").named("connection").next()
}

/// None in an `if`, where the directive is not allowed, and where the header is
/// set to "close" by hand, on whatever level: that line has to be changed by a
/// person.
fn edit(pass: Directive<'_>) -> Option<Edit> {
    let headers = pass.parent().effective_list("proxy_set_header");
    let is_set = headers.named("connection").next().is_some();
    let is_possible = !is_set && pass.parent().is(Context::Location);
    is_possible.then(|| Edit::add_line_behind(pass, "proxy_set_header Connection \"\";"))
}
