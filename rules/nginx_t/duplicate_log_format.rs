//! Two log formats of the same name.

use rustc_hash::FxHashMap;

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-log-format",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format"],
    equivalents: &[],
    page: include_str!("duplicate_log_format.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream] {
        let mut first: FxHashMap<&str, Directive<'_>> = FxHashMap::default();
        for directive in model.log_formats(family).filter(|format| !format.is_template(0)) {
            let name = directive.argument(0).unwrap_or_default();
            if family == Family::Http && name == "combined" {
                report(directive, name, None, findings);
            } else if let Some(earlier) = first.get(name) {
                report(directive, name, Some(*earlier), findings);
            } else {
                first.insert(name, directive);
            }
        }
    }
}

fn report(directive: Directive<'_>, name: &str, earlier: Option<Directive<'_>>, findings: &mut Findings) {
    let place = directive.place();
    let same_place = earlier.is_some_and(|earlier| earlier.place().location == place.location);
    let message = match earlier {
        None => format!("the log format \"{name}\" is nginx's own and cannot be defined"),
        Some(_) if same_place => format!("the log format \"{name}\" is defined each time this file is included"),
        Some(_) => format!("the log format \"{name}\" is defined twice"),
    };
    let finding = findings.add(place, message);
    finding.nginx_says(format!("duplicate \"log_format\" name \"{name}\"")).nginx_names(directive.terminator());
    if let Some(earlier) = earlier.filter(|_| !same_place) {
        finding.label(earlier.place(), "first defined here");
    }
    finding.help("rename one of them and the access logs that use it, or remove the one that is left over");
}
