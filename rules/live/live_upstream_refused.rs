//! A server behind nginx that takes no connections.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{ListeningSocket, Outcome};
use crate::model::{Failure, FailureKind, Host, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-upstream-refused",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("live_upstream_refused.md"),
    check: Check::Configuration(check),
};

/// So many other lines that lead to the same address are labelled.
const LINES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    for failure in model.failures().iter().filter(|failure| failure.kind == FailureKind::Refused) {
        if failure.now.is_empty() { say_then(failure, findings) } else { say_now(model, failure, findings) }
    }
}

fn say_now(model: &Model<'_>, failure: &Failure<'_>, findings: &mut Findings) {
    let instead = failure.endpoint().map(|endpoint| model.listening_instead(endpoint)).unwrap_or_default();
    let (addresses, of) = (failure.addresses().join(" and "), of_name(failure));
    let finding = findings.add(failure.place(), format!("nothing listens on {addresses}{of}{}", in_words(&instead)));
    if failure.is_spared {
        finding.severity(Severity::Warning);
    }
    finding.note(match (failure.is_spared, failure.is_of_stream()) {
        (true, _) => "the connection is refused, \"connect() failed (111: Connection refused)\" is in the error log, and clients are served by the others as long as these answer",
        (false, true) => "the connection is refused: those passed there are closed, with \"connect() failed (111: Connection refused)\" in the error log",
        (false, false) => "the connection is refused: requests passed there get 502, with \"connect() failed (111: Connection refused)\" in the error log",
    });
    finding.help(match instead.first() {
        Some(socket) => format!(
            "start the program, or write the port it listens on; if {} is the one, write port {}",
            program(socket),
            port(socket)
        ),
        None => "start the program that should listen there, or write where it does listen".to_owned(),
    });
    for line in failure.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of what the log has and what is not so now, or was not looked at.
fn say_then(failure: &Failure<'_>, findings: &mut Findings) {
    let addresses = match failure.addresses()[..] {
        [] => "the server behind nginx".to_owned(),
        ref addresses => addresses.join(" and "),
    };
    let is_back = failure.reached.as_ref().is_some_and(|reached| reached.all_are(Outcome::Connected));
    let now = if is_back { ", and takes them now" } else { "" };
    let finding = findings.add(failure.place(), format!("{addresses} refused connections{now}"));
    finding.severity(Severity::Warning);
    let each = if failure.is_of_stream() { "connection was closed" } else { "request got 502" };
    let unless = if failure.has_alternatives() { " unless another server took it" } else { "" };
    finding.note(format!("nothing listened there: each such {each}{unless}, \"connect() failed (111: Connection refused)\"; it may be a restart of the program, or a time at which it was down"));
    finding.help("look at the program's own log for these times; it should go on taking connections while it restarts");
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

/// Which name the addresses are of.
fn of_name(failure: &Failure<'_>) -> String {
    match (failure.endpoint().map(|endpoint| endpoint.host), &failure.reached) {
        (Some(Host::Name(name)), Some(reached)) if reached.connections.len() > failure.now.len() => {
            format!(", of the {} addresses of \"{name}\"", reached.connections.len())
        }
        (Some(Host::Name(name)), _) if failure.now.len() == 1 => format!(", the address of \"{name}\""),
        (Some(Host::Name(name)), _) => format!(", the addresses of \"{name}\""),
        _ => String::new(),
    }
}

fn in_words(instead: &[&ListeningSocket]) -> String {
    let each = instead.iter().map(|socket| format!("{} listens on {}", program(socket), socket.address));
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!("; {}", each.join(", ")) }
}

fn program(socket: &ListeningSocket) -> &str {
    socket.process.as_deref().unwrap_or("something")
}

fn port(socket: &ListeningSocket) -> &str {
    socket.address.rsplit_once(':').map_or("", |(_, port)| port)
}
