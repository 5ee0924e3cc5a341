//! A limit_except with a method that nginx does not know.

use crate::catalog;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-limit-except",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#limit_except"],
    equivalents: &[],
    page: include_str!("invalid_limit_except.md"),
    check: Check::Directives(&["limit_except"], check),
};

/// In any case.
const METHODS: [&str; 14] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "PATCH",
];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    let is_known = |word: &str| METHODS.iter().any(|method| method.eq_ignore_ascii_case(word));
    for (index, word) in directive.arguments().enumerate() {
        if is_known(word) || directive.is_template(index) {
            continue;
        }
        let place = directive.place_of_argument(index);
        let finding = findings.add(place, format!("\"{word}\" is no method that limit_except knows"));
        finding.nginx_says(format!("invalid method \"{word}\"")).nginx_names(directive.terminator());
        match catalog::nearest(word, METHODS) {
            Some(method) => finding.help(format!("write {method}")),
            None if word.contains([',', '|']) => finding.help("put blanks between the methods, and nothing else"),
            None => finding.help(format!("write some of {}", METHODS.join(", "))),
        };
        // nginx looks no further, and what follows is mostly the same mistake.
        return;
    }
}
