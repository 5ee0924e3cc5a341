//! A group without servers.

use crate::catalog::{Context, Origin};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-empty",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#upstream"],
    equivalents: &[],
    page: include_str!("upstream_empty.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let has_servers = block.directive("server").is_some() || block.directive("state").is_some();
    if has_servers || block.is_unseen() || may_be_filled_in(block) {
        return;
    }
    let Some(head) = block.head() else { return };
    let name = Upstream { block }.name();
    findings
        .add(head.place(), format!("upstream \"{name}\" has no server"))
        .nginx_says("no servers are inside upstream")
        .nginx_names(head.last_byte())
        .help("add a line such as: server 127.0.0.1:8080;");
}

/// Whether servers may come from somewhere else: from a placeholder that is
/// replaced later, from a module with its own directives, or, in NGINX Plus,
/// from its API.
fn may_be_filled_in(block: Block<'_>) -> bool {
    let foreign = |statement: &Directive<'_>| {
        statement.definition().is_none_or(|definition| definition.module.origin != Origin::OpenSource)
    };
    block.statements().iter().any(foreign) || (block.directive("zone").is_some() && block.model().is_for_plus())
}
