//! Connections kept for a group that are never used again, because requests
//! go out as HTTP/1.0.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-missing-http-version",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::before(Version::new(1, 29, 7)),
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("keepalive_missing_http_version.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(keepalive) = upstream.keepalive() else { return };
    let users = block.model().targets_of(upstream).filter(|target| target.protocol == Protocol::Proxy);
    let users: Vec<Target<'_>> = users.filter(|target| speaks_http_1_0(target.directive.parent())).collect();
    if users.is_empty() {
        return;
    }
    let finding = findings.add(
        keepalive.place(),
        format!(
            "the connections that upstream \"{}\" keeps are never used again: requests go out as HTTP/1.0",
            upstream.name()
        ),
    );
    finding.note("before nginx 1.29.7 proxy_http_version is 1.0 unless set: every request opens and closes a connection of its own, which costs time and, under load, all local ports");
    finding
        .help("where requests are passed to the group, add: proxy_http_version 1.1; proxy_set_header Connection \"\";");
    for target in users.iter().take(3) {
        finding.label(target.directive.place(), "passed on as HTTP/1.0");
    }
    let edits: Option<Vec<Edit>> = users.iter().map(|target| edit(target.directive)).collect();
    if let Some(edits) = edits {
        let safe = users.iter().all(|target| target.directive.parent().can_take_more("proxy_set_header"));
        finding.fix(safe, "speak HTTP/1.1 without \"Connection: close\"", edits);
    }
}

/// Whether requests certainly go out as HTTP/1.0, and without asking for the
/// connection to stay open, which would do as well.
fn speaks_http_1_0(block: Block<'_>) -> bool {
    let old = match block.effective("proxy_http_version") {
        Effective::Default => true,
        Effective::Set(directive) => directive.argument(0) == Some("1.0"),
        Effective::Unseen => false,
    };
    let headers = block.effective_list("proxy_set_header");
    let mut connection = headers.named("connection");
    let asks =
        connection.any(|header| header.argument(1).is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")));
    old && headers.complete && !asks
}

/// None in an `if`, where neither directive is allowed.
fn edit(pass: Directive<'_>) -> Option<Edit> {
    if !pass.parent().is(Context::Location) {
        return None;
    }
    let indentation = pass.indentation();
    let headers = pass.parent().effective_list("proxy_set_header");
    let cleared = headers.named("connection").next().is_some();
    let header = if cleared { String::new() } else { format!("\n{indentation}proxy_set_header Connection \"\";") };
    Some(Edit::add_line_behind(pass, &format!("proxy_http_version 1.1;{header}")))
}
