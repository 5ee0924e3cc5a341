//! Addresses to listen on that this machine does not have.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{HostAddress, Listener, Model, Place, parse_ipv4, parse_ipv6};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-listen-address-missing",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("live_listen_address_missing.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let known: Option<Vec<HostAddress>> =
        facts.machine.addresses.as_ref().map(|all| all.iter().filter_map(|text| parse(text)).collect());
    let has_no_ipv6 = facts.machine.ipv6 == Some(false);
    let may_be_foreign = facts.machine.nonlocal_bind == Some(true);
    let families = [Family::Http, Family::Stream, Family::Mail];
    for listener in families.into_iter().flat_map(|family| model.listeners(family)) {
        let host = &listener.socket().host;
        if has_no_ipv6 && matches!(host, HostAddress::Ipv6(_)) {
            say_no_ipv6(listener, findings);
        } else if !may_be_foreign && known.as_ref().is_some_and(|known| is_missing(host, known)) {
            say_missing(listener, findings);
        }
    }
}

fn parse(text: &str) -> Option<HostAddress> {
    parse_ipv4(text).map(HostAddress::Ipv4).or_else(|| parse_ipv6(text).map(HostAddress::Ipv6))
}

fn is_missing(host: &HostAddress, known: &[HostAddress]) -> bool {
    let is_always_there = match host {
        HostAddress::Ipv4(bytes) => *bytes == [0; 4] || bytes[0] == 127,
        HostAddress::Ipv6(bytes) => *bytes == [0; 16],
        HostAddress::Unix(_) | HostAddress::Name(_) => true,
    };
    !is_always_there && !known.is_empty() && !known.contains(host)
}

fn place(listener: Listener<'_>) -> Option<Place> {
    let listening = listener.listenings().next()?;
    listening.directive.map(|directive| directive.place_of_argument(0)).or(listening.server.head().map(|it| it.place()))
}

fn say_missing(listener: Listener<'_>, findings: &mut Findings) {
    let Some(place) = place(listener) else { return };
    let socket = listener.socket().to_string();
    let address = socket.rsplit_once(':').map_or(socket.as_str(), |(address, _)| address);
    let port = listener.socket().port;
    let finding =
        findings.add(place, format!("this machine does not have the address {address}, which nginx is to listen on"));
    finding.note(format!("nginx does not start, and refuses a reload: \"bind() to {socket} failed (99: Cannot assign requested address)\"; nginx -t says so, too"));
    finding.help(format!("write an address that ip address shows, or listen {port}; for all of them; for an address that moves between machines, set sysctl net.ipv4.ip_nonlocal_bind=1"));
}

fn say_no_ipv6(listener: Listener<'_>, findings: &mut Findings) {
    let Some(place) = place(listener) else { return };
    let socket = listener.socket().to_string();
    let finding =
        findings.add(place, format!("nginx is to listen on {socket}, and the kernel of this machine has no IPv6"));
    finding.note(format!("nginx does not start, and refuses a reload: \"socket() {socket} failed (97: Address family not supported by protocol)\"; nginx -t says so, too"));
    finding.help("take this listen out, or switch IPv6 on in the kernel");
}
