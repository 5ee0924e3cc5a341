//! Connections kept for a group that are never used again, because requests
//! go out as HTTP/1.0.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, KEPT_BY_DEFAULT_SINCE, Kept, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-missing-http-version",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::before(KEPT_BY_DEFAULT_SINCE),
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("keepalive_missing_http_version.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(keepalive) = upstream.keepalive() else { return };
    let all: Vec<Target<'_>> =
        block.model().targets_of(upstream).filter(|target| target.protocol == Protocol::Proxy).collect();
    let users: Vec<Target<'_>> = all.iter().copied().filter(|target| target.kept() == Kept::Http10).collect();
    if users.is_empty() {
        return;
    }
    let name = upstream.name();
    let message = if users.len() == all.len() {
        format!("the connections that upstream \"{name}\" keeps are never used again: requests go out as HTTP/1.0")
    } else {
        let (some, all) = (users.len(), all.len());
        format!(
            "requests from {some} of {all} places close the connections that upstream \"{name}\" keeps: they go out as HTTP/1.0"
        )
    };
    let finding = findings.add(keepalive.place(), message);
    finding.note("before nginx 1.29.7 proxy_http_version is 1.0 unless set: every request opens and closes a connection of its own, which costs time and, under load, all local ports");
    finding
        .help("where requests are passed to the group, add: proxy_http_version 1.1; proxy_set_header Connection \"\";");
    for target in users.iter().take(3) {
        finding.label(target.directive.place(), "passed on as HTTP/1.0");
    }
    let edits: Option<Vec<Vec<Edit>>> = users.iter().map(|target| edits(target.directive)).collect();
    if let Some(edits) = edits {
        let safe = users.iter().all(|target| target.directive.parent().can_take_more("proxy_set_header"));
        finding.fix(safe, "speak HTTP/1.1 without \"Connection: close\"", edits.concat());
    }
}

/// What makes it HTTP/1.1 with a connection that stays open. None in an `if`,
/// where neither directive is allowed.
fn edits(pass: Directive<'_>) -> Option<Vec<Edit>> {
    let block = pass.parent();
    if !block.is(Context::Location) {
        return None;
    }
    let headers = block.effective_list("proxy_set_header");
    let is_cleared = headers.named("connection").next().is_some();
    let header = if is_cleared { None } else { Some("proxy_set_header Connection \"\";") };
    // A second one in the same block would be refused.
    if let Some(version) = block.directive("proxy_http_version") {
        let mut edits = vec![Edit::replace(version.editable_argument(0)?, "1.1")];
        edits.extend(header.map(|header| Edit::add_line_behind(pass, header)));
        return Some(edits);
    }
    let header = header.map(|header| format!("\n{}{header}", pass.indentation())).unwrap_or_default();
    Some(vec![Edit::add_line_behind(pass, &format!("proxy_http_version 1.1;{header}"))])
}
