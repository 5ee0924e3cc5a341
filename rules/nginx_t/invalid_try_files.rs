//! A try_files that ends with a code nginx does not take.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-try-files",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#try_files"],
    equivalents: &[],
    page: include_str!("invalid_try_files.md"),
    check: Check::Directives(&["try_files"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(last) = directive.argument_count().checked_sub(1) else { return };
    let Some(text) = directive.argument(last).filter(|text| text.starts_with('=')) else { return };
    let is_code = parse_number(&text[1..]).is_some_and(|code| code <= 999);
    if is_code || directive.taken_as().is_none() || directive.is_template(last) {
        return;
    }
    // nginx leaves out a letter where there are variables.
    let mut shown = text.to_owned();
    if text.contains('$') {
        shown.pop();
    }
    findings
        .add(directive.place_of_argument(last), format!("\"{text}\" is no code that try_files could end with"))
        .nginx_says(format!("invalid code \"{shown}\""))
        .nginx_names(directive.terminator())
        .help("write = and a number up to 999, such as =404, or a path");
}
