//! A pattern that takes in copies left behind by editors and package managers.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, is_leftover_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "include-glob-picks-up-backups",
    group: Group::Include,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#include"],
    equivalents: &[],
    page: include_str!("include_glob_picks_up_backups.md"),
    check: Check::Directives(&["include"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(include) = directive.include().filter(|include| include.pattern) else { return };
    let names: Vec<String> = include
        .files
        .iter()
        .filter_map(|file| directive.model().source(*file).path().file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| is_leftover_name(name))
        .collect();
    let Some(first) = names.first() else { return };
    let argument = directive.argument(0).unwrap_or_default();
    let others = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("\"{argument}\" takes in {first}{others}, which looks like a copy left behind"),
    );
    finding.note("its server blocks and upstreams are live beside the ones in use: an old site answers, or a duplicate stops nginx");
    finding.help("move such files out of the directory, or let the pattern end in *.conf");
    if let (Some(pattern), Some(location)) = (argument.strip_suffix("/*"), directive.editable_argument(0)) {
        let edit = Edit::replace(location, format!("{pattern}/*.conf"));
        finding.fix(false, "take in *.conf only", vec![edit]);
    }
}
