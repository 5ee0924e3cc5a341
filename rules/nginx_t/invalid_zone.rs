//! Parameters of limits and of their zones.

use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, SMALLEST_ZONE, parse_number, split_zone};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-zone",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_limit_req_module.html"],
    equivalents: &[],
    page: include_str!("invalid_zone.md"),
    check: Check::Directives(&["limit_req_zone", "limit_req", "limit_conn_zone", "limit_conn"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() {
        return;
    }
    match directive.name() {
        "limit_req_zone" => check_parameters(directive, 1, &["zone=NAME:SIZE", "rate=RATE"], findings),
        "limit_conn_zone" => check_parameters(directive, 1, &["zone=NAME:SIZE"], findings),
        "limit_req" => {
            check_parameters(directive, 0, &["zone=NAME", "burst=NUMBER", "delay=NUMBER", "nodelay"], findings)
        }
        _ => check_connections(directive, findings),
    }
}

/// nginx reads one parameter after the other and stops at the first it does
/// not take.
fn check_parameters(directive: Directive<'_>, first: usize, forms: &[&str], findings: &mut Findings) {
    let declares = directive.name().ends_with("_zone");
    let mut has_zone = false;
    for (index, text) in directive.arguments().enumerate().skip(first) {
        if directive.is_template(index) {
            // It may be any of them.
            has_zone = true;
            continue;
        }
        let problem = match text.split_once('=') {
            Some(("zone", _)) if !declares => {
                has_zone = true;
                None
            }
            Some(("zone", value)) => {
                has_zone = !value.starts_with(':');
                problem_of_zone(text, value)
            }
            Some(("rate", value)) if forms.contains(&"rate=RATE") => problem_of_rate(text, value),
            Some((name @ ("burst" | "delay"), value)) if !declares => problem_of_number(text, name, value),
            None if text == "nodelay" && !declares => None,
            _ => Some(Problem {
                says: format!("invalid parameter \"{text}\""),
                what: format!("{} does not take \"{text}\"", directive.name()),
                help: format!("it takes {}", forms.join(", ")),
            }),
        };
        if let Some(problem) = problem {
            report(directive, index, problem, findings);
            return;
        }
    }
    if !has_zone {
        let name = directive.name();
        findings
            .add(directive.place(), format!("{name} says no zone"))
            .nginx_says(format!("\"{name}\" must have \"zone\" parameter"))
            .nginx_names(directive.terminator())
            .help(if declares {
                "add \"zone=NAME:10m\""
            } else {
                "add \"zone=NAME\", the name of one that is declared"
            });
    }
}

struct Problem {
    says: String,
    what: String,
    help: String,
}

fn report<'f>(directive: Directive<'_>, index: usize, problem: Problem, findings: &'f mut Findings) -> &'f mut Finding {
    let finding = findings.add(directive.place_of_argument(index), problem.what);
    finding.nginx_says(problem.says).nginx_names(directive.terminator()).help(problem.help)
}

fn problem_of_zone(text: &str, value: &str) -> Option<Problem> {
    let invalid = |what: String| {
        let help = "write the name, a colon and the size, with k or m: \"zone=NAME:10m\"".to_owned();
        Some(Problem { says: format!("invalid zone size \"{text}\""), what, help })
    };
    match split_zone(value) {
        None => invalid(format!("\"{text}\" gives the zone no size")),
        Some((_, None)) => invalid(format!("\"{text}\" gives the zone a size that nginx cannot read")),
        Some((_, Some(size))) if size < SMALLEST_ZONE => Some(Problem {
            says: format!("zone \"{text}\" is too small"),
            what: format!("\"{text}\" gives the zone {size} bytes; it needs {SMALLEST_ZONE} at least"),
            help: "write 32k or more; 1m holds about 16 thousand addresses".to_owned(),
        }),
        Some(_) => None,
    }
}

fn problem_of_rate(text: &str, value: &str) -> Option<Problem> {
    let number = value.strip_suffix("r/s").or_else(|| value.strip_suffix("r/m")).unwrap_or(value);
    let valid = parse_number(number).is_some_and(|rate| rate > 0);
    (!valid).then(|| Problem {
        says: format!("invalid rate \"{text}\""),
        what: format!("\"{text}\" is no rate"),
        help: "write a whole number above 0 with r/s or r/m: \"rate=10r/s\", \"rate=30r/m\"".to_owned(),
    })
}

fn problem_of_number(text: &str, name: &str, value: &str) -> Option<Problem> {
    let valid = parse_number(value).is_some_and(|number| number > 0);
    (!valid).then(|| Problem {
        says: format!("invalid {name} value \"{text}\""),
        what: format!("\"{text}\" is no whole number above 0"),
        help: match value {
            "0" => format!("leave {name} out: that is what 0 would mean"),
            _ => format!("write a whole number: \"{name}=20\""),
        },
    })
}

fn check_connections(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(1).filter(|_| !directive.is_template(1)) else { return };
    let (says, what) = match parse_number(text) {
        None | Some(0) => {
            (format!("invalid number of connections \"{text}\""), format!("\"{text}\" is no number of connections"))
        }
        Some(number) if number > 65_535 => (
            "connection limit must be less 65536".to_owned(),
            format!("limit_conn allows {number} connections; 65535 is the most it can count"),
        ),
        Some(_) => return,
    };
    let help = "write a whole number from 1 to 65535 behind the name of the zone".to_owned();
    report(directive, 1, Problem { says, what, help }, findings);
}
