//! A server of stream or mail that listens nowhere.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-listen",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/stream/ngx_stream_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("missing_listen.md"),
    check: Check::Blocks(&[Context::StreamServer, Context::MailServer], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(head) = block.head().filter(|head| head.definition().is_some()) else { return };
    if block.directive("listen").is_some() || block.is_unseen_for("listen") || is_filled_in(block) {
        return;
    }
    let example = if block.is(Context::MailServer) { "listen 143;" } else { "listen 12345;" };
    findings
        .add(head.place(), "this server has no listen")
        .nginx_says("no \"listen\" is defined for server")
        .nginx_names(head.terminator())
        .note("only http has an address for a server that names none")
        .help(format!("add the address or port it is for, such as {example}"));
}

/// Whether lines are put in by a tool: their names are not known yet.
fn is_filled_in(block: Block<'_>) -> bool {
    block.statements().iter().any(|directive| has_placeholder(directive.name()))
}
