//! root and alias in one place, or alias where there is nothing to replace.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, LocationKind};

/// See the page.
pub const RULE: Rule = Rule {
    name: "conflicting-root",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#alias"],
    equivalents: &[],
    page: include_str!("conflicting_root.md"),
    check: Check::Directives(&["root", "alias"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    let block = directive.parent();
    let first_of_each = ["root", "alias"].into_iter().filter_map(|name| block.directives(name).next());
    match first_of_each.min_by_key(|either| either.id()).filter(|first| *first != directive) {
        Some(first) if first.name() != directive.name() => beside(directive, first, findings),
        // The same one twice is the matter of another rule.
        Some(_) => {}
        None => in_named_location(directive, findings),
    }
}

fn beside(directive: Directive<'_>, first: Directive<'_>, findings: &mut Findings) {
    let (name, other) = (directive.name(), first.name());
    // Only the first of several: the others repeat it.
    if directive.parent().directives(name).next() != Some(directive) {
        return;
    }
    findings
        .add(directive.place(), format!("\"{name}\" and \"{other}\" stand in the same location"))
        .nginx_says(format!("\"{name}\" directive is duplicate, \"{other}\" directive was specified earlier"))
        .nginx_names(directive.terminator())
        .label(first.place(), "files are already looked for here")
        .help("keep \"root\", which puts the whole path behind the directory, or \"alias\", which replaces the location's part");
}

fn in_named_location(directive: Directive<'_>, findings: &mut Findings) {
    let Some(location) = LocationHead::of_block(directive.parent()) else { return };
    if directive.name() != "alias" || location.kind != LocationKind::Named {
        return;
    }
    findings
        .add(directive.place(), format!("\"alias\" stands in the named location \"{}\"", location.pattern))
        .nginx_says("the \"alias\" directive cannot be used inside the named location")
        .nginx_names(directive.terminator())
        .note("a named location is no part of the path that \"alias\" could replace")
        .help("write \"root\" instead");
}
