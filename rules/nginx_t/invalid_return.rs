//! A return without a code.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-return",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_rewrite_module.html#return"],
    equivalents: &[],
    page: include_str!("invalid_return.md"),
    check: Check::Directives(&["return"], check),
};

/// In front of these, a text alone is where the client is sent.
const REDIRECTS: [&str; 3] = ["http://", "https://", "$scheme"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_in() != Some(Family::Http) || directive.is_template(0) {
        return;
    }
    let Some(code) = directive.argument(0) else { return };
    let alone = directive.argument_count() == 1;
    match parse_number(code) {
        Some(number) if number <= 999 => return,
        Some(_) => {}
        None if alone && REDIRECTS.iter().any(|start| code.starts_with(start)) => return,
        None => {}
    }
    findings
        .add(directive.place_of_argument(0), format!("\"{code}\" is no code that a return could answer with"))
        .nginx_says(format!("invalid return code \"{code}\""))
        .nginx_names(directive.terminator())
        .help(help(code, alone));
}

fn help(code: &str, alone: bool) -> String {
    let is_target = code.starts_with(['/', '$', '@']) || code.contains("://");
    match (is_target, alone) {
        (true, true) => format!("write the code first: return 302 {code}"),
        (true, false) => "write the code first, then where to go: return 302 /path".to_owned(),
        (false, true) if parse_number(code).is_none() => format!("write the code first: return 200 \"{code}\""),
        (false, _) => "write a number up to 999, such as return 404".to_owned(),
    }
}
