//! A `sticky` that nginx cannot use as it is written.

use std::collections::HashMap;

use crate::catalog::{Context, Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, has_placeholder, parse_milliseconds, parse_seconds, parse_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-sticky",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky"],
    equivalents: &[],
    page: include_str!("invalid_sticky.md"),
    check: Check::Configuration(check),
};

/// From it on open source nginx has the directive.
const STICKY: Version = Version::new(1, 29, 6);

/// Eight pages of memory.
const SMALLEST_ZONE: u64 = 8 * 4096;

/// Why nginx does not take an argument: its words, ours, and what to write.
struct Problem {
    says: String,
    message: String,
    help: &'static str,
}

/// A problem that nginx words as `"sticky" directive ...`.
fn of_directive(says: &str, message: impl Into<String>, help: &'static str) -> Option<Problem> {
    Some(Problem { says: format!("\"sticky\" directive {says}"), message: message.into(), help })
}

/// The zones of `learn`, and the groups they are for.
type Zones<'m> = HashMap<&'m str, &'m str>;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut zones = Zones::new();
    for upstream in model.upstreams(Family::Http) {
        for directive in upstream.block.directives("sticky") {
            check_directive(directive, upstream.name(), &mut zones, findings);
        }
    }
}

fn check_directive<'m>(directive: Directive<'m>, upstream: &'m str, zones: &mut Zones<'m>, findings: &mut Findings) {
    let arguments: Vec<&str> = directive.arguments().collect();
    let is_here = directive.parent().is(Context::Upstream) && directive.is_read() && arguments.len() >= 2;
    if !is_here
        || !is_for_open_source(directive.model(), arguments[0])
        || arguments.iter().any(|text| has_placeholder(text))
    {
        return;
    }
    let problem = match arguments[0] {
        "cookie" => problem_of_cookie(&arguments),
        "route" => problem_of_route(&arguments),
        "learn" => problem_of_learn(&arguments).or_else(|| problem_of_zone_name(&arguments, upstream, zones)),
        other => Some((
            0,
            Some(Problem {
                says: format!("unknown parameter \"{other}\""),
                message: format!("\"sticky\" knows no method \"{other}\""),
                help: "write cookie, route or learn",
            }),
        )),
    };
    let Some((index, Some(problem))) = problem else { return };
    let place = if index == 0 { directive.place() } else { directive.place_of_argument(index) };
    findings
        .add(place, problem.message)
        .nginx_says(problem.says)
        .since(STICKY)
        .nginx_names(directive.terminator())
        .help(problem.help);
}

/// Before, `sticky` was a directive of NGINX Plus, and of another module with
/// a grammar of its own.
fn is_for_open_source(model: &Model<'_>, method: &str) -> bool {
    match model.version() {
        Some(version) => version >= STICKY,
        None => !model.is_for_plus() && matches!(method, "cookie" | "route" | "learn"),
    }
}

/// Which argument is wrong, and why.
type Wrong = Option<(usize, Option<Problem>)>;

fn unknown(text: &str, help: &'static str) -> Option<Problem> {
    Some(Problem {
        says: format!("unknown parameter \"{text}\""),
        message: format!("\"sticky\" has the unknown parameter \"{text}\""),
        help,
    })
}

fn problem_of_route(arguments: &[&str]) -> Wrong {
    let index = arguments.iter().skip(1).position(|text| !text.starts_with('$'))? + 1;
    let text = arguments[index];
    let problem = Problem {
        says: format!("invalid variable name \"{text}\""),
        message: format!("\"{text}\" is not a variable"),
        help: "write the variables that can hold a route, such as $cookie_route",
    };
    Some((index, Some(problem)))
}

const OF_COOKIE: [&str; 6] = ["domain", "path", "expires", "httponly", "secure", "samesite"];

fn problem_of_cookie(arguments: &[&str]) -> Wrong {
    if arguments[1].is_empty() {
        return Some((1, of_directive("empty cookie name", "the cookie has no name", "write a name, such as srv_id")));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, text) in arguments.iter().enumerate().skip(2) {
        let (name, value) = text.split_once('=').map_or((*text, None), |(name, value)| (name, Some(value)));
        let is_flag = matches!(name, "httponly" | "secure");
        if !OF_COOKIE.contains(&name) || is_flag != value.is_none() {
            let help = "a cookie takes expires=, domain=, path=, samesite=, httponly and secure";
            return Some((index, unknown(text, help)));
        }
        if seen.contains(&name) {
            let says = format!("parameter \"{name}\" is duplicate");
            return Some((index, of_directive(&says, format!("\"{name}\" stands twice"), "remove one of them")));
        }
        seen.push(name);
        let problem = problem_of_cookie_value(name, value.unwrap_or_default());
        if problem.is_some() {
            return Some((index, problem));
        }
    }
    None
}

fn problem_of_cookie_value(name: &str, value: &str) -> Option<Problem> {
    match name {
        "domain" | "path" if value.is_empty() => {
            let says = format!("no value for \"{name}\"");
            of_directive(&says, format!("\"{name}=\" has no value"), "write a value, or leave the parameter out")
        }
        "expires" if value != "max" && parse_seconds(value).is_none() => of_directive(
            "invalid \"expires\" parameter value",
            format!("\"{value}\" is not a time in whole seconds"),
            "write a time such as expires=1h, or expires=max",
        ),
        "samesite" if !value.contains('$') && !is_same_site(value) => of_directive(
            "invalid \"samesite\" parameter value",
            format!("\"{value}\" is no value of SameSite"),
            "write strict, lax, none or a variable",
        ),
        _ => None,
    }
}

fn is_same_site(value: &str) -> bool {
    ["strict", "lax", "none"].iter().any(|known| value.eq_ignore_ascii_case(known))
}

fn problem_of_learn(arguments: &[&str]) -> Wrong {
    let (mut zone, mut timeout, mut create, mut lookup) = (false, false, false, false);
    for (index, text) in arguments.iter().enumerate().skip(1) {
        let problem = match text.split_once('=') {
            Some(("zone", _)) if zone => of_directive("duplicate zone", "\"zone=\" stands twice", "remove one of them"),
            Some(("zone", value)) => {
                zone = true;
                problem_of_zone(value)
            }
            Some(("timeout", _)) if timeout => {
                of_directive("duplicate timeout", "\"timeout=\" stands twice", "remove one of them")
            }
            Some(("timeout", value)) => {
                timeout = true;
                problem_of_timeout(value)
            }
            Some((name @ ("create" | "lookup"), value)) => {
                create |= name == "create";
                lookup |= name == "lookup";
                problem_of_variable(name, value)
            }
            // NGINX Plus has it.
            None if *text == "header" || *text == "sync" => None,
            _ => unknown(text, "learn takes create=, lookup=, zone=, timeout= and header"),
        };
        if problem.is_some() {
            return Some((index, problem));
        }
    }
    for (has, name) in [(lookup, "lookup"), (create, "create"), (zone, "zone")] {
        if !has {
            let says = format!("\"{name}\" parameter is not specified");
            let message = format!("\"sticky learn\" has no \"{name}=\"");
            let help = "write create= and lookup= with a variable each, and zone=NAME:1m";
            return Some((0, of_directive(&says, message, help)));
        }
    }
    None
}

fn problem_of_variable(name: &str, value: &str) -> Option<Problem> {
    if value.starts_with('$') {
        return None;
    }
    let says = format!("missing variable in the \"{name}\" parameter");
    of_directive(&says, format!("\"{name}=\" has no variable"), "write a variable, such as $upstream_cookie_session")
}

fn problem_of_timeout(value: &str) -> Option<Problem> {
    if parse_milliseconds(value).is_some_and(|time| time > 0) {
        return None;
    }
    of_directive("invalid timeout", format!("\"{value}\" is not a time above 0"), "write a time, such as timeout=10m")
}

fn problem_of_zone(value: &str) -> Option<Problem> {
    let help = "write a name and a size of 32k or more, such as zone=clients:1m";
    let Some((name, size)) = value.split_once(':') else {
        return of_directive("zone size is not specified", format!("the zone \"{value}\" has no size"), help);
    };
    if name.is_empty() {
        return of_directive("zone name is not specified", "the zone has no name", help);
    }
    match parse_size(size) {
        None => of_directive("invalid zone size", format!("\"{size}\" is no size of a zone"), help),
        Some(size) if size < SMALLEST_ZONE => {
            of_directive("zone is too small", format!("the zone \"{name}\" is too small"), help)
        }
        Some(_) => None,
    }
}

/// A zone is for one group alone.
fn problem_of_zone_name<'m>(arguments: &[&'m str], upstream: &'m str, zones: &mut Zones<'m>) -> Wrong {
    let index = arguments.iter().position(|text| text.starts_with("zone="))?;
    let (name, _) = arguments[index].strip_prefix("zone=")?.split_once(':')?;
    let Some(earlier) = zones.get(name) else {
        zones.insert(name, upstream);
        return None;
    };
    let problem = Problem {
        says: format!("sticky zone \"{name}\" is already used in upstream \"{earlier}\""),
        message: format!("the zone \"{name}\" already keeps the sessions of upstream \"{earlier}\""),
        help: "write another name for the zone",
    };
    Some((index, Some(problem)))
}
