//! Timeouts and buffers of another protocol than the one requests are passed
//! on with.

use crate::catalog::{self, Context};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, PASS_DIRECTIVES, Protocol};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-wrong-protocol-family",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_read_timeout"],
    equivalents: &[],
    page: include_str!("timeout_wrong_protocol_family.md"),
    check: Check::Blocks(&[Context::Location], check),
};

/// What the names go on with, behind the prefix of their protocol.
const SUFFIXES: [&str; 10] = [
    "_read_timeout",
    "_send_timeout",
    "_connect_timeout",
    "_buffers",
    "_buffer_size",
    "_buffering",
    "_busy_buffers_size",
    "_next_upstream",
    "_next_upstream_timeout",
    "_next_upstream_tries",
];

fn check(block: Block<'_>, findings: &mut Findings) {
    // A nested block may use what this one sets.
    if block.is_unseen() || has_nested_blocks(block) {
        return;
    }
    let passes = || PASS_DIRECTIVES.iter().filter_map(|(name, protocol)| Some((block.directive(name)?, *protocol)));
    let Some((pass, used)) = passes().next() else { return };
    for (_, other) in PASS_DIRECTIVES.iter().filter(|(_, other)| passes().all(|(_, used)| used != *other)) {
        for suffix in SUFFIXES {
            for directive in block.directives(&format!("{}{suffix}", other.prefix())) {
                report(directive, suffix, pass, used, findings);
            }
        }
    }
}

fn has_nested_blocks(block: Block<'_>) -> bool {
    block.statements().iter().any(|statement| statement.has_block())
}

fn report(directive: Directive<'_>, suffix: &str, pass: Directive<'_>, used: Protocol, findings: &mut Findings) {
    let name = directive.name();
    let right = format!("{}{suffix}", used.prefix());
    let exists = catalog::name_index(&right).is_some();
    let finding = findings
        .add(directive.place(), format!("{name} has no effect here: requests are passed on with {}", pass.name()));
    finding.label(pass.place(), "passes requests on");
    finding.note(
        "each protocol has its own settings; what is in force here is what the protocol in use says, or its default",
    );
    if !exists {
        finding.help("remove it");
        return;
    }
    let value: Vec<&str> = directive.arguments().collect();
    finding.help(format!("write {right} {};", value.join(" ")));
    if directive.parent().directive(&right).is_none() {
        let edit = Edit::replace(directive.place_of_name().location, right.clone());
        finding.fix(true, format!("rename it to {right}"), vec![edit]);
    }
}
