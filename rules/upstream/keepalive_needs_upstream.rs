//! Targets that are no group, to which no connections are kept.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Endpoint, Host, LocationHead, LocationKind, Model, Protocol, Target, is_loopback};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-needs-upstream",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("keepalive_needs_upstream.md"),
    check: Check::Configuration(check),
};

/// One finding for each host and port, at the first directive that names it.
fn check(model: &Model<'_>, findings: &mut Findings) {
    // Servers that take a process for each connection are better off so.
    if model.surroundings().backend_workers.is_some() {
        return;
    }
    let mut order: Vec<(Target<'_>, Endpoint<'_>, usize)> = Vec::new();
    let mut known: FxHashMap<(String, Option<u16>), usize> = FxHashMap::default();
    for target in model.targets() {
        let Some(endpoint) = remote_endpoint(target).filter(|_| is_busy(target)) else { continue };
        let host = match endpoint.host {
            Host::Address(host) | Host::Name(host) | Host::Unix(host) => host.to_ascii_lowercase(),
        };
        let at = *known.entry((host, endpoint.port)).or_insert(order.len());
        match order.get_mut(at) {
            Some((_, _, count)) => *count += 1,
            None => order.push((target, endpoint, 1)),
        }
    }
    for (target, endpoint, count) in order {
        let finding = findings.add(
            target.directive.place_of_argument(0),
            format!(
                "each request to {} opens a connection of its own: only an upstream keeps connections",
                endpoint.text
            ),
        );
        let tls = if target.uses_tls() == Some(true) { ", with a TLS handshake each time" } else { "" };
        let others = match count {
            1 => String::new(),
            2 => "; another directive passes requests there too".to_owned(),
            _ => format!("; {} more directives pass requests there too", count - 1),
        };
        finding.note(format!("that is so in all releases{tls}; under load it takes all local ports: connect() failed (99: Cannot assign requested address), and 502{others}"));
        finding.help(format!(
            "declare upstream NAME {{ server {}; keepalive 16; }} and pass to NAME; mind that the Host header becomes NAME unless it is set",
            endpoint.text
        ));
    }
}

/// The host of a target that is certainly no group, on another machine.
fn remote_endpoint(target: Target<'_>) -> Option<Endpoint<'_>> {
    if !matches!(target.protocol, Protocol::Proxy | Protocol::Grpc) {
        return None;
    }
    let endpoint = target.own_endpoint().filter(|endpoint| !is_loopback(endpoint.host))?;
    // A group in a file that was not seen has a name and no port.
    let may_be_group = matches!(endpoint.host, Host::Name(_)) && !endpoint.has_port;
    let is_known = !may_be_group || target.directive.model().is_whole(Family::Http);
    (is_known && !endpoint.text.is_empty()).then_some(endpoint)
}

/// Whether many requests may come: not to one single path, not from nginx
/// itself alone, not for connections that are upgraded and then stay.
fn is_busy(target: Target<'_>) -> bool {
    let Some(location) = target.block().outwards().find(|outer| outer.is(Context::Location)) else { return false };
    let Some(head) = LocationHead::of_block(location) else { return false };
    let is_file = head.pattern.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let is_single = match head.kind {
        LocationKind::Exact => true,
        LocationKind::Prefix | LocationKind::PrefixWithoutRegex => is_file || head.pattern.contains("/.well-known"),
        LocationKind::Regex { .. } | LocationKind::Named => false,
    };
    !is_single && !target.is_for_upgrades() && location.directive("internal").is_none()
}
