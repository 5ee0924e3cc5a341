//! A `return` in front of what was to answer.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, LocationHead, LocationKind, PASS_NAMES, find_answer};

/// See the page.
pub const RULE: Rule = Rule {
    name: "return-shadows-pass",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#return"],
    equivalents: &[],
    page: include_str!("return_shadows_pass.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(answer) = find_answer(block) else { return };
    let shadowed = if block.is(Context::Server) { handlers_below(block) } else { block.handlers() };
    let Some(first) = shadowed.first() else { return };
    if block.is(Context::Location) && is_shadowed_by_server(block) {
        return;
    }
    let whole = if block.is(Context::Server) { "server" } else { "location" };
    let finding = findings.add(
        answer.place(),
        format!("{} answers every request of this {whole}: {} is never reached", written(answer), first.name()),
    );
    finding.note("return and rewrite come before everything that passes requests on, whatever the order of the lines");
    finding.help(match block.is(Context::Server) {
        true => format!("move it into a location of its own, such as: location / {{ {}; }}", written(answer)),
        false => "remove one of the two, or put the condition it is for around it: if ($request_method = POST) { … }"
            .to_owned(),
    });
    // A page of numbers, or of one pixel, is no loss; and "we are at work" is
    // mostly meant.
    let is_closed = answer.name() == "return" && answer.argument(0) == Some("503");
    if is_closed || !shadowed.iter().any(|handler| PASS_NAMES.contains(&handler.name())) {
        finding.severity(Severity::Info);
    }
    for handler in shadowed.iter().take(3) {
        finding.label(handler.place(), "never reached");
    }
}

/// The directive, in short.
fn written(answer: Directive<'_>) -> String {
    let shown = if answer.name() == "return" { 1 } else { answer.argument_count() };
    let words: Vec<&str> = std::iter::once(answer.name()).chain(answer.arguments().take(shown)).collect();
    words.join(" ")
}

/// What would answer in the locations of a server, those left out to which
/// only nginx itself goes: an error page may lead there.
fn handlers_below(outer: Block<'_>) -> Vec<Directive<'_>> {
    let mut found = Vec::new();
    let mut open = vec![outer];
    while let Some(block) = open.pop() {
        for location in block.directives("location").rev().filter_map(Directive::block) {
            if !is_named(location) {
                open.push(location);
            }
        }
        found.extend(block.handlers());
    }
    found
}

fn is_named(location: Block<'_>) -> bool {
    LocationHead::of_block(location).is_none_or(|head| head.kind == LocationKind::Named)
}

fn is_shadowed_by_server(location: Block<'_>) -> bool {
    !is_named(location)
        && location
            .outwards()
            .find(|block| block.is(Context::Server))
            .is_some_and(|server| find_answer(server).is_some())
}
