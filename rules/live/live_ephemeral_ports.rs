//! No port left to connect from.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Failure, FailureKind, KEPT_BY_DEFAULT_SINCE, Kept, Model, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-ephemeral-ports",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("live_ephemeral_ports.md"),
    check: Check::Configuration(check),
};

/// Of a hundred ports so many are taken before it is worth a word.
const MANY: u64 = 80;

/// So many other lines that lead to the same address are labelled.
const LINES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut failures = model.failures();
    failures.retain(|failure| failure.kind == FailureKind::NoLocalPort);
    for failure in &failures {
        say_failing(model, failure, findings);
    }
    foretell(model, &failures, findings);
}

fn say_failing(model: &Model<'_>, failure: &Failure<'_>, findings: &mut Findings) {
    let addresses = failure.addresses();
    let address = addresses.first().copied().unwrap_or("the server behind nginx");
    let taken =
        taken(model, address).map_or_else(String::new, |(taken, ports)| format!(": {taken} of {ports} are taken"));
    let verb = if failure.now.is_empty() { "was" } else { "is" };
    // Without IPv6 the message is the same.
    let is_certain = !address.starts_with('[') || !taken.is_empty() || model.has_ipv6_address();
    let taken = if is_certain { taken } else { ", or no address of IPv6 to make them from".to_owned() };
    let finding =
        findings.add(failure.place(), format!("no local port {verb} left for connections to {address}{taken}"));
    if failure.is_spared {
        finding.severity(Severity::Warning);
    }
    let outcome =
        if failure.is_of_stream() { "connections passed there are closed" } else { "requests passed there get 502" };
    finding.note(format!("{outcome}, \"connect() to {address} failed (99: Cannot assign requested address)\"; a port is taken while its connection is open, and up to a minute longer by the side that closed it"));
    finding.help(help(model, failure.users().first().copied()));
    for line in failure.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of addresses that take most of the ports already.
fn foretell(model: &Model<'_>, failures: &[Failure<'_>], findings: &mut Findings) {
    let mut said: Vec<String> = failures.iter().flat_map(Failure::addresses).map(str::to_owned).collect();
    for endpoint in model.passed_to() {
        for address in model.addresses_of(endpoint).unwrap_or_default() {
            let Some((taken, ports)) = taken(model, &address) else { continue };
            if taken.saturating_mul(100) < ports.saturating_mul(MANY) || said.contains(&address) {
                continue;
            }
            let finding = findings.add(
                endpoint.directive.place_of_argument(0),
                format!("connections to {address} take {taken} of the {ports} local ports there are for them"),
            );
            finding.severity(Severity::Warning);
            finding.note("when none is left requests get 502, \"failed (99: Cannot assign requested address)\"; a port is taken while its connection is open, and up to a minute longer by the side that closed it");
            finding.help(help(model, user_of(model, endpoint.directive)));
            said.push(address);
        }
    }
}

/// How many ports connections to this address take, and how many there are.
fn taken(model: &Model<'_>, address: &str) -> Option<(u64, u64)> {
    let machine = &model.facts()?.machine;
    let (first, last) = machine.local_ports?;
    let ports = u64::from(last.checked_sub(first)?) + 1;
    Some((*machine.outgoing.get(address)?, ports))
}

fn user_of<'m>(model: &'m Model<'_>, line: Directive<'m>) -> Option<Target<'m>> {
    Target::of(line)
        .or_else(|| model.targets().find(|target| target.upstream().is_some_and(|group| group.block == line.parent())))
}

fn help(model: &Model<'_>, user: Option<Target<'_>>) -> String {
    let range = "let the system use more ports: sysctl -w net.ipv4.ip_local_port_range=\"10240 65000\"";
    let Some(target) = user else { return range.to_owned() };
    let group = target.upstream();
    // Connections are kept by a group, and only as the module allows.
    let is_old = model.may_be_before(KEPT_BY_DEFAULT_SINCE);
    let with = match target.protocol {
        Protocol::Proxy if target.kept() == Kept::Open => "",
        Protocol::Proxy if is_old => {
            ", and where requests are passed to it proxy_http_version 1.1 and proxy_set_header Connection \"\""
        }
        Protocol::Proxy => ", and no Connection header that closes them",
        Protocol::Fastcgi if target.kept() != Kept::Open => {
            ", and where requests are passed to it fastcgi_keep_conn on"
        }
        Protocol::Fastcgi | Protocol::Grpc | Protocol::Memcached => "",
        Protocol::Uwsgi | Protocol::Scgi | Protocol::Stream => {
            return format!("{range}; or listen on more addresses behind nginx, each of which has ports of its own");
        }
    };
    match group {
        Some(group) if group.kept_connections().is_some() && target.kept() == Kept::Open => {
            format!("keep more of the connections (keepalive in upstream {}), or {range}", group.name())
        }
        Some(group) => format!("keep connections: keepalive 32 in upstream {}{with}; besides, {range}", group.name()),
        None => format!("keep connections: make it an upstream with keepalive 32{with}; besides, {range}"),
    }
}
