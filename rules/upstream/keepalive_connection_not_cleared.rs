//! Connections kept for a group that servers close after each request,
//! because nginx asks them to.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-connection-not-cleared",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::before(Version::new(1, 29, 7)),
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"],
    equivalents: &[],
    page: include_str!("keepalive_connection_not_cleared.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(keepalive) = upstream.keepalive() else { return };
    let users = block.model().targets_of(upstream).filter(|target| target.protocol == Protocol::Proxy);
    let users: Vec<Target<'_>> = users.filter(|target| asks_to_close(target.directive.parent())).collect();
    if users.is_empty() {
        return;
    }
    let finding = findings.add(
        keepalive.place(),
        format!(
            "the connections that upstream \"{}\" keeps are never used again: requests say Connection: close",
            upstream.name()
        ),
    );
    finding.note("before nginx 1.29.7 requests carry \"Connection: close\" unless the header is set: the server closes each connection behind its answer");
    finding.help("where requests are passed to the group, add: proxy_set_header Connection \"\";");
    for target in users.iter().take(3) {
        finding.label(target.directive.place(), "passed on with Connection: close");
    }
    let edits: Option<Vec<Edit>> = users.iter().map(|target| edit(target.directive)).collect();
    if let Some(edits) = edits {
        let safe = users.iter().all(|target| target.directive.parent().can_take_more("proxy_set_header"));
        finding.fix(safe, "clear the Connection header", edits);
    }
}

/// Whether requests certainly go out as HTTP/1.1 with `Connection: close`.
fn asks_to_close(block: Block<'_>) -> bool {
    let version = block.effective("proxy_http_version").directive().and_then(|directive| directive.argument(0));
    let headers = block.effective_list("proxy_set_header");
    let closes = headers
        .named("connection")
        .all(|header| header.argument(1).is_some_and(|value| value.eq_ignore_ascii_case("close")));
    version == Some("1.1") && headers.complete && closes
}

/// None in an `if`, where the directive is not allowed, and where the header is
/// set to "close" by hand, on whatever level: that line has to be changed by a
/// person.
fn edit(pass: Directive<'_>) -> Option<Edit> {
    let headers = pass.parent().effective_list("proxy_set_header");
    let set = headers.named("connection").next().is_some();
    let possible = !set && pass.parent().is(Context::Location);
    possible.then(|| Edit::add_line_behind(pass, "proxy_set_header Connection \"\";"))
}
