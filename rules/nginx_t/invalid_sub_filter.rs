//! A sub_filter that looks for nothing, or one too many.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-sub-filter",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_sub_module.html#sub_filter"],
    equivalents: &[],
    page: include_str!("invalid_sub_filter.md"),
    check: Check::Directives(&["sub_filter"], check),
};

/// nginx replaces so many texts in one response.
const MOST: usize = 255;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    if directive.argument(0) == Some("") {
        findings
            .add(directive.place_of_argument(0), "this sub_filter looks for an empty text")
            .nginx_says("empty search pattern")
            .nginx_names(directive.terminator())
            .help("write the text to replace");
        return;
    }
    // Looked at once in a block, when its last one comes.
    let mut all = directive.parent().directives("sub_filter");
    if all.next_back() == Some(directive)
        && let Some(first) = directive.parent().directives("sub_filter").nth(MOST)
    {
        findings
            .add(first.place(), "this is the 256th sub_filter of this block")
            .nginx_says("number of search patterns exceeds 255")
            .nginx_names(first.terminator())
            .help("nginx replaces up to 255 texts: replace some of them where the pages are made");
    }
}
