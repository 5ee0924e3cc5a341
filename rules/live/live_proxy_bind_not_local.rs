//! Connections from an address that this machine does not have.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Directive, Effective, HostAddress, Model, Seen, parse_ipv4, parse_ipv6, parse_local_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-proxy-bind-not-local",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_bind"],
    equivalents: &[],
    page: include_str!("live_proxy_bind_not_local.md"),
    check: Check::Configuration(check),
};

const NAMES: [&str; 6] = ["proxy_bind", "fastcgi_bind", "uwsgi_bind", "scgi_bind", "grpc_bind", "memcached_bind"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.facts().is_none() {
        return;
    }
    let seen = model.seen(&[Signature::BindFailed]);
    let wrong: Vec<Directive<'_>> =
        model.directives_named(&NAMES).filter(|directive| is_elsewhere(model, *directive)).collect();
    for directive in &wrong {
        let own = seen.iter().filter(|seen| said_by(seen).is_some_and(|said| said.id() == directive.id()));
        say_now(model, *directive, own, findings);
    }
    let is_said = |seen: &Seen<'_>| said_by(seen).is_some_and(|said| wrong.iter().any(|own| own.id() == said.id()));
    for seen in seen.iter().filter(|seen| !is_said(seen)) {
        // What no line says any more has been taken care of.
        let says = |directive: &Directive<'_>| {
            let text = directive.argument(0).unwrap_or_default();
            text.contains('$') || seen.detail.is_some_and(|detail| detail == text)
        };
        let said = said_by(seen).or_else(|| model.directives_named(&NAMES).find(says));
        if let Some(directive) = said.filter(says) {
            say_then(seen, directive, findings);
        }
    }
}

/// The directive that says which address the connections of a message come
/// from.
fn said_by<'m>(seen: &Seen<'m>) -> Option<Directive<'m>> {
    match seen.target?.effective("bind") {
        Effective::Set(directive) => Some(directive),
        Effective::Default | Effective::Unseen => None,
    }
}

/// Whether it names an address that this machine certainly does not have, for
/// requests that are passed on.
fn is_elsewhere(model: &Model<'_>, directive: Directive<'_>) -> bool {
    let Some(machine) = model.facts().map(|facts| &facts.machine) else { return false };
    let (Some(addresses), Some(false)) = (&machine.addresses, machine.nonlocal_bind) else { return false };
    let address = directive.argument(0).and_then(parse_local_address).map(|address| address.host);
    let is_there = match address {
        Some(HostAddress::Ipv4(bytes)) => {
            bytes == [0; 4] || bytes[0] == 127 || addresses.iter().any(|own| parse_ipv4(own) == Some(bytes))
        }
        Some(HostAddress::Ipv6(bytes)) => {
            bytes == [0; 16] || addresses.iter().any(|own| parse_ipv6(own) == Some(bytes))
        }
        _ => true,
    };
    !is_there
        && directive.is_read()
        && !directive.has_flag("transparent")
        && directive.targets_governed().next().is_some()
}

fn say_now<'s>(
    model: &Model<'_>,
    directive: Directive<'_>,
    seen: impl Iterator<Item = &'s Seen<'s>>,
    findings: &mut Findings,
) {
    let name = directive.name();
    let address = directive.argument(0).unwrap_or_default();
    let message = format!("{name} {address}: this machine does not have that address{}", own_addresses(model));
    let finding = findings.add(directive.place_of_argument(0), message);
    let is_stream =
        directive.targets_governed().all(|target| target.directive.taken_in() != Some(crate::catalog::Family::Http));
    let outcome = if is_stream { "connections are closed" } else { "requests get 500 and go on to no other server" };
    finding.note(format!("{outcome}, \"bind({address}) failed (99: Cannot assign requested address)\" with level crit in the error log; nginx -t says nothing of it"));
    finding.help(format!(
        "write an address of this machine (ip addr shows them), or remove {name}: then the system chooses"
    ));
    if let Some(target) = directive.targets_governed().next() {
        finding.label(target.directive.place(), "connects from that address");
    }
    seen.for_each(|seen| {
        finding.seen(seen);
    });
    finding.about(directive);
}

/// Those that could be meant, when they are few.
fn own_addresses(model: &Model<'_>) -> String {
    let addresses = model.facts().and_then(|facts| facts.machine.addresses.as_deref()).unwrap_or_default();
    let is_loopback = |address: &str| address.starts_with("127.") || address == "::1";
    let is_local = |address: &str| address.starts_with("fe80:");
    let outer: Vec<&str> =
        addresses.iter().map(String::as_str).filter(|address| !is_loopback(address) && !is_local(address)).collect();
    match outer[..] {
        [] => String::new(),
        [only] => format!(", but {only}"),
        [one, other] => format!(", but {one} and {other}"),
        _ => String::new(),
    }
}

/// Of what the log has and what is not so now, or was not looked at.
fn say_then(seen: &Seen<'_>, directive: Directive<'_>, findings: &mut Findings) {
    let place = directive.place_of_argument(0);
    let name = directive.name();
    let address = seen.detail.unwrap_or("the address");
    let finding = findings.add(place, format!("this machine did not have the address {address}, which {name} says"));
    finding.severity(Severity::Warning);
    finding.note(format!("each such request got 500 and went on to no other server, \"bind({address}) failed (99: Cannot assign requested address)\""));
    finding.help(format!(
        "write an address of this machine that is there before nginx starts, or remove {name}: then the system chooses"
    ));
    finding.seen(seen);
}
