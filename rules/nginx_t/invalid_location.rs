//! A location whose modifier nginx does not know.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationError, LocationHead};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-location",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#location"],
    equivalents: &[],
    page: include_str!("invalid_location.md"),
    check: Check::Directives(&["location"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Err(LocationError::Modifier(modifier)) = LocationHead::of(directive) else { return };
    if directive.taken_as().is_none() || directive.is_template(0) {
        return;
    }
    let pattern = directive.argument(1).unwrap_or_default();
    findings
        .add(directive.place_of_argument(0), format!("the location has the unknown modifier \"{modifier}\""))
        .nginx_says(format!("invalid location modifier \"{modifier}\""))
        .nginx_names(directive.terminator())
        .help(meant(modifier, pattern));
}

/// What would have been understood.
fn meant(modifier: &str, pattern: &str) -> String {
    let modifier = match modifier {
        "=~" | "~=" | "~~" => "~",
        "=*" | "~*~" | "*~" | "=~*" | "~=*" => "~*",
        "==" | "===" => "=",
        "~^" | "^" | "^=" => "^~",
        _ if modifier.starts_with(['/', '.', '\\']) => {
            return format!("put quotes around a path with a blank in it: location \"{modifier} {pattern}\"");
        }
        _ => {
            return "write = for exactly this path, ^~ for a beginning that no regular expression overrides, ~ or ~* \
                    for a regular expression, or leave it out"
                .to_owned();
        }
    };
    format!("write location {modifier} {pattern}")
}
