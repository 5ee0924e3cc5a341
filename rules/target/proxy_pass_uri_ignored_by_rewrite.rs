//! The path of a target that counts for nothing after a rewrite.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-uri-ignored-by-rewrite",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#rewrite",
    ],
    equivalents: &[],
    page: include_str!("proxy_pass_uri_ignored_by_rewrite.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol == Protocol::Proxy) else { return };
    let Some(range) = target.parts().uri.filter(|_| !target.has_variables() && target.is_in_place()) else { return };
    let path = &target.text[range.clone()];
    let Some(head) = target.location().and_then(LocationHead::of_block) else { return };
    // A lone slash adds nothing, and a pass in an `if` takes no path.
    if path == "/" || head.is_regex() || !directive.parent().is(Context::Location) {
        return;
    }
    let rewrites = target.breaking_rewrites();
    let Some(rewrite) = rewrites.into_iter().find(|rewrite| brings_elsewhere(*rewrite, head.pattern, path)) else {
        return;
    };
    let replacement = rewrite.argument(1).unwrap_or_default();
    let finding = findings.add(
        directive.place_in_argument(0, range.clone()),
        format!("\"{path}\" counts for nothing once the rewrite … break was taken: the path becomes {replacement}"),
    );
    finding.note(
        "after a rewrite with break nginx passes on the path that the rewrite made, and ignores that of the target",
    );
    finding.help(format!("write the whole path in the rewrite, and proxy_pass {};", &target.text[..range.start]));
    finding.label(rewrite.place(), "this path is passed on");
}

/// Whether a rewrite can be taken for requests of the location, and makes
/// another path of them than the target would begin with.
fn brings_elsewhere(rewrite: Directive<'_>, location: &str, path: &str) -> bool {
    let (Some(pattern), Some(replacement)) = (rewrite.argument(0), rewrite.argument(1)) else { return false };
    let is_redirect = ["http://", "https://", "$scheme"].iter().any(|start| replacement.starts_with(start));
    let path = path.trim_end_matches('/');
    !is_redirect && !replacement.starts_with(path) && can_begin_with(pattern, location)
}

/// Whether a regular expression can match a path that begins with this text,
/// as far as the letters at its beginning say.
fn can_begin_with(pattern: &str, start: &str) -> bool {
    let Some(bound) = pattern.strip_prefix('^') else { return true };
    let literal = bound.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-'))).next();
    let mut literal = literal.unwrap_or_default();
    let rest = &bound[literal.len()..];
    // The last letter may be missing, or a branch may begin anew.
    if rest.starts_with(['?', '*', '{']) {
        literal = &literal[..literal.len().saturating_sub(1)];
    }
    bound.contains('|') || literal.starts_with(start) || start.starts_with(literal)
}
