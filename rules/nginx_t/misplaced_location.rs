//! A location in a location that cannot hold it.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, LocationKind, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "misplaced-location",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#location"],
    equivalents: &[],
    page: include_str!("misplaced_location.md"),
    check: Check::Directives(&["location"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Ok(inner) = LocationHead::of(directive) else { return };
    let Some(head) = directive.parent().head().filter(|_| directive.parent().is(Context::Location)) else { return };
    let Ok(outer) = LocationHead::of(head) else { return };
    if directive.taken_as().is_none() || has_placeholder(inner.pattern) || has_placeholder(outer.pattern) {
        return;
    }
    let Some(misplaced) = judge(inner, outer) else { return };
    findings
        .add(directive.place(), misplaced.message)
        .nginx_says(misplaced.nginx)
        .nginx_names(directive.terminator())
        .label(head.place(), "the location around it")
        .help(misplaced.help);
}

/// Why a location cannot stand where it does.
struct Misplaced {
    message: String,
    nginx: String,
    help: String,
}

/// In the order in which nginx looks.
fn judge(inner: LocationHead<'_>, outer: LocationHead<'_>) -> Option<Misplaced> {
    let (name, around) = (inner.pattern, outer.pattern);
    let quoted = if inner.kind == LocationKind::Named { "named location" } else { "location" };
    match outer.kind {
        LocationKind::Exact => Some(Misplaced {
            message: format!("the location \"{name}\" stands in a location for the path \"{around}\" alone"),
            nginx: format!("location \"{name}\" cannot be inside the exact location \"{around}\""),
            help: "move it out, or take the \"=\" from the location around it".to_owned(),
        }),
        LocationKind::Named => Some(Misplaced {
            message: format!("the location \"{name}\" stands in the named location \"{around}\""),
            nginx: format!("location \"{name}\" cannot be inside the named location \"{around}\""),
            help: "move it out: a named location holds no others".to_owned(),
        }),
        _ if inner.kind == LocationKind::Named => Some(Misplaced {
            message: format!("the {quoted} \"{name}\" stands in another location"),
            nginx: format!("named location \"{name}\" can be on the server level only"),
            help: "move it right into the server: it can be named from every location".to_owned(),
        }),
        _ if !inner.is_regex() && !name.starts_with(around) => Some(Misplaced {
            message: format!(
                "the location \"{name}\" stands in the location \"{around}\" but does not begin with that"
            ),
            nginx: format!("location \"{name}\" is outside location \"{around}\""),
            help: format!("move it out, or write the whole path, as in {}", whole_path(name, outer)),
        }),
        _ => None,
    }
}

fn whole_path(name: &str, outer: LocationHead<'_>) -> String {
    match outer.is_regex() {
        true => "location ~ for a regular expression".to_owned(),
        false => format!("location {}/{}", outer.pattern.trim_end_matches('/'), name.trim_start_matches('/')),
    }
}
