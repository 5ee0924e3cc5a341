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
    let names = include.files.iter().filter_map(|file| directive.model().source(*file).path().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let (copies, others): (Vec<String>, Vec<String>) = names.partition(|name| is_leftover_name(name));
    let Some(first) = copies.first() else { return };
    let argument = directive.argument(0).unwrap_or_default();
    let more = if copies.len() > 1 { format!(" and {} more", copies.len() - 1) } else { String::new() };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("\"{argument}\" takes in {first}{more}, which looks like a copy left behind"),
    );
    finding.note("its server blocks and upstreams are live beside the ones in use: an old site answers, or a duplicate stops nginx");
    // The pattern must go on to find the files in use.
    if let Some(other) = others.iter().find(|name| !name.ends_with(".conf")) {
        finding.help(format!("move such files out of the directory, or rename those in use, such as {other}, so that the pattern can end in *.conf"));
        return;
    }
    finding.help("move such files out of the directory, or let the pattern end in *.conf");
    if let (Some(directory), Some(location)) = (argument.strip_suffix("/*"), directive.editable_argument(0)) {
        let edit = Edit::replace(location, format!("{directory}/*.conf"));
        finding.fix(false, "take in *.conf only", vec![edit]);
    }
}
