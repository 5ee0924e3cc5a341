//! A mark of the userid cookie that is more than one letter.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-userid",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_userid_module.html#userid_mark"],
    equivalents: &[],
    page: include_str!("invalid_userid.md"),
    check: Check::Directives(&["userid_mark"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(mark) = directive.argument(0).filter(|_| directive.taken_as().is_some()) else { return };
    let is_one = matches!(mark.as_bytes(), [byte] if byte.is_ascii_alphanumeric() || *byte == b'=');
    if mark == "off" || is_one || directive.is_template(0) {
        return;
    }
    findings
        .add(directive.place_of_argument(0), format!("the userid_mark \"{mark}\" is not one letter, digit or \"=\""))
        .nginx_says("\"userid_mark\" directive value must be \"off\" or a single letter, digit or \"=\"")
        .nginx_names(directive.terminator())
        .help("write one letter or digit, or off");
}
