//! Parameters of caches, of stores, and of directories for temporary files.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Block, CacheWords, Directive, Effective, SMALLEST_KEYS_ZONE, parse_milliseconds, parse_number, parse_offset,
    parse_seconds, split_zone,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-cache",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_cache_path"],
    equivalents: &[],
    page: include_str!("invalid_cache.md"),
    check: Check::Directives(
        &[
            "proxy_cache_path",
            "fastcgi_cache_path",
            "uwsgi_cache_path",
            "scgi_cache_path",
            "proxy_cache_valid",
            "fastcgi_cache_valid",
            "uwsgi_cache_valid",
            "scgi_cache_valid",
            "proxy_cache",
            "fastcgi_cache",
            "uwsgi_cache",
            "scgi_cache",
            "proxy_store",
            "fastcgi_store",
            "uwsgi_store",
            "scgi_store",
            "client_body_temp_path",
            "proxy_temp_path",
            "fastcgi_temp_path",
            "uwsgi_temp_path",
            "scgi_temp_path",
            "open_file_cache",
        ],
        check,
    ),
};

/// What is wrong with one argument, or with the whole directive.
struct Problem {
    argument: Option<usize>,
    says: String,
    what: String,
    help: &'static str,
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() {
        return;
    }
    let name = directive.name();
    let problem = match name {
        "open_file_cache" => problem_of_open_files(directive),
        _ if name.ends_with("_cache_path") => problem_of_path(directive),
        _ if name.ends_with("_cache_valid") => problem_of_valid(directive),
        _ if name.ends_with("_temp_path") => problem_of_levels(directive),
        _ => {
            check_against_the_other(directive, findings);
            check_key(directive, findings);
            problem_of_store(directive, findings);
            None
        }
    };
    let Some(problem) = problem else { return };
    let place = problem.argument.map_or_else(|| directive.place(), |index| directive.place_of_argument(index));
    findings.add(place, problem.what).nginx_says(problem.says).nginx_names(directive.terminator()).help(problem.help);
}

/// A parameter of a cache: its name, whether a value is right, and what is.
struct Parameter {
    name: &'static str,
    is_valid: fn(&str) -> bool,
    help: &'static str,
}

const NUMBER: fn(&str) -> bool = |text| parse_number(text).is_some();
const MILLISECONDS: fn(&str) -> bool = |text| parse_milliseconds(text).is_some();
const BYTES: fn(&str) -> bool = |text| parse_offset(text).is_some();

/// Those whose message is "invalid NAME value".
const PARAMETERS: [Parameter; 9] = [
    Parameter {
        name: "inactive",
        is_valid: |text| parse_seconds(text).is_some(),
        help: "write a time in seconds or longer units: \"inactive=60m\"",
    },
    Parameter { name: "max_size", is_valid: BYTES, help: "write a size with k, m or g: \"max_size=10g\"" },
    Parameter { name: "min_free", is_valid: BYTES, help: "write a size with k, m or g: \"min_free=1g\"" },
    Parameter { name: "loader_files", is_valid: NUMBER, help: "write a whole number: \"loader_files=100\"" },
    Parameter { name: "loader_sleep", is_valid: MILLISECONDS, help: "write a time: \"loader_sleep=50ms\"" },
    Parameter { name: "loader_threshold", is_valid: MILLISECONDS, help: "write a time: \"loader_threshold=200ms\"" },
    Parameter { name: "manager_files", is_valid: NUMBER, help: "write a whole number: \"manager_files=100\"" },
    Parameter { name: "manager_sleep", is_valid: MILLISECONDS, help: "write a time: \"manager_sleep=50ms\"" },
    Parameter { name: "manager_threshold", is_valid: MILLISECONDS, help: "write a time: \"manager_threshold=200ms\"" },
];

fn problem_of_path(directive: Directive<'_>) -> Option<Problem> {
    let mut has_zone = false;
    for (argument, text) in directive.arguments().enumerate().skip(1) {
        if directive.is_template(argument) {
            // It may be any of them.
            has_zone = true;
            continue;
        }
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let what = match name {
            _ if !text.contains('=') => Some((format!("invalid parameter \"{text}\""), UNKNOWN_PARAMETER)),
            "levels" => (!are_levels(value)).then(|| {
                let help = "write one to three digits, each 1 or 2, with colons between: \"levels=1:2\"";
                (format!("invalid \"levels\" \"{text}\""), help)
            }),
            "use_temp_path" => (!matches!(value, "on" | "off")).then(|| {
                let says = format!("invalid use_temp_path value \"{text}\", it must be \"on\" or \"off\"");
                (says, "write on or off, in small letters")
            }),
            "keys_zone" => {
                has_zone = !value.starts_with(':');
                problem_of_keys_zone(text, value)
            }
            // NGINX Plus alone takes these.
            _ if name.starts_with("purger") => None,
            _ => match PARAMETERS.iter().find(|parameter| parameter.name == name) {
                Some(parameter) => {
                    let valid = (parameter.is_valid)(value);
                    (!valid).then(|| (format!("invalid {name} value \"{text}\""), parameter.help))
                }
                None => Some((format!("invalid parameter \"{text}\""), UNKNOWN_PARAMETER)),
            },
        };
        if let Some((says, help)) = what {
            let what = format!("{} does not take \"{text}\"", directive.name());
            return Some(Problem { argument: Some(argument), says, what, help });
        }
    }
    (!has_zone).then(|| Problem {
        argument: None,
        says: format!("\"{}\" must have \"keys_zone\" parameter", directive.name()),
        what: format!("{} names no zone for the keys of the cache", directive.name()),
        help: "add \"keys_zone=NAME:10m\"; 1m holds about 8 thousand keys",
    })
}

const UNKNOWN_PARAMETER: &str = "it takes levels=, use_temp_path=, keys_zone=, inactive=, max_size=, min_free=, and files=, sleep= and threshold= of loader_ and manager_";

const ENOUGH_FOR_KEYS: &str = "write 12k or more; 1m holds about 8 thousand keys";

fn are_levels(value: &str) -> bool {
    value.is_empty() || (value.split(':').count() <= 3 && value.split(':').all(|level| matches!(level, "1" | "2")))
}

fn problem_of_keys_zone(text: &str, value: &str) -> Option<(String, &'static str)> {
    match split_zone(value) {
        None | Some((_, None)) => {
            let help = "write the name, a colon and the size, with k or m: \"keys_zone=NAME:10m\"";
            Some((format!("invalid keys zone size \"{text}\""), help))
        }
        Some((_, Some(size))) if size < SMALLEST_KEYS_ZONE => {
            Some((format!("keys zone \"{text}\" is too small"), ENOUGH_FOR_KEYS))
        }
        // Two pages pass the check, and are then not enough to begin with.
        Some((_, Some(size))) if size < SMALLEST_KEYS_ZONE / 2 * 3 => {
            Some(("ngx_slab_alloc() failed: no memory".to_owned(), ENOUGH_FOR_KEYS))
        }
        Some(_) => None,
    }
}

fn problem_of_valid(directive: Directive<'_>) -> Option<Problem> {
    let last = directive.argument_count() - 1;
    let time = directive.argument(last)?;
    if !directive.is_template(last) && parse_seconds(time).is_none() {
        return Some(Problem {
            argument: Some(last),
            says: format!("invalid time value \"{time}\""),
            what: format!("the last argument of {} is no time: \"{time}\"", directive.name()),
            help: "write the codes first and a time in seconds or longer units last: \"200 302 10m\"",
        });
    }
    let is_status =
        |text: &str| text == "any" || parse_number(text).is_some_and(|status| (100..=599).contains(&status));
    let codes = directive.arguments().enumerate().take(last);
    let (argument, code) =
        codes.filter(|(index, _)| !directive.is_template(*index)).find(|(_, text)| !is_status(text))?;
    Some(Problem {
        argument: Some(argument),
        says: format!("invalid status \"{code}\""),
        what: format!("{} does not take the code \"{code}\"", directive.name()),
        help: "write codes from 100 to 599, or any",
    })
}

fn problem_of_levels(directive: Directive<'_>) -> Option<Problem> {
    let levels: Vec<(usize, &str)> = directive.arguments().enumerate().skip(1).collect();
    if levels.iter().any(|(index, _)| directive.is_template(*index)) {
        return None;
    }
    let length = |text: &str| parse_number(text).filter(|length| *length > 0);
    let invalid = levels.iter().find(|(_, text)| length(text).is_none());
    let total: u64 = levels.iter().filter_map(|(_, text)| length(text)).fold(0, u64::saturating_add);
    let says = format!("\"{}\" directive invalid value", directive.name());
    let help = "write up to three lengths behind the path, of 10 letters together at most: \"1 2\"";
    if let Some(&(argument, text)) = invalid {
        let what = format!("{} does not take \"{text}\" for the length of a directory's name", directive.name());
        return Some(Problem { argument: Some(argument), says, what, help });
    }
    (total > 10).then(|| Problem {
        argument: Some(1),
        says,
        what: format!("the names of directories below {} are {total} letters together", directive.name()),
        help,
    })
}

fn problem_of_open_files(directive: Directive<'_>) -> Option<Problem> {
    let words = CacheWords::of(directive, &["inactive"]);
    if let Some(argument) = words.wrong {
        let text = directive.argument(argument)?;
        return Some(Problem {
            argument: Some(argument),
            says: format!("invalid \"open_file_cache\" parameter \"{text}\""),
            what: format!("open_file_cache does not take \"{text}\""),
            help: "write \"max=NUMBER\" and perhaps \"inactive=TIME\", or off",
        });
    }
    (!words.is_complete).then(|| Problem {
        argument: None,
        says: "\"open_file_cache\" must have the \"max\" parameter".to_owned(),
        what: "open_file_cache does not say how many files".to_owned(),
        help: "add \"max=1000\", or write off",
    })
}

/// Since 1.28.0 at the latest; the exact release of 1.27 is not known.
const REFUSES_AN_EMPTY_PATH: Version = Version::new(1, 28, 0);

fn problem_of_store(directive: Directive<'_>, findings: &mut Findings) {
    if directive.name().ends_with("_store") && directive.argument(0) == Some("") {
        findings
            .add(directive.place(), format!("{} has an empty path", directive.name()))
            .nginx_says("empty path")
            .nginx_names(directive.terminator())
            .since(REFUSES_AN_EMPTY_PATH)
            .help("write on, off, or a path");
    }
}

/// A block either caches or stores: the second of the two is refused.
fn check_against_the_other(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let other = match (name.strip_suffix("_cache"), name.strip_suffix("_store")) {
        (Some(family), _) => format!("{family}_store"),
        (_, Some(family)) => format!("{family}_cache"),
        _ => return,
    };
    let is_on = |directive: &Directive<'_>| directive.argument(0) != Some("off") && !directive.is_template(0);
    let earlier = directive.parent().directives(&other).find(|earlier| earlier.id() < directive.id() && is_on(earlier));
    let Some(earlier) = earlier.filter(|_| is_on(&directive)) else { return };
    findings
        .add(directive.place(), format!("{name} stands in the same block as {other}"))
        .nginx_says(format!("\"{name}\" directive is incompatible with \"{other}\""))
        .nginx_names(directive.terminator())
        .label(earlier.place(), format!("{other} is here"))
        .help("keep one of the two: a cache forgets what is out of date, a store keeps copies for good");
}

/// Without a key all responses of a cache would be one; only `proxy_cache`
/// has a key by default.
fn check_key(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let Some(family) = name.strip_suffix("_cache").filter(|family| *family != "proxy") else { return };
    if directive.argument(0) == Some("off") || directive.is_template(0) {
        return;
    }
    let key = format!("{name}_key");
    let lacks_key = |block: Block<'_>| {
        block.effective(name) == Effective::Set(directive) && block.effective(&key) == Effective::Default
    };
    let block = directive.parent();
    let lacks = if block.is(Context::Http) {
        block.directives("server").filter_map(|server| server.block()).any(lacks_key)
    } else {
        lacks_key(block)
    };
    if !lacks {
        return;
    }
    let finding = findings.add(directive.place(), format!("{name} is on, and no {key} says what tells requests apart"));
    finding.severity(Severity::Warning).not_refused().nginx_says(format!("no \"{key}\" for \"{name}\""));
    if let Some(brace) = block.end_of_family() {
        finding.nginx_names(brace);
    }
    finding
        .note(format!("every request that goes to this {family}_pass would get the first response that was cached"))
        .help(format!("add \"{key} $scheme$request_method$host$request_uri;\""));
}
