//! Two groups of the same name.

use std::collections::HashMap;

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-upstream",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#upstream"],
    equivalents: &[],
    page: include_str!("duplicate_upstream.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    // The groups of http and those of stream do not meet.
    for family in [Family::Http, Family::Stream] {
        let mut first: HashMap<String, Upstream<'_>> = HashMap::new();
        for upstream in model.upstreams(family) {
            match first.get(&upstream.name().to_ascii_lowercase()) {
                Some(earlier) => report(upstream, *earlier, findings),
                None => {
                    first.insert(upstream.name().to_ascii_lowercase(), upstream);
                }
            }
        }
    }
}

fn report(upstream: Upstream<'_>, earlier: Upstream<'_>, findings: &mut Findings) {
    let (Some(head), Some(first)) = (upstream.block.head(), earlier.block.head()) else { return };
    let (place, first) = (head.place(), first.place());
    let name = upstream.name();
    let same_place = place.location == first.location;
    let message = match (same_place, earlier.name() == name) {
        (true, _) => format!("upstream \"{name}\" is declared each time this file is included"),
        (false, true) => format!("upstream \"{name}\" is declared twice"),
        (false, false) => format!("upstream \"{name}\" is declared twice: nginx takes it for \"{}\"", earlier.name()),
    };
    let finding = findings.add(place, message);
    finding.nginx_says(format!("duplicate upstream \"{name}\"")).nginx_names(head.terminator());
    finding.help("rename one of them and what passes requests to it, or remove the one that is left over");
    if !same_place {
        finding.label(first, "first declared here");
    }
}
