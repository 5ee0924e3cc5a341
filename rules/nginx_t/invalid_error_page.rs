//! An error_page for a code that is no error.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-error-page",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#error_page"],
    equivalents: &[],
    page: include_str!("invalid_error_page.md"),
    check: Check::Directives(&["error_page"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    let count = directive.argument_count();
    let mut codes = count - 1;
    let answer = count - 2;
    if let Some(text) = directive.argument(answer).filter(|text| text.starts_with('=')) {
        codes = answer;
        if answer == 0 {
            let help = "write the code of the error in front of it, as in error_page 404 =200 /empty.html";
            report(directive, answer, format!("no error code in front of \"{text}\""), invalid(text), help, findings);
            return;
        }
        if text.len() > 1 && parse_number(&text[1..]).is_none() && !directive.is_template(answer) {
            let help = "write = and a number, such as =200, or = alone for the code of the page's own answer";
            let message = format!("\"{text}\" is no code to answer with");
            report(directive, answer, message, invalid(text), help, findings);
            return;
        }
    }
    (0..codes).filter(|index| !directive.is_template(*index)).for_each(|index| check_code(directive, index, findings));
}

fn check_code(directive: Directive<'_>, index: usize, findings: &mut Findings) {
    let text = directive.argument(index).unwrap_or_default();
    let (message, nginx, help) = match parse_number(text) {
        Some(499) => (
            "499 is the code of a client that is gone: nobody would see the page".to_owned(),
            invalid(text),
            "leave it out",
        ),
        Some(300..=599) => return,
        Some(_) => (
            format!("\"{text}\" is no error that could have a page"),
            format!("value \"{text}\" must be between 300 and 599"),
            "write codes from 300 to 599; to answer with another code write it with = behind them, as in 404 =200",
        ),
        None => (
            format!("\"{text}\" stands where error_page has its codes"),
            invalid(text),
            "write the codes first and one page at the end, as in error_page 500 502 503 /50x.html",
        ),
    };
    report(directive, index, message, nginx, help, findings);
}

fn invalid(text: &str) -> String {
    format!("invalid value \"{text}\"")
}

fn report(
    directive: Directive<'_>,
    argument: usize,
    message: String,
    nginx: String,
    help: &str,
    findings: &mut Findings,
) {
    findings
        .add(directive.place_of_argument(argument), message)
        .nginx_says(nginx)
        .nginx_names(directive.terminator())
        .help(help);
}
