//! Two locations of the same text in one block.

use std::collections::HashMap;

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, LocationHead, LocationKind};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-location",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#location"],
    equivalents: &[],
    page: include_str!("duplicate_location.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut first: HashMap<(bool, &str), Directive<'_>> = HashMap::new();
    for location in block.directives("location").filter(|location| location.taken_as().is_some()) {
        let Ok(head) = LocationHead::of(location) else { continue };
        let exact = match head.kind {
            LocationKind::Exact => true,
            LocationKind::Prefix | LocationKind::PrefixWithoutRegex => false,
            LocationKind::Regex { .. } | LocationKind::Named => continue,
        };
        match first.get(&(exact, head.pattern)) {
            Some(_) if is_below_a_regex(block) => return,
            Some(earlier) => report(location, *earlier, head, findings),
            None => {
                first.insert((exact, head.pattern), location);
            }
        }
    }
}

/// nginx never compares what is nested in a location given by a regular
/// expression.
fn is_below_a_regex(block: Block<'_>) -> bool {
    block.outwards().any(|outer| LocationHead::of_block(outer).is_some_and(|head| head.is_regex()))
}

fn report(location: Directive<'_>, earlier: Directive<'_>, head: LocationHead<'_>, findings: &mut Findings) {
    let name = head.pattern;
    let same_place = location.place().location == earlier.place().location;
    let exactly = if head.kind == LocationKind::Exact { "exactly " } else { "" };
    let message = if same_place {
        format!("the location for {exactly}\"{name}\" is there each time this file is included")
    } else {
        format!("there are two locations for {exactly}\"{name}\"")
    };
    let finding = findings.add(location.place(), message);
    finding
        .nginx_says(format!("duplicate location \"{name}\""))
        .nginx_names(location.terminator())
        .help("keep one of them, with what both hold");
    if !same_place {
        finding.label(earlier.place(), "the first one");
    }
    let modifiers = [head.kind, LocationHead::of(earlier).map_or(head.kind, |head| head.kind)];
    if modifiers[0] != modifiers[1] {
        finding.note("with and without \"^~\" it is the same location");
    }
}
