//! The size of the tables of maps, set behind the first of them.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "late-map-hash",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_map_module.html#map_hash_bucket_size"],
    equivalents: &[],
    page: include_str!("late_map_hash.md"),
    check: Check::Directives(&["map_hash_bucket_size", "map_hash_max_size"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let (block, name) = (directive.parent(), directive.name());
    // The same one twice is the matter of another rule.
    if directive.taken_as().is_none() || block.directives(name).next() != Some(directive) {
        return;
    }
    let Some(map) = block.directives("map").next().filter(|map| map.id() < directive.id()) else { return };
    if map.taken_as().is_none() {
        return;
    }
    findings
        .add(directive.place(), format!("{name} stands behind the first map"))
        .nginx_says(format!("\"{name}\" directive is duplicate"))
        .nginx_names(directive.terminator())
        .label(map.place(), "the size was settled here")
        .help("move it in front of the first map");
}
