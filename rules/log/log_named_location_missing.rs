//! A named location that was looked for and not found.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Directive, Model, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-named-location-missing",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#location"],
    equivalents: &[],
    page: include_str!("log_named_location_missing.md"),
    check: Check::Configuration(check),
};

/// What may lead to a named location.
const LEADS: [&str; 2] = ["try_files", "error_page"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::NamedLocationMissing]) {
        if let Some(name) = seen.detail {
            say(model, &seen, name, findings);
        }
    }
}

fn say(model: &Model<'_>, seen: &Seen<'_>, name: &str, findings: &mut Findings) {
    let leading = leading_to(model, seen, name);
    let is_there = seen.server.is_some_and(|server| server.named_locations().any(|own| own == name));
    let (place, leads) = match leading.first() {
        Some(directive) => (directive.place(), format!("{} leads to", directive.name())),
        None => (seen.place_of_block(), "requests are led to".to_owned()),
    };
    let lack = if is_there { "which this server has now, and had not" } else { "which its server does not have" };
    let finding = findings.add(place, format!("{leads} \"{name}\", {lack}"));
    finding.note(format!("nginx looks for it when a request needs it: each got 500, with \"could not find named location \"{name}\"\" in the error log"));
    if is_there {
        finding.severity(Severity::Warning);
        finding.help("if requests still get 500, nginx runs with an older configuration: nginx -s reload");
    } else {
        finding.help(format!("add to the server: location {name} {{ … }}, right in it and not in another location"));
    }
    for other in leading.iter().skip(1).take(3) {
        finding.label(other.place(), "leads there, too");
    }
    finding.seen(seen);
}

/// The lines that lead to it: those in force where the requests came first,
/// then the others of the server.
fn leading_to<'m>(model: &'m Model<'_>, seen: &Seen<'m>, name: &str) -> Vec<Directive<'m>> {
    let of_server = |directive: &Directive<'_>| {
        let server = directive.parent().outwards().find(|block| block.is(Context::Server));
        server.is_none() || seen.server.is_none() || server == seen.server
    };
    let leads = |directive: &Directive<'_>| {
        directive.argument_count() > 1 && directive.arguments().last() == Some(name) && directive.is_read()
    };
    let mut found: Vec<Directive<'m>> = model.directives_named(&LEADS).filter(leads).filter(of_server).collect();
    let location = seen.came_to();
    let in_force = |directive: &Directive<'_>| {
        location.is_some_and(|location| {
            LEADS.iter().any(|name| location.effective_list(name).directives.contains(directive))
        })
    };
    found.sort_by_key(|directive| !in_force(directive));
    found
}
