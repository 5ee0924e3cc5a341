//! A parameter of `listen` that nginx does not take.

use crate::catalog::{Family, Version, nearest};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, family_of_server, has_placeholder, parse_number, parse_seconds, parse_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-listen",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("invalid_listen.md"),
    check: Check::Directives(&["listen"], check),
};

/// What follows the `=` of a parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// The parameter is a word.
    None,
    Number,
    /// A number, but not 0.
    Positive,
    Size,
    Keepalive,
    /// `on` or `off`.
    Switch,
    Any,
}

/// The first releases that take a parameter in http, stream and mail.
type Since = [Option<Version>; 3];

const ALWAYS: Option<Version> = Some(Version::new(1, 0, 0));
const VIRTUAL_STREAM: Option<Version> = Some(Version::new(1, 25, 5));
const QUIC: Version = Version::new(1, 25, 0);
const MULTIPATH: Option<Version> = Some(Version::new(1, 29, 7));

/// Before it, stream and mail say "the invalid "x" parameter".
const NEW_WORDS: Version = Version::new(1, 25, 5);

/// From it on nginx no longer knows `spdy`.
const NO_SPDY: Version = Version::new(1, 19, 7);

struct Parameter {
    name: &'static str,
    value: Value,
    since: Since,
}

const fn parameter(name: &'static str, value: Value, since: Since) -> Parameter {
    Parameter { name, value, since }
}

/// `setfib` and `accept_filter` are for BSD: Linux refuses the one and warns
/// of the other.
const PARAMETERS: [Parameter; 19] = [
    parameter("default_server", Value::None, [ALWAYS, VIRTUAL_STREAM, None]),
    parameter("default", Value::None, [ALWAYS, None, None]),
    parameter("ssl", Value::None, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("http2", Value::None, [ALWAYS, None, None]),
    parameter("quic", Value::None, [Some(QUIC), None, None]),
    parameter("udp", Value::None, [None, ALWAYS, None]),
    parameter("proxy_protocol", Value::None, [ALWAYS, ALWAYS, Some(Version::new(1, 19, 8))]),
    parameter("reuseport", Value::None, [ALWAYS, ALWAYS, None]),
    parameter("bind", Value::None, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("deferred", Value::None, [ALWAYS, VIRTUAL_STREAM, None]),
    parameter("multipath", Value::None, [MULTIPATH, MULTIPATH, MULTIPATH]),
    parameter("backlog", Value::Positive, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("rcvbuf", Value::Size, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("sndbuf", Value::Size, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("fastopen", Value::Number, [ALWAYS, Some(Version::new(1, 21, 0)), None]),
    parameter("setfib", Value::Any, [ALWAYS, VIRTUAL_STREAM, None]),
    parameter("accept_filter", Value::Any, [ALWAYS, VIRTUAL_STREAM, None]),
    parameter("ipv6only", Value::Switch, [ALWAYS, ALWAYS, ALWAYS]),
    parameter("so_keepalive", Value::Keepalive, [ALWAYS, ALWAYS, ALWAYS]),
];

/// What a socket for datagrams cannot have.
const NOT_FOR_DATAGRAMS: [&str; 8] =
    ["fastopen", "backlog", "deferred", "multipath", "ssl", "http2", "so_keepalive", "proxy_protocol"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(family) = family_of_server(directive.parent()).filter(|_| !directive.has_block()) else { return };
    let mut sound = true;
    for (index, text) in directive.arguments().enumerate().skip(1) {
        if !has_placeholder(text) {
            sound &= check_parameter(directive, family, index, text, findings);
        }
    }
    if sound {
        check_datagrams(directive, family, findings);
    }
    warn_of_http2(directive, family, findings);
}

fn column(family: Family) -> usize {
    match family {
        Family::Stream => 1,
        Family::Mail => 2,
        _ => 0,
    }
}

/// True if nginx takes the parameter.
fn check_parameter(
    directive: Directive<'_>,
    family: Family,
    index: usize,
    text: &str,
    findings: &mut Findings,
) -> bool {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let known = PARAMETERS.iter().find(|known| known.name == name && (known.value == Value::None) == value.is_none());
    let Some((known, since)) = known.and_then(|known| Some((known, known.since[column(family)]?))) else {
        report_unknown(directive, family, index, text, findings);
        return false;
    };
    if directive.model().version().is_some_and(|version| version < since) {
        report_too_new(directive, family, index, (text, since), findings);
        return false;
    }
    let Some(says) = problem_of_value(known, text, value.unwrap_or_default()) else { return true };
    let says = says.unwrap_or_else(|| words_for_unknown(directive, family, text));
    findings
        .add(directive.place_of_argument(index), format!("\"{text}\" in \"listen\" has {}", expected(known.value)))
        .nginx_says(says)
        .nginx_names(directive.terminator())
        .help(example(known));
    false
}

fn report_unknown(directive: Directive<'_>, family: Family, index: usize, text: &str, findings: &mut Findings) {
    let name = text.split('=').next().unwrap_or_default();
    let finding =
        findings.add(directive.place_of_argument(index), format!("\"listen\" has the unknown parameter \"{text}\""));
    finding.nginx_says(words_for_unknown(directive, family, text)).nginx_names(directive.terminator());
    if text == "spdy" && family == Family::Http {
        finding.since(NO_SPDY);
    }
    let in_family = PARAMETERS.iter().filter(|known| known.since[column(family)].is_some());
    let elsewhere = PARAMETERS.iter().find(|known| known.name == name && known.since[column(family)].is_none());
    if let Some(known) = in_family.clone().find(|known| known.name == name) {
        finding.help(example(known));
    } else if let Some(known) = elsewhere {
        finding.help(elsewhere_help(known, family));
    } else if text == "spdy" || text == "http3" {
        finding.help(if text == "spdy" { "SPDY is gone: write \"http2 on;\"" } else { "for HTTP/3 write \"quic\"" });
    } else if parse_number(text).is_some() || text.contains([':', '.']) {
        finding.help("one listen takes one address: write another listen for this one");
    } else if let Some(near) = nearest(name, in_family.map(|known| known.name)) {
        finding.help(format!("write \"{}\"", text.replacen(name, near, 1)));
    }
}

fn elsewhere_help(known: &Parameter, family: Family) -> String {
    match (known.name, family) {
        ("udp", _) => "in http, datagrams are for HTTP/3 alone: write \"quic\"".to_owned(),
        (name, Family::Mail) => format!("mail has no \"{name}\": leave it out"),
        (name, _) => format!("\"{name}\" is for http: leave it out"),
    }
}

/// Before 1.25.5 stream and mail have other words.
fn words_for_unknown(directive: Directive<'_>, family: Family, text: &str) -> String {
    let is_old = directive.model().version().is_some_and(|version| version < NEW_WORDS);
    if is_old && family != Family::Http {
        format!("the invalid \"{text}\" parameter")
    } else {
        format!("invalid parameter \"{text}\"")
    }
}

fn report_too_new(
    directive: Directive<'_>,
    family: Family,
    index: usize,
    (text, since): (&str, Version),
    findings: &mut Findings,
) {
    findings
        .add(directive.place_of_argument(index), format!("\"listen\" takes \"{text}\" from nginx {since} on"))
        .nginx_says(words_for_unknown(directive, family, text))
        .nginx_names(directive.terminator())
        .help(format!("leave it out, or use nginx {since} or later"));
}

/// What nginx says of a value that it does not take: nothing in particular
/// where it takes the whole word for unknown.
fn problem_of_value(known: &Parameter, text: &str, value: &str) -> Option<Option<String>> {
    let is_right = match known.value {
        Value::None | Value::Any => true,
        Value::Number => parse_number(value).and_then(kept).is_some(),
        Value::Positive => parse_number(value).and_then(kept).is_some_and(|number| number != 0),
        Value::Size => parse_size(value).and_then(kept).is_some(),
        Value::Keepalive => is_keepalive(value),
        Value::Switch => value == "on" || value == "off",
    };
    if is_right {
        return None;
    }
    Some(match known.value {
        Value::Switch if value.starts_with('o') => Some(format!("invalid ipv6only flags \"{value}\"")),
        Value::Switch => None,
        Value::Keepalive => Some(format!("invalid so_keepalive value: \"{value}\"")),
        _ => Some(format!("invalid {} \"{text}\"", known.name)),
    })
}

/// What is left of a number that nginx keeps in 32 bits; none when that is the
/// mark of an error.
fn kept(number: u64) -> Option<i32> {
    Some(number as u32 as i32).filter(|kept| *kept != -1)
}

/// `on`, `off`, or two times and a count between colons, not all of them
/// left out or 0.
fn is_keepalive(value: &str) -> bool {
    if value == "on" || value == "off" {
        return true;
    }
    let mut parts = value.splitn(3, ':');
    let mut read = |parse: fn(&str) -> Option<u64>| match parts.next() {
        None | Some("") => Some(0),
        Some(part) => parse(part).and_then(kept),
    };
    let times = [read(parse_seconds), read(parse_seconds), read(parse_number)];
    times.iter().all(Option::is_some) && times.iter().any(|time| *time != Some(0))
}

fn expected(value: Value) -> &'static str {
    match value {
        Value::Number => "no number",
        Value::Positive => "no number from 1 on",
        Value::Size => "no size",
        Value::Keepalive => "neither on, off nor times",
        Value::Switch => "neither on nor off",
        Value::None | Value::Any => "no value that nginx takes",
    }
}

fn example(known: &Parameter) -> String {
    match known.value {
        Value::None => format!("write \"{}\", without a value", known.name),
        Value::Number | Value::Positive => format!("write a number, such as {}=511", known.name),
        Value::Size => format!("write bytes, or k or m behind the number, such as {}=64k", known.name),
        Value::Keepalive => {
            "write so_keepalive=on, or idle time, interval and count, such as so_keepalive=30m:10s:5".to_owned()
        }
        Value::Switch => format!("write {0}=on or {0}=off", known.name),
        Value::Any => format!("write a value behind {}=", known.name),
    }
}

/// `quic` in http and `udp` in stream are for datagrams.
fn check_datagrams(directive: Directive<'_>, family: Family, findings: &mut Findings) {
    let marker = match family {
        Family::Http => "quic",
        Family::Stream => "udp",
        _ => return,
    };
    let arguments: Vec<&str> = directive.arguments().collect();
    let Some(at) = arguments.iter().skip(1).position(|text| *text == marker) else { return };
    for name in NOT_FOR_DATAGRAMS {
        let is_it = |text: &&str| text.split('=').next() == Some(name);
        let Some(index) = arguments.iter().skip(1).position(is_it) else { continue };
        let finding = findings.add(
            directive.place_of_argument(index + 1),
            format!("\"{name}\" is not possible in a listen for datagrams"),
        );
        finding.nginx_says(format!("\"listen\" directive \"{name}\" parameter is incompatible with \"{marker}\""));
        finding.nginx_names(directive.terminator()).label(directive.place_of_argument(at + 1), "for datagrams");
        finding.help(help_for_datagrams(name, marker, directive));
    }
}

fn help_for_datagrams(name: &str, marker: &str, directive: Directive<'_>) -> String {
    let address = directive.argument(0).unwrap_or_default();
    match (name, marker) {
        ("ssl", "quic") => "QUIC is always encrypted: leave out \"ssl\"".to_owned(),
        ("http2", "quic") => format!("HTTP/2 needs TCP: write it as \"listen {address} ssl; http2 on;\""),
        _ => format!("leave out \"{name}\""),
    }
}

/// nginx 1.25.1 has a directive instead; said only where that one is known.
fn warn_of_http2(directive: Directive<'_>, family: Family, findings: &mut Findings) {
    let deprecated = Version::new(1, 25, 1);
    if family != Family::Http || directive.model().version().is_none_or(|version| version < deprecated) {
        return;
    }
    let Some(index) = directive.arguments().skip(1).position(|text| text == "http2") else { return };
    findings
        .add(directive.place_of_argument(index + 1), "\"http2\" in \"listen\" is deprecated")
        .severity(Severity::Warning)
        .not_refused()
        .nginx_says("the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead")
        .nginx_names(directive.terminator())
        .help("leave it out, and write in the server: http2 on;");
}
