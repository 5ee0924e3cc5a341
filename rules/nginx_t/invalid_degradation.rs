//! A degradation that nginx cannot read.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-degradation",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/syntax.html"],
    equivalents: &[],
    page: include_str!("invalid_degradation.md"),
    check: Check::Directives(&["degradation"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|_| directive.taken_as().is_some()) else { return };
    let nginx = match text.strip_prefix("sbrk=") {
        _ if directive.is_template(0) => return,
        Some(size) if parse_size(size).is_some() => return,
        Some(_) => format!("invalid sbrk size \"{text}\""),
        None => format!("invalid parameter \"{text}\""),
    };
    findings
        .add(directive.place_of_argument(0), format!("degradation does not take \"{text}\""))
        .nginx_says(nginx)
        .nginx_names(directive.terminator())
        .help("write a size, as in degradation sbrk=500m");
}
