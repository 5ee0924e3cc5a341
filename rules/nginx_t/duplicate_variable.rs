//! The definition of a variable that nginx has itself and does not give away.

use crate::catalog::{self, Family, Origin, Variable, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, Place};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-variable",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/varindex.html"],
    equivalents: &[],
    page: include_str!("duplicate_variable.md"),
    check: Check::Configuration(check),
};

/// Variables that came after the oldest release: before, anybody could define
/// them.
const YOUNG: [(Family, &str, Version); 4] = [
    (Family::Http, "connection_time", Version::new(1, 19, 10)),
    (Family::Http, "is_request_port", Version::new(1, 29, 3)),
    (Family::Http, "request_port", Version::new(1, 29, 3)),
    (Family::Stream, "server_name", Version::new(1, 25, 5)),
];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream] {
        for definition in model.variable_definitions(family) {
            if let Some(variable) = taken(model, family, definition.name) {
                let what = format!("${} is nginx's own and cannot be defined", definition.name);
                report(definition.directive, definition.place(), definition.name, what, variable, findings);
            }
        }
    }
    for pattern in model.patterns().filter(|pattern| pattern.defines) {
        let Ok(regex) = pattern.compiled else { continue };
        for name in regex.names() {
            let Some(variable) = taken(model, pattern.family, name) else { continue };
            let at = pattern.text.find(&format!("<{name}>")).map_or(0, |at| at + 1);
            let start = pattern.start + at;
            let length = if at == 0 { pattern.text.len() } else { name.len() };
            let place = pattern.directive.place_in_word(pattern.word, start..start + length);
            let what = format!("the group \"{name}\" would define ${name}, which is nginx's own");
            report(pattern.directive, place, name, what, variable, findings);
        }
    }
}

/// The variable of nginx that has this name and does not give it away, if
/// every nginx has it.
fn taken(model: &Model<'_>, family: Family, name: &str) -> Option<&'static Variable> {
    let variable = catalog::variable(name, family)?;
    if variable.prefix || variable.changeable || variable.origin != Origin::OpenSource {
        return None;
    }
    let listed = model.profile().modules.as_ref();
    let is_there = |module: &str| listed.is_some_and(|modules| modules.iter().any(|name| name == module));
    (variable.module.built_by_default || is_there(variable.module.name)).then_some(variable)
}

fn report(
    directive: Directive<'_>,
    place: Place,
    name: &str,
    message: String,
    variable: &Variable,
    findings: &mut Findings,
) {
    let finding = findings.add(place, message);
    finding.nginx_says(format!("the duplicate \"{name}\" variable")).nginx_names(directive.terminator());
    finding.help(format!("choose another name, such as my_{}", variable.name));
    let young = YOUNG.iter().find(|(family, name, _)| *family == variable.family && *name == variable.name);
    if let Some((_, _, since)) = young {
        finding.since(*since);
    }
}
