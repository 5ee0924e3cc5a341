//! A map without a default that says where requests are passed to.

use std::collections::HashSet;

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Block, Directive, Host, Kind, Protocol, Regex, Target, Template, Values, compile_regex, parse_number,
    split_address, split_target,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-map-without-default",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_map_module.html#map",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
    ],
    equivalents: &[],
    page: include_str!("proxy_pass_map_without_default.md"),
    check: Check::Directives(&["map", "geo", "split_clients"], check),
};

/// Stands for the value of another variable.
const OTHER: &str = "x";

/// A value that nobody lists.
const STRANGE: &str = "\u{1} /strange-0.~";

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(block) = directive.block().filter(|block| !block.is_unseen()) else { return };
    let Some(variable) = directive.arguments().last().and_then(|name| name.strip_prefix('$')) else { return };
    let family = if directive.parent().is(Context::Stream) { Family::Stream } else { Family::Http };
    let mut users = directive.model().targets_reading(family, variable).peekable();
    if directive.definition().is_none() || users.peek().is_none() {
        return;
    }
    let keys = Keys::of(block);
    if has_default(directive, &keys, family) {
        return;
    }
    let source = source(directive);
    let broken = users.filter_map(|target| Some((target, broken_by_empty(target, variable)?)));
    let broken = broken
        .filter(|(target, _)| !is_guarded(*target, variable) && !is_server_of_listed_names(*target, source, &keys));
    let broken: Vec<(Target<'_>, String)> = broken.collect();
    let Some((first, says)) = broken.first() else { return };
    let finding = findings.add(
        directive.place(),
        format!("${variable} says where requests are passed to, and this {} has no default for it", directive.name()),
    );
    let outcome = if first.protocol == Protocol::Stream { "closes the connection" } else { "answers 500" };
    let what = match directive.name() {
        "map" => format!("for a value of {source} that is not listed"),
        "geo" => "for an address that is not listed".to_owned(),
        _ => "for the rest of the clients".to_owned(),
    };
    finding.note(format!("{what} ${variable} is empty, and nginx {outcome}: {says}"));
    // To close the connection of a host that is not listed is often meant.
    if first.protocol == Protocol::Stream {
        finding.severity(Severity::Info);
    }
    finding.help("add a default, such as the target that most requests go to");
    for (target, _) in broken.iter().take(3) {
        finding.label(target.directive.place(), "requests are passed on here");
    }
}

/// What it looks at; nothing for a `geo` of the client's address.
fn source(directive: Directive<'_>) -> &str {
    if directive.argument_count() > 1 { directive.argument(0).unwrap_or_default() } else { "" }
}

/// What stands in front of the values.
struct Keys<'m> {
    words: HashSet<String>,
    patterns: Vec<Regex>,
    lines: Vec<&'m str>,
}

impl<'m> Keys<'m> {
    fn of(block: Block<'m>) -> Keys<'m> {
        let lines: Vec<&str> = block.statements().iter().map(|line| line.name()).collect();
        let patterns = lines.iter().filter_map(|key| {
            let pattern = key.strip_prefix('~')?;
            let (pattern, caseless) = pattern.strip_prefix('*').map_or((pattern, false), |pattern| (pattern, true));
            compile_regex(pattern, caseless).ok()
        });
        let words = lines.iter().map(|key| key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase());
        Keys { words: words.collect(), patterns: patterns.collect(), lines }
    }

    /// Whether a line of a map is for this value.
    fn take(&self, value: &str) -> bool {
        self.words.contains(&value.to_ascii_lowercase()) || self.patterns.iter().any(|regex| regex.is_match(value))
    }

    fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.words.contains(*name))
    }
}

/// Whether every value of the source gives something.
fn has_default(directive: Directive<'_>, keys: &Keys<'_>, family: Family) -> bool {
    match directive.name() {
        "geo" => keys.has(&["default", "0.0.0.0/0", "0.0.0.0-255.255.255.255"]),
        "split_clients" => {
            keys.has(&["*"]) || keys.lines.iter().filter_map(|key| hundredths(key)).sum::<u64>() >= 10_000
        }
        _ => {
            let values = directive.model().values(family, source(directive));
            let is_listed = |value: &str| Values::is_known(value) && keys.take(value);
            let all_listed = !values.incomplete && values.iter().all(is_listed);
            keys.has(&["default"]) || all_listed || (keys.take("") && keys.take(STRANGE))
        }
    }
}

/// A share such as `12.5%` in hundredths of a percent.
fn hundredths(share: &str) -> Option<u64> {
    let (whole, part) = share.strip_suffix('%')?.split_once('.').unwrap_or((share.strip_suffix('%')?, "0"));
    let part = parse_number(part)? * if part.len() == 1 { 10 } else { 1 };
    Some(parse_number(whole)?.checked_mul(100)?.saturating_add(part))
}

/// What nginx says of a target in which this variable is empty.
fn broken_by_empty(target: Target<'_>, variable: &str) -> Option<String> {
    if target.is_template() || target.protocol == Protocol::Memcached || target.directive.definition().is_none() {
        return None;
    }
    let is_it = |name: &str| name.eq_ignore_ascii_case(variable);
    let text = Template::parse(target.text).fill(|name| if is_it(name) { "" } else { OTHER });
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, &*text),
    };
    if target.protocol == Protocol::Proxy {
        let is_whole = scheme.is_none() && (text.is_empty() || text.starts_with(['/', '?', ':']));
        if is_whole || scheme == Some("") {
            return Some(format!("invalid URL prefix in \"{text}\""));
        }
        scheme?;
    }
    let parts = split_target(target.protocol, rest);
    let (host, port) = split_address(&rest[parts.address]);
    match (host, port) {
        (Host::Name(""), None) if rest.is_empty() && scheme.is_some() => {
            Some(format!("invalid URL prefix in \"{text}\""))
        }
        (Host::Name(""), _) => Some(format!("no host in upstream \"{rest}\"")),
        (Host::Name(_) | Host::Address(_), Some("")) => Some(format!("invalid port in upstream \"{rest}\"")),
        _ => None,
    }
}

/// Whether an `if` looks at the variable before requests are passed on.
fn is_guarded(target: Target<'_>, variable: &str) -> bool {
    let begin = format!("(${variable}").to_ascii_lowercase();
    let looks_at = |branch: Directive<'_>| {
        branch.argument(0).is_some_and(|word| {
            let word = word.to_ascii_lowercase();
            word.strip_prefix(&begin).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    target.block().outwards().any(|scope| {
        let in_reach = matches!(
            scope.kind(),
            Kind::Directives(Context::Location | Context::Server | Context::IfInLocation | Context::IfInServer)
        );
        in_reach && (scope.head().is_some_and(looks_at) || scope.directives("if").any(looks_at))
    })
}

/// Whether the map looks at the host that was asked for, and the server is for
/// hosts that it lists.
fn is_server_of_listed_names(target: Target<'_>, source: &str, keys: &Keys<'_>) -> bool {
    if !["$host", "$http_host", "$server_name", "$ssl_server_name"].contains(&source) {
        return false;
    }
    let Some(server) = target.block().outwards().find(|block| block.is(Context::Server)) else { return true };
    let names = server.server_names();
    !names.is_empty() && names.iter().all(|name| keys.take(&name.text))
}
