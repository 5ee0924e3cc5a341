//! Several directives in one location that each want to answer.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, PASS_NAMES};

/// See the page.
pub const RULE: Rule = Rule {
    name: "multiple-pass-directives",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("multiple_pass_directives.md"),
    check: Check::Blocks(&[Context::Location, Context::IfInLocation, Context::LimitExcept], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut handlers = block.handlers();
    handlers.retain(|handler| handler.is_read());
    let Some(last) = handlers.pop() else { return };
    let Some(first) = handlers.first() else { return };
    let finding = findings.add(
        first.place(),
        format!("{} is never used here: {} further down takes all requests", first.name(), last.name()),
    );
    finding.note(
        "a location has one way to answer, and of several directives the last one counts; nginx -t does not object",
    );
    finding.help(format!("remove one of them, or give {} a location of its own", first.name()));
    // A page of numbers, or of one pixel, is lost, and no traffic.
    if !handlers.iter().any(|handler| PASS_NAMES.contains(&handler.name())) {
        finding.severity(Severity::Warning);
    }
    for handler in &handlers[1..] {
        finding.label(handler.place(), "never used, too");
    }
    finding.label(last.place(), "this one counts");
}
