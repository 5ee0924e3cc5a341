//! Words of add_header and expires that nginx does not take.

use crate::catalog;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_seconds};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-header",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header",
        "https://nginx.org/en/docs/http/ngx_http_headers_module.html#expires",
    ],
    equivalents: &[],
    page: include_str!("invalid_header.md"),
    check: Check::Directives(&["add_header", "add_trailer", "expires"], check),
};

/// So many seconds a day has.
const DAY: u64 = 24 * 60 * 60;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    match directive.name() {
        "expires" => check_expires(directive, findings),
        _ => check_third_word(directive, findings),
    }
}

fn check_third_word(directive: Directive<'_>, findings: &mut Findings) {
    let Some(word) = directive.argument(2).filter(|word| *word != "always" && !directive.is_template(2)) else {
        return;
    };
    let name = directive.name();
    let finding =
        findings.add(directive.place_of_argument(2), format!("{name} has \"{word}\" behind the value of the header"));
    finding.nginx_says(format!("invalid parameter \"{word}\"")).nginx_names(directive.terminator());
    match catalog::nearest(word, ["always"]) {
        Some(always) => finding.help(format!("write \"{always}\"")),
        None => finding.help("put quotes around a value with blanks in it; only \"always\" may stand behind it"),
    };
}

fn check_expires(directive: Directive<'_>, findings: &mut Findings) {
    let modified = directive.argument_count() == 2;
    if modified && directive.argument(0) != Some("modified") {
        if !directive.is_template(0) {
            let message = "expires has two words, and the first one is not \"modified\"".to_owned();
            report(directive, 0, message, "invalid value", "put quotes around a time with blanks in it", findings);
        }
        return;
    }
    let index = usize::from(modified);
    let text = directive.argument(index).unwrap_or_default();
    if text.contains('$') || (!modified && matches!(text, "epoch" | "max" | "off")) {
        return;
    }
    let daily = text.starts_with('@');
    if daily && modified {
        let message = "a time of day cannot be counted from the last modification".to_owned();
        let says = "daily time cannot be used with \"modified\" parameter";
        report(directive, index, message, says, "write a time without \"@\", or leave \"modified\" out", findings);
        return;
    }
    match parse_seconds(text.strip_prefix(['@', '+', '-']).unwrap_or(text)) {
        None => {
            let help = "write a time such as 30d, 1y or -1, a time of day such as @15h30m, or epoch, max or off";
            report(
                directive,
                index,
                format!("expires cannot read the time \"{text}\""),
                "invalid value",
                help,
                findings,
            );
        }
        Some(seconds) if daily && seconds > DAY => {
            let message = format!("\"{text}\" is no time of day");
            let says = "daily time value must be less than 24 hours";
            report(directive, index, message, says, "write a time of day up to @24h", findings);
        }
        Some(_) => {}
    }
}

fn report(directive: Directive<'_>, index: usize, message: String, says: &str, help: &str, findings: &mut Findings) {
    findings
        .add(directive.place_of_argument(index), message)
        .nginx_says(format!("\"expires\" directive {says}"))
        .nginx_names(directive.terminator())
        .help(help);
}
