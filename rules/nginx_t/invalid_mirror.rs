//! A mirror beside "mirror off".

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-mirror",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_mirror_module.html#mirror"],
    equivalents: &[],
    page: include_str!("invalid_mirror.md"),
    check: Check::Directives(&["mirror"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    // All of a block are looked at together, when the first one comes.
    if directive.parent().directives("mirror").next() != Some(directive) {
        return;
    }
    let mut all = directive.parent().directives("mirror").filter(|mirror| mirror.taken_as().is_some());
    let Some(first) = all.next() else { return };
    let is_off = |mirror: Directive<'_>| mirror.argument(0) == Some("off");
    let Some(second) = all.find(|mirror| is_off(first) || is_off(*mirror)) else { return };
    findings
        .add(second.place(), "\"mirror off\" and another mirror stand in one block")
        .nginx_says("\"mirror\" directive is duplicate")
        .nginx_names(second.terminator())
        .label(first.place(), "the other one")
        .help("keep \"mirror off\", or the others");
}
