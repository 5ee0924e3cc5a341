//! An access log in a format that is not defined, or only further down.

use crate::catalog::{self, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unknown-log-format",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_log_module.html#access_log"],
    equivalents: &[],
    page: include_str!("unknown_log_format.md"),
    check: Check::Directives(&["access_log"], check),
};

/// So many formats are compared with a name that is none.
const MOST_FORMATS: usize = 100;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(family) = directive.definition().map(|known| known.module.family) else { return };
    let Some(name) = directive.argument(1).filter(|_| directive.argument(0) != Some("off")) else { return };
    let model = directive.model();
    let is_predefined = family == Family::Http && name.eq_ignore_ascii_case("combined");
    if is_predefined || has_placeholder(name) || !model.is_whole(family) {
        return;
    }
    let place = directive.place_of_argument(1);
    let says = format!("unknown log format \"{name}\"");
    match model.log_format(family, name) {
        Some(format) if format.id() < directive.id() => {}
        Some(format) => {
            let finding = findings.add(place, format!("the log format \"{name}\" is defined only further down"));
            finding.nginx_says(says).nginx_names(directive.terminator());
            finding.label(format.place(), "defined here, which nginx has not read yet");
            finding.help("move the log_format in front of the first access_log that names it");
        }
        None => {
            let finding = findings.add(place, format!("there is no log format \"{name}\""));
            finding.nginx_says(says).nginx_names(directive.terminator());
            finding.help(help(directive, family, name));
        }
    }
}

fn help(directive: Directive<'_>, family: Family, name: &str) -> String {
    let model = directive.model();
    if ["buffer=", "flush=", "gzip", "if="].iter().any(|start| name.starts_with(start)) {
        return format!("name the format in front of \"{name}\", such as combined");
    }
    let formats = model.log_formats(family).take(MOST_FORMATS).filter_map(|format| format.argument(0));
    let known = formats.chain((family == Family::Http).then_some("combined"));
    match catalog::nearest(name, known) {
        Some(near) => format!("write {near}"),
        None => format!("define it in front of the access_log: log_format {name} '…';"),
    }
}
