//! Connections without the line of the PROXY protocol that a listener wants.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Directive, Listener, Model, Protocol, Seen, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-broken-proxy-protocol",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("log_broken_proxy_protocol.md"),
    check: Check::Configuration(check),
};

const FAMILIES: [Family; 3] = [Family::Http, Family::Stream, Family::Mail];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::BrokenProxyProtocol]) {
        say(model, &seen, findings);
    }
}

fn say(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let listener = seen.listener.filter(|listener| wants(listener)).or_else(|| only_one(model));
    let place = listener.and_then(listen_of).map_or_else(|| seen.place_of_block(), |listen| listen.place());
    let own: Vec<Target<'_>> = listener.map(|listener| own_targets(model, listener)).unwrap_or_default();
    let at =
        listener.map_or_else(|| "a listen with proxy_protocol".to_owned(), |listener| listener.socket().to_string());
    let from = match own.first() {
        Some(target) => format!("{} of this nginx connects", target.directive.name()),
        None => "somebody connects".to_owned(),
    };
    let finding = findings.add(place, format!("{from} to {at} without the PROXY protocol line that it wants"));
    finding.note("nginx closes such a connection without an answer, with \"broken header\" and \"while reading PROXY protocol\" in the error log; a proxy that gets no answer says 502");
    match own.first() {
        Some(target) if target.protocol == Protocol::Stream => {
            finding.help("add to that server of stream { }: proxy_protocol on;");
        }
        Some(_) => {
            finding.help("pass the requests to a listen without proxy_protocol: only stream { } can send the line");
        }
        None => {
            // A balancer that forgets it breaks everything; so does no check
            // of its health, and nobody who tries ports.
            finding.severity(Severity::Warning);
            finding.help("let the balancer in front send it (send-proxy in HAProxy), or take proxy_protocol off if clients connect directly");
        }
    }
    for target in own.iter().take(3) {
        finding.label(target.directive.place(), "connects without it");
    }
    finding.seen(seen);
}

fn wants(listener: &Listener<'_>) -> bool {
    listener.wants_proxy_protocol() == Some(true)
}

/// Older releases write what came in over several lines, and the address stands
/// behind it: without it only one listener leaves no choice.
fn only_one<'m>(model: &'m Model<'_>) -> Option<Listener<'m>> {
    let mut wanting = FAMILIES.into_iter().flat_map(|family| model.listeners(family)).filter(wants);
    wanting.next().filter(|_| wanting.next().is_none())
}

fn listen_of(listener: Listener<'_>) -> Option<Directive<'_>> {
    let listens: Vec<Directive<'_>> = listener.listenings().filter_map(|listening| listening.directive).collect();
    listens.iter().find(|listen| listen.has_flag("proxy_protocol")).or(listens.first()).copied()
}

/// The targets of this configuration that lead there and do not send the line.
fn own_targets<'m>(model: &'m Model<'_>, listener: Listener<'m>) -> Vec<Target<'m>> {
    let leads_there = |target: &Target<'_>| {
        let endpoints = target.possible_endpoints().into_iter();
        endpoints.flat_map(|endpoint| endpoint.own_listeners()).any(|own| own.socket() == listener.socket())
    };
    // Outside of stream there is no such directive.
    let sends = |target: &Target<'_>| {
        target.protocol == Protocol::Stream && target.block().is_on("proxy_protocol") != Some(false)
    };
    model.targets().filter(|target| !sends(target) && leads_there(target)).collect()
}
