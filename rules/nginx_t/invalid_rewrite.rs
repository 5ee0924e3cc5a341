//! A rewrite without a replacement, or with a flag that does not exist.

use crate::catalog;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-rewrite",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#rewrite"],
    equivalents: &[],
    page: include_str!("invalid_rewrite.md"),
    check: Check::Directives(&["rewrite"], check),
};

const FLAGS: [&str; 4] = ["last", "break", "redirect", "permanent"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    if directive.argument(1) == Some("") {
        findings
            .add(directive.place_of_argument(1), "the replacement of this rewrite is empty")
            .nginx_says("empty replacement")
            .nginx_names(directive.terminator())
            .help("write / for the root, or ? to keep only the arguments away");
        return;
    }
    let Some(flag) = directive.argument(2).filter(|flag| !FLAGS.contains(flag) && !directive.is_template(2)) else {
        return;
    };
    let finding = findings.add(directive.place_of_argument(2), format!("the rewrite has the unknown flag \"{flag}\""));
    finding.nginx_says(format!("invalid parameter \"{flag}\"")).nginx_names(directive.terminator());
    match meant(flag) {
        Some(known) => finding.help(format!("write \"{known}\"")),
        None => finding.help("write last, break, redirect (302) or permanent (301), or nothing"),
    };
}

/// Flags of Apache, and mistyped ones.
fn meant(flag: &str) -> Option<&'static str> {
    match flag.trim_matches(['[', ']']) {
        "L" | "l" => Some("last"),
        "R" | "R=302" | "302" | "307" | "temporary" => Some("redirect"),
        "R=301" | "R=301,L" | "L,R=301" | "301" | "308" => Some("permanent"),
        _ => catalog::nearest(flag, FLAGS),
    }
}
