//! A target that is a listener of the same configuration, which takes another
//! protocol.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Endpoint, Listener, PASS_NAMES, Protocol, Target, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "target-protocol-mismatch-own-listener",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("target_protocol_mismatch_own_listener.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

/// What is wrong between a target and a listener.
struct Mismatch {
    /// What the target does, and what the listener wants.
    sends: &'static str,
    wants: &'static str,
    note: &'static str,
    help: &'static str,
}

const PLAIN_TO_TLS: Mismatch = Mismatch {
    sends: "go out without TLS",
    wants: "takes TLS only",
    note: "nginx answers itself with 400: The plain HTTP request was sent to HTTPS port",
    help: "write https:// (grpcs:// for gRPC), or the port of a listen without ssl",
};
const PLAIN_TO_TLS_OF_STREAM: Mismatch =
    Mismatch { note: "the TLS handshake fails, nginx closes the connection, and the client gets 502", ..PLAIN_TO_TLS };
const TLS_TO_PLAIN: Mismatch = Mismatch {
    sends: "go out with TLS",
    wants: "takes none",
    note: "the handshake fails and the client gets 502, in the log \"wrong version number\"",
    help: "write http:// (grpc:// for gRPC, proxy_ssl off in stream), or the port of a listen with ssl",
};
const WITHOUT_PROXY_PROTOCOL: Mismatch = Mismatch {
    sends: "carry no PROXY protocol line",
    wants: "wants one",
    note: "the listener closes the connection: broken header while reading PROXY protocol; the client gets 502: upstream prematurely closed connection",
    help: "pass requests to a listen without proxy_protocol; only stream { } can send it: proxy_protocol on;",
};
const STREAM_WITHOUT_PROXY_PROTOCOL: Mismatch = Mismatch {
    note: "the listener closes every connection: broken header while reading PROXY protocol",
    help: "add to the server in stream { }: proxy_protocol on; or take proxy_protocol off the listen",
    ..WITHOUT_PROXY_PROTOCOL
};
const WITH_PROXY_PROTOCOL: Mismatch = Mismatch {
    sends: "begin with a PROXY protocol line",
    wants: "wants none",
    note: "the line is taken for the request, and the client gets 400",
    help: "add proxy_protocol to the listen, or write proxy_protocol off;",
};
const NO_HTTP: Mismatch = Mismatch {
    sends: "are not HTTP",
    wants: "takes nothing else",
    note: "the listener answers 400 in HTTP; with fastcgi_pass and memcached_pass the client gets 502: upstream sent unsupported FastCGI protocol version: 72, or memcached sent invalid response",
    help: "write proxy_pass http://…; for a listener of nginx itself",
};
const GRPC_TO_HTTP1: Mismatch = Mismatch {
    sends: "go out in HTTP/2",
    wants: "takes HTTP/1 only",
    note: "the client gets 502: upstream sent too large http2 frame: 4740180",
    help: "add http2 on; to the server of that listen (before nginx 1.25.1: http2 in the listen), or write proxy_pass",
};
const HTTP1_TO_HTTP2: Mismatch = Mismatch {
    sends: "go out in HTTP/1",
    wants: "takes HTTP/2 only before nginx 1.25.1",
    note: "before nginx 1.25.1 a listen with http2 and without ssl does not understand HTTP/1: the client gets frames of HTTP/2 as an answer",
    help: "take http2 off the listen, or write grpc_pass if gRPC is meant",
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive) else { return };
    for endpoint in target.possible_endpoints() {
        let listeners = endpoint.own_listeners();
        let wrong: Vec<(Listener<'_>, Mismatch)> =
            listeners.iter().filter_map(|listener| Some((*listener, mismatch(target, *listener)?))).collect();
        // Of the two addresses of localhost one may do.
        if wrong.len() == listeners.len()
            && let Some((listener, mismatch)) = wrong.first()
        {
            report(target, endpoint, *listener, mismatch, findings);
            return;
        }
    }
}

fn report(
    target: Target<'_>,
    endpoint: Endpoint<'_>,
    listener: Listener<'_>,
    mismatch: &Mismatch,
    findings: &mut Findings,
) {
    let what = if target.protocol == Protocol::Stream { "connections" } else { "requests" };
    let finding = findings.add(
        target.directive.place_of_argument(0),
        format!("{what} to {} {}, but nginx's own listen there {}", endpoint.text, mismatch.sends, mismatch.wants),
    );
    finding.note(mismatch.note);
    // A later release may be meant, which takes both.
    if mismatch.wants == HTTP1_TO_HTTP2.wants && target.directive.model().version().is_none() {
        finding.severity(Severity::Warning);
    }
    finding.help(mismatch.help);
    let listens: Vec<Directive<'_>> = listener.listenings().filter_map(|listening| listening.directive).collect();
    let says_more =
        |listen: &&Directive<'_>| ["ssl", "http2", "proxy_protocol"].iter().any(|flag| listen.has_flag(flag));
    if let Some(listen) = listens.iter().find(says_more).or(listens.first()) {
        finding.label(listen.place(), "the listener");
    }
    if endpoint.directive != target.directive {
        finding.label(endpoint.directive.place(), "the server of the group");
    }
}

/// What certainly goes wrong between a target and a listener.
fn mismatch(target: Target<'_>, listener: Listener<'_>) -> Option<Mismatch> {
    let is_stream = target.protocol == Protocol::Stream;
    let sends_proxy_protocol = if is_stream { sends_proxy_protocol(target)? } else { false };
    match (sends_proxy_protocol, listener.wants_proxy_protocol()) {
        (false, Some(true)) if is_stream => return Some(STREAM_WITHOUT_PROXY_PROTOCOL),
        (false, Some(true)) => return Some(WITHOUT_PROXY_PROTOCOL),
        (true, Some(false)) if listener.family() == Family::Http => return Some(WITH_PROXY_PROTOCOL),
        _ => {}
    }
    match listener.family() {
        Family::Http => mismatch_with_http(target, listener),
        // What goes through may itself be TLS, and so may what comes out.
        Family::Stream if !is_stream && target.uses_tls() == Some(false) && listener.speaks_tls() == Some(true) => {
            Some(PLAIN_TO_TLS_OF_STREAM)
        }
        _ => None,
    }
}

fn mismatch_with_http(target: Target<'_>, listener: Listener<'_>) -> Option<Mismatch> {
    let (with_tls, wants_tls) = (target.uses_tls(), listener.speaks_tls());
    match target.protocol {
        Protocol::Fastcgi | Protocol::Scgi | Protocol::Memcached | Protocol::Uwsgi => return Some(NO_HTTP),
        // Clients may begin TLS themselves.
        Protocol::Stream if with_tls == Some(false) => return None,
        _ => {}
    }
    match (with_tls, wants_tls) {
        (Some(true), Some(false)) => Some(TLS_TO_PLAIN),
        (Some(false), Some(true)) => Some(PLAIN_TO_TLS),
        _ if target.protocol == Protocol::Grpc && listener.takes_http2() == Some(false) => Some(GRPC_TO_HTTP1),
        (Some(false), Some(false)) if target.protocol == Protocol::Proxy && listener.may_take_http2_alone() => {
            // Since 1.29.4 it may be told to speak HTTP/2.
            let speaks_http2 = target.effective("http_version").directive().is_some_and(|it| it.has_flag("2"));
            (!speaks_http2).then_some(HTTP1_TO_HTTP2)
        }
        _ => None,
    }
}

/// Whether a server of stream begins its connections with the line; none when
/// that is not known.
fn sends_proxy_protocol(target: Target<'_>) -> Option<bool> {
    match target.block().effective("proxy_protocol") {
        Effective::Set(directive) => parse_flag(directive.argument(0)?),
        Effective::Default => Some(false),
        Effective::Unseen => None,
    }
}
