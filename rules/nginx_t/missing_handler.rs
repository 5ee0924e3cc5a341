//! A server of stream that does nothing with its connections.

use crate::catalog::{Context, Origin, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-handler",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::before(GONE),
    references: &["https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("missing_handler.md"),
    check: Check::Blocks(&[Context::StreamServer], check),
};

/// Since this release virtual servers of stream share addresses, and nginx no
/// longer looks for a handler when it starts.
const GONE: Version = Version::new(1, 27, 1);

const HANDLERS: [&str; 3] = ["proxy_pass", "return", "pass"];

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(head) = block.head().filter(|head| head.definition().is_some()) else { return };
    // Without a listen nginx says so first.
    if block.directive("listen").is_none() || block.is_unseen() {
        return;
    }
    let handles = |directive: &Directive<'_>| HANDLERS.contains(&directive.name()) || may_handle(*directive);
    if block.statements().iter().any(handles) {
        return;
    }
    findings
        .add(head.place(), "this server does nothing with its connections")
        .nginx_says("no handler for server")
        .nginx_names(head.terminator())
        .before(GONE)
        .help("add what it is for, such as: proxy_pass 127.0.0.1:5432;");
}

/// Whether a directive of another module, or a line that is filled in later,
/// may be what takes the connections.
fn may_handle(directive: Directive<'_>) -> bool {
    directive.definition().is_none_or(|definition| definition.module.origin != Origin::OpenSource)
}
