//! Headers of an outer level that one header of an inner level cuts off.

use std::collections::HashSet;

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Model, Protocol, Target, Values, is_public_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-set-header-inheritance",
    group: Group::Header,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"],
    equivalents: &[],
    page: include_str!("proxy_set_header_inheritance.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

/// The lists, and whose they are.
const LISTS: [(&str, Protocol); 2] = [("proxy_set_header", Protocol::Proxy), ("grpc_set_header", Protocol::Grpc)];

/// Until this release requests say `Connection: close` unless told otherwise.
const NO_CLOSE: Version = Version::new(1, 29, 7);

/// Headers that nginx sends, or leaves out, by itself.
const DEFAULTS: [(&str, &[&str]); 6] = [
    ("host", &["$proxy_host"]),
    ("te", &["", "trailers"]),
    ("keep-alive", &[""]),
    ("expect", &[""]),
    ("upgrade", &[""]),
    ("transfer-encoding", &[""]),
];

/// Headers without which applications do the wrong thing.
const NEEDED: [&str; 9] = [
    "host",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "forwarded",
    "upgrade",
    "connection",
];

fn check(block: Block<'_>, findings: &mut Findings) {
    for (list, protocol) in LISTS {
        let own: Vec<Directive<'_>> = block.directives(list).collect();
        if own.is_empty() || block.is_unseen_for(list) {
            continue;
        }
        let Some(outer) = block.parent().map(|parent| parent.effective_list(list)) else { continue };
        let mut lost = lost_headers(&own, &outer.directives);
        if lost.is_empty() {
            continue;
        }
        let mut targets = block.targets_governed_by(list);
        targets.retain(|target| target.protocol == protocol);
        lost.retain(|header| matters(*header, &targets));
        if !lost.is_empty() && !targets.is_empty() {
            report(block, &own, &lost, findings);
        }
    }
}

fn name_of(header: Directive<'_>) -> &str {
    header.argument(0).unwrap_or_default()
}

/// The headers of the outer level that the inner one does not have.
fn lost_headers<'m>(own: &[Directive<'m>], outer: &[Directive<'m>]) -> Vec<Directive<'m>> {
    let mut names: HashSet<String> = own.iter().map(|header| name_of(*header).to_ascii_lowercase()).collect();
    let mut lost: Vec<Directive<'m>> = Vec::new();
    for header in outer {
        let name = name_of(*header).to_ascii_lowercase();
        let is_known = !name.is_empty() && !header.is_template(0) && !is_default(*header);
        if is_known && names.insert(name.clone()) && !is_half_of_an_upgrade(own, &name) {
            lost.push(*header);
        }
    }
    lost
}

/// Whether a header says what nginx sends without it.
fn is_default(header: Directive<'_>) -> bool {
    let (name, value) = (name_of(header).to_ascii_lowercase(), header.argument(1).unwrap_or_default());
    if name == "connection" {
        return match header.model().version() {
            Some(version) if version >= NO_CLOSE => value.is_empty(),
            Some(_) => value.eq_ignore_ascii_case("close"),
            None => value.is_empty() || value.eq_ignore_ascii_case("close"),
        };
    }
    if let Some((_, defaults)) = DEFAULTS.iter().find(|(known, _)| *known == name) {
        return defaults.contains(&value);
    }
    // What the client sent is passed on anyway.
    value.strip_prefix("$http_").is_some_and(|rest| rest == name.replace('-', "_"))
}

/// Whether the inner level has one of the two headers of a websocket, and this
/// is the other: that is a mistake of its own.
fn is_half_of_an_upgrade(own: &[Directive<'_>], name: &str) -> bool {
    let sets = |wanted: &str| own.iter().find(|header| name_of(**header).eq_ignore_ascii_case(wanted)).copied();
    if name.eq_ignore_ascii_case("connection") {
        return sets("upgrade").and_then(|header| header.argument(1)).is_some_and(|value| !value.is_empty());
    }
    name.eq_ignore_ascii_case("upgrade") && sets("connection").is_some_and(may_say_upgrade)
}

fn may_say_upgrade(connection: Directive<'_>) -> bool {
    let model: &Model<'_> = connection.model();
    let values = model.values_at(connection.parent(), connection.argument(1).unwrap_or_default());
    values.iter().any(|value| Values::is_known(value) && value.to_ascii_lowercase().contains("upgrade"))
}

/// Whether the targets can miss a header: a server of the internet is asked
/// for by its own name unless `Host` says another.
fn matters(header: Directive<'_>, targets: &[Target<'_>]) -> bool {
    if !name_of(header).eq_ignore_ascii_case("host") {
        return true;
    }
    let wants_own_name = |target: &Target<'_>| {
        target.has_variables() || target.own_endpoint().is_some_and(|endpoint| is_public_name(endpoint.host))
    };
    !targets.iter().all(wants_own_name)
}

fn report(block: Block<'_>, own: &[Directive<'_>], lost: &[Directive<'_>], findings: &mut Findings) {
    let (Some(first), Some(last)) = (own.first(), own.last()) else { return };
    let head = block.head();
    // What stands in a file that others include, too, is not the place to look at.
    let is_written_here = head.is_none_or(|head| head.file() == first.file() && head.file() == last.file());
    let place = head.filter(|_| !is_written_here).map_or(first.place(), |head| head.place());
    let names: Vec<&str> = lost.iter().map(|header| name_of(*header)).collect();
    let list = first.name();
    let what = block.head().map_or("block", |head| head.name());
    let finding =
        findings.add(place, format!("{list} in this {what} cuts off those above: {} not sent", listed(&names)));
    finding.note(format!(
        "{list} is inherited only by a level that has none of its own: without them {}",
        consequence(&names)
    ));
    finding.help(format!("repeat the lost lines in this {what}, or put all of them in a file that both include"));
    for header in lost.iter().take(3) {
        finding.label(header.place(), "not in force further in");
    }
    let is_needed = |name: &&str| NEEDED.iter().any(|needed| name.eq_ignore_ascii_case(needed));
    if !names.iter().any(is_needed) {
        finding.severity(Severity::Info);
    }
    let on_one_line = lost.iter().all(|header| !header.goes_on_in_another_line());
    if is_written_here && on_one_line {
        let indentation = format!("\n{}", last.indentation());
        let lines: Vec<String> = lost.iter().map(|header| text_of(*header)).collect();
        let edit = Edit::add_line_behind(*last, &lines.join(&indentation));
        finding.fix(false, format!("repeat {}", names.join(", ")), vec![edit]);
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is"),
        [first @ .., last] if names.len() <= 4 => format!("{} and {last} are", first.join(", ")),
        _ => format!("{} and {} others are", names[..3].join(", "), names.len() - 3),
    }
}

/// What the application sees then.
fn consequence(names: &[&str]) -> &'static str {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    if has("host") {
        "the application sees the name of the target as Host"
    } else if has("x-forwarded-for") || has("x-real-ip") || has("forwarded") {
        "the application sees the address of nginx as that of every client"
    } else if has("x-forwarded-proto") {
        "the application takes every request for plain HTTP"
    } else if has("upgrade") || has("connection") {
        "websockets fail, and connections to the server are not kept"
    } else {
        "the application does without what they say"
    }
}

/// The directive as it is written.
fn text_of(header: Directive<'_>) -> String {
    let location = header.whole();
    header.model().source(location.file).slice(location.span).to_owned()
}
