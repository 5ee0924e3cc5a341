//! A server behind nginx that speaks another protocol than the module.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Conversation, Heard, Said, Signature};
use crate::model::{Found, Model, Protocol, Seen, Talks, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-wrong-protocol",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_pass",
        "https://nginx.org/en/docs/http/ngx_http_grpc_module.html#grpc_pass",
        "https://nginx.org/en/docs/http/ngx_http_memcached_module.html#memcached_pass",
    ],
    equivalents: &[],
    page: include_str!("live_wrong_protocol.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 4] =
    [Signature::NotFastcgi, Signature::Http2FrameTooLarge, Signature::NotMemcached, Signature::NotHttp];

/// What speaks there instead: its name, else how its answer begins.
#[derive(Clone, Copy, PartialEq)]
struct Instead<'m> {
    name: Option<&'static str>,
    text: Option<&'m str>,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    let seen = model.seen(&SIGNATURES);
    let found = model.found_in_talks(judge);
    for found in &found {
        say_now(found, &seen, findings);
    }
    let is_said = |seen: &Seen<'_>| found.iter().any(|found| found.is_told_by(seen));
    for seen in seen.iter().filter(|seen| !is_said(seen)) {
        say_then(model, seen, findings);
    }
}

fn judge<'m>(talks: &Talks<'m>) -> Option<(Instead<'m>, &'m Conversation)> {
    let target = talks.target;
    let own = match target.protocol {
        Protocol::Proxy => Heard::Http,
        Protocol::Grpc => Heard::Http2,
        Protocol::Fastcgi => Heard::Fastcgi,
        Protocol::Memcached => Heard::Memcached,
        Protocol::Uwsgi | Protocol::Scgi => Heard::Other,
        Protocol::Stream => return None,
    };
    if target.protocol == Protocol::Grpc && target.uses_tls() == Some(true) {
        let talk = talks.that_said(Said::Tls).find(|talk| agreed_on_http_1(talk))?;
        return Some((Instead { name: Some("HTTP"), text: None }, talk));
    }
    if talks.has_heard(own) || !matters(target) {
        return None;
    }
    let conversation = talks.conversations.iter().find(|talk| is_foreign(target, talk))?;
    let name = conversation.spoken();
    let text = conversation.text.as_deref().filter(|_| name.is_none());
    Some((Instead { name, text }, conversation))
}

/// Whether HTTP/1 came out of the handshake. Where nothing came out of it, it
/// may still be HTTP/2.
fn agreed_on_http_1(talk: &Conversation) -> bool {
    let protocol = talk.tls.as_ref().and_then(|tls| tls.protocol.as_deref());
    talk.heard == Heard::Tls && protocol.is_some_and(|protocol| protocol.starts_with("http/1"))
}

/// Whether it is said here: what is wrong with TLS is another rule's.
fn matters(target: Target<'_>) -> bool {
    let speaks_http_2 = || {
        let version = target.effective("http_version").directive();
        target.protocol == Protocol::Proxy && version.is_some_and(|version| version.argument(0) == Some("2"))
    };
    target.uses_tls() == Some(false) && !speaks_http_2()
}

/// Whether what came back is certainly not what the module understands.
fn is_foreign(target: Target<'_>, talk: &Conversation) -> bool {
    use Heard::{Fastcgi, Http, Http2, Memcached, Other, Tls, TlsFailed};
    match (target.protocol, talk.said, talk.heard) {
        // A server of HTTP waits for the client to speak.
        (Protocol::Proxy, Said::Nothing | Said::Request, Other | Http2) => true,
        // What it makes of a handshake may be a page without a header.
        (Protocol::Proxy, _, Other) => talk.banner().is_some(),
        (Protocol::Proxy, _, Fastcgi | Memcached) => true,
        (Protocol::Grpc, Said::Http2, Http | Fastcgi | Memcached | Other) => true,
        (Protocol::Fastcgi, Said::Fastcgi, Http | Http2 | Memcached | Other | Tls | TlsFailed) => true,
        (Protocol::Memcached, Said::Memcached, Http | Http2 | Fastcgi | Other | Tls | TlsFailed) => true,
        (Protocol::Uwsgi | Protocol::Scgi, _, Http) => true,
        _ => false,
    }
}

/// What a module speaks.
fn protocol(target: Target<'_>) -> &'static str {
    match target.protocol {
        Protocol::Proxy => "HTTP",
        Protocol::Grpc => "HTTP/2",
        Protocol::Fastcgi => "FastCGI",
        Protocol::Uwsgi => "uwsgi",
        Protocol::Scgi => "SCGI",
        Protocol::Memcached => "memcached",
        Protocol::Stream => "TCP",
    }
}

fn say_now(found: &Found<'_, Instead<'_>>, seen: &[Seen<'_>], findings: &mut Findings) {
    let target = found.target;
    let (there, own, pass) = (found.in_words(), protocol(target), target.directive.name());
    let is_one = found.addresses.len() == 1;
    let message = match (found.what.name, found.what.text) {
        (Some(name), _) => {
            let speak = if is_one { "speaks" } else { "speak" };
            format!("{there} {speak} {name}, and {pass} speaks {own} to it")
        }
        (None, Some(text)) => {
            let answer = if is_one { "answers" } else { "answer" };
            format!("{there} {answer} \"{}\", which is no {own}, as {pass} speaks it", shortened(text))
        }
        (None, None) => {
            let do_not = if is_one { "does" } else { "do" };
            format!("{there} {do_not} not speak {own}, as {pass} does")
        }
    };
    let finding = findings.add(found.place(), message);
    finding.note(note(target, found.what.name));
    finding.help(help(target, found.what.name));
    if !found.is_everywhere {
        finding.label(target.directive.place_of_argument(0), "requests come from here");
    }
    let in_group = found.endpoints.iter().filter(|endpoint| endpoint.directive != target.directive);
    for endpoint in in_group.filter(|_| found.is_everywhere) {
        finding.label(endpoint.directive.place_of_argument(0), "the server of the group");
    }
    seen.iter().filter(|seen| found.is_told_by(seen)).for_each(|seen| {
        finding.seen(seen);
    });
}

/// So much of an answer is shown.
const SHOWN: usize = 40;

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

const AS_IT_IS: &str = "what it answers goes to the client as it is, as an answer of HTTP/0.9, with 009 in the access log: \"upstream sent no valid HTTP/1.0 header while reading response header from upstream\"";

fn note(target: Target<'_>, instead: Option<&str>) -> String {
    let text = match (target.protocol, instead) {
        (Protocol::Proxy, Some("FastCGI")) => {
            "it ends the connection, and the client gets 502: \"upstream prematurely closed connection while reading response header from upstream\""
        }
        (Protocol::Proxy, _) => AS_IT_IS,
        (Protocol::Grpc, Some("HTTP")) if target.uses_tls() == Some(true) => {
            "the client gets 502: \"SSL_do_handshake() failed (… no application protocol …)\", or, where the server takes no heed of what is asked for, \"upstream sent too large http2 frame: 4740180\""
        }
        (Protocol::Grpc, Some("HTTP")) => {
            "the client gets 502: \"upstream sent too large http2 frame: 4740180\", which is \"HTT\" read as a length"
        }
        (Protocol::Grpc, _) => "the client gets 502: \"upstream sent too large http2 frame\", or the connection ends",
        (Protocol::Fastcgi, Some("HTTP")) => {
            "the client gets 502: \"upstream sent unsupported FastCGI protocol version: 72\", which is the \"H\" of HTTP"
        }
        (Protocol::Fastcgi, _) => {
            "the client gets 502: \"upstream sent unsupported FastCGI protocol version\"; 504 where it waits for more"
        }
        (Protocol::Memcached, _) => "the client gets 502: \"memcached sent invalid response\"",
        (Protocol::Uwsgi | Protocol::Scgi | Protocol::Stream, _) => {
            "the refusal of the server goes to the client, mostly 400 Bad Request; where it waits for more, the client gets 504"
        }
    };
    text.to_owned()
}

fn help(target: Target<'_>, instead: Option<&str>) -> String {
    let own = protocol(target);
    match (instead, target.protocol) {
        (Some("FastCGI"), _) => "write fastcgi_pass with the address alone, and include fastcgi_params;".to_owned(),
        (Some("HTTP"), Protocol::Grpc) if target.uses_tls() == Some(true) => {
            "let the server take HTTP/2 at this port (h2 in its list for ALPN), or write the port at which it does"
                .to_owned()
        }
        (Some("HTTP"), _) => {
            format!("write proxy_pass http:// and the address; or here the port at which {own} is spoken")
        }
        (Some("HTTP/2"), Protocol::Proxy) => {
            "for gRPC write grpc_pass with the address alone; otherwise let the server take HTTP/1.1 at this port"
                .to_owned()
        }
        (Some("memcached"), Protocol::Proxy) => {
            "write the port of the web server; memcached_pass asks memcached for a key".to_owned()
        }
        (_, Protocol::Proxy) => {
            "write the port at which the server speaks HTTP; what is no HTTP can be passed on in stream { } alone"
                .to_owned()
        }
        _ => format!("write the port at which {own} is spoken"),
    }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let talks = model.talks_of_seen(seen);
    // Where TLS is spoken and nginx does not, another rule says so.
    let is_tls = |talks: &Talks<'_>| talks.has_heard(Heard::Tls) || talks.has_heard(Heard::TlsFailed);
    if talks.iter().any(is_tls) && seen.target.is_some_and(|target| target.uses_tls() == Some(false)) {
        return;
    }
    let peer = seen.peer.unwrap_or("the server behind nginx");
    let (own, text) = match seen.signature {
        Signature::NotFastcgi => (
            "FastCGI",
            "the client gets 502; the number behind \"unsupported FastCGI protocol version\" is the first byte of the answer: 72 is the \"H\" of HTTP",
        ),
        Signature::Http2FrameTooLarge => (
            "HTTP/2",
            "the client gets 502; 4740180 behind \"too large http2 frame\" is \"HTT\" read as a length: it answers in HTTP/1",
        ),
        Signature::NotMemcached => {
            ("memcached", "the client gets 502; the log has \"memcached sent invalid response\"")
        }
        _ => ("HTTP", AS_IT_IS),
    };
    let finding = findings.add(seen.place(), format!("{peer} answered {own} with something else"));
    finding.note(text);
    if let Some(target) = seen.target {
        finding.help(help(target, None));
    }
    let is_fine_now = talks.iter().any(|talks| {
        let greeted = match own {
            "FastCGI" => Heard::Fastcgi,
            "HTTP/2" => Heard::Http2,
            "memcached" => Heard::Memcached,
            _ => Heard::Http,
        };
        talks.has_heard(greeted)
    });
    if is_fine_now {
        finding.severity(Severity::Warning);
    }
    finding.seen(seen);
}
