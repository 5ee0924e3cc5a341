//! A location and the path of its target, of which only one ends with a slash.

use std::collections::HashSet;

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, LocationHead, LocationKind, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-trailing-slash-mismatch",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_trailing_slash_mismatch.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

/// A location whose path is replaced.
struct Replaced<'m> {
    location: Directive<'m>,
    head: LocationHead<'m>,
    target: Target<'m>,
    path: &'m str,
}

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut prefixes: Option<HashSet<&str>> = None;
    for location in block.directives("location") {
        let Some(replaced) = Replaced::of(location) else { continue };
        if !replaced.head.pattern.ends_with('/') {
            let prefixes = prefixes.get_or_insert_with(|| prefixes_in(block));
            // What is below has a location of its own.
            if !prefixes.contains(format!("{}/", replaced.head.pattern).as_str()) {
                slash_missing_in_location(&replaced, findings);
            }
        } else {
            slash_missing_in_target(&replaced, findings);
        }
    }
}

impl<'m> Replaced<'m> {
    /// None where both or none end with a slash, and where the path is not
    /// replaced at all.
    fn of(location: Directive<'m>) -> Option<Replaced<'m>> {
        let block = location.block()?;
        let target = Target::of(block.directive("proxy_pass")?)?;
        let head = LocationHead::of_block(block)?;
        let path = &target.text[target.parts().uri?];
        let is_prefix = matches!(head.kind, LocationKind::Prefix | LocationKind::PrefixWithoutRegex);
        let is_fixed = target.protocol == Protocol::Proxy && !target.has_variables() && target.is_in_place();
        let is_tree = head.pattern.starts_with('/') && path.starts_with('/') && !is_file(head.pattern);
        let mismatch = head.pattern.ends_with('/') != path.ends_with('/');
        let rewritten = is_rewritten(block);
        let has_own = |name| {
            block.directives("location").filter_map(|own| LocationHead::of(own).ok()).any(|own| own.pattern == name)
        };
        let is_replaced = is_prefix && is_fixed && is_tree && mismatch && !rewritten && !path.contains('?');
        (is_replaced && !has_own(format!("{}/", head.pattern))).then_some(Replaced { location, head, target, path })
    }
}

/// The prefixes of the locations right in a block.
fn prefixes_in(block: Block<'_>) -> HashSet<&str> {
    let heads = block.directives("location").filter_map(|location| LocationHead::of(location).ok());
    let prefixes = heads.filter(|head| matches!(head.kind, LocationKind::Prefix | LocationKind::PrefixWithoutRegex));
    prefixes.map(|head| head.pattern).collect()
}

fn slash_missing_in_location(replaced: &Replaced<'_>, findings: &mut Findings) {
    let Replaced { location, head, target, path } = replaced;
    let pattern = head.pattern;
    let finding = findings.add(
        target.directive.place_of_argument(0),
        format!("{pattern}/x arrives as {path}/x: the target ends with a slash and the location does not"),
    );
    finding.note(format!("nginx puts \"{path}\" in the place of \"{pattern}\", letter by letter: {pattern}x arrives as {path}x, and to most programs {path}/x is another path than {path}x"));
    finding.help(format!("write location {pattern}/, or leave out the slash at the end of the target"));
    finding.label(location.place(), "no slash at its end");
    // A WebSocket has one path, and nothing below it.
    if target.passes_upgrade() {
        finding.severity(Severity::Info);
    }
    let has_inner = location.block().is_some_and(|block| block.directive("location").is_some());
    if let Some(place) = location.editable_argument(head.argument).filter(|_| !has_inner) {
        let text = format!("{}/", location.argument(head.argument).unwrap_or_default());
        finding.fix(false, "end the location with a slash", vec![Edit::replace(place, text)]);
    }
}

fn slash_missing_in_target(replaced: &Replaced<'_>, findings: &mut Findings) {
    let Replaced { location, head, target, path } = replaced;
    // One page, or a beginning of names, may be meant.
    if is_file(path) || path.ends_with(['=', '-', '_', '.']) {
        return;
    }
    let pattern = head.pattern;
    let finding = findings.add(
        target.directive.place_of_argument(0),
        format!("{pattern}x arrives as {path}x: the location ends with a slash and the target does not"),
    );
    finding.note(format!("nginx puts \"{path}\" in the place of \"{pattern}\", letter by letter; the program behind answers 404, or something else answers"));
    finding.help(format!("write proxy_pass {}/;", target.text));
    finding.label(location.place(), "ends with a slash");
    if let Some(mut place) = target.directive.editable_argument(0) {
        place.span.start = place.span.end;
        finding.fix(false, "end the target with a slash", vec![Edit::replace(place, "/")]);
    }
}

/// Whether a rewrite may change the path: then that of the target is ignored.
fn is_rewritten(location: Block<'_>) -> bool {
    let mut branches = location.directives("if").filter_map(Directive::block);
    location.directive("rewrite").is_some() || branches.any(|branch| branch.directive("rewrite").is_some())
}

fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}
