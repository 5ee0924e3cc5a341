//! A block where nginx reads lines.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Kind};

/// See the page.
pub const RULE: Rule = Rule {
    name: "block-in-data",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_map_module.html#map",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#types",
    ],
    equivalents: &[],
    page: include_str!("block_in_data.md"),
    check: Check::EveryBlock(check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(line) = block.head() else { return };
    let Some(owner) = line.parent().head().filter(|_| line.parent().kind() == Kind::Data) else { return };
    // In a file with syntax errors a missing "}" would look like this, unless
    // the "{" is part of a word.
    let is_whole = line.model().files()[line.file().index()].syntax.problem_count == 0;
    if !(is_whole || is_glued(line)) || !matches!(owner.taken_in(), Some(Family::Http | Family::Stream)) {
        return;
    }
    let (name, around) = (line.name(), owner.name());
    findings
        .add(line.place(), format!("\"{name}\" opens a block inside \"{around}\", which has none"))
        .nginx_says("unexpected \"{\"")
        .nginx_names(line.terminator())
        .label(owner.place(), format!("this {around} has lines, not directives"))
        .help(help(line, owner));
}

/// Whether the `{` stands in a word, as in `~^/\d{4}/`.
fn is_glued(line: Directive<'_>) -> bool {
    let end = line.place().location.span.end;
    line.words().len() == 1 && line.name().starts_with('~') && end == line.terminator().span.start
}

fn help(line: Directive<'_>, owner: Directive<'_>) -> String {
    if owner.name() == "map" && is_glued(line) {
        return "put the regular expression into quotes: a \"{\" outside of quotes opens a block".to_owned();
    }
    format!("move it out of the {}, or put quotes around a word that has braces in it", owner.name())
}
