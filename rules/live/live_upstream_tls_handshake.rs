//! TLS handshakes with servers behind nginx that do not come to an end.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Conversation, Heard, Said, Signature};
use crate::model::{Effective, Found, Model, Place, Protocol, Seen, Talks, Target, TlsPass};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-upstream-tls-handshake",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_server_name",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_name",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_protocols",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_certificate",
    ],
    equivalents: &[],
    page: include_str!("live_upstream_tls_handshake.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 5] = [
    Signature::TlsHandshakeFailure,
    Signature::TlsUnrecognizedName,
    Signature::TlsProtocolVersion,
    Signature::TlsCertificateRequired,
    Signature::TlsPeerClosed,
];

/// What the server does not like.
#[derive(Clone, Copy, PartialEq)]
enum Cause {
    /// It wants to be told a name.
    NoName,
    /// It does not know the name.
    UnknownName,
    /// It wants another version of TLS.
    Version,
    /// It wants a certificate of the client.
    Certificate,
    /// It does not speak HTTP/2, which gRPC asks for in the handshake.
    NoHttp2,
    /// It says no, and not why.
    Failure,
    /// It ends the connection.
    HangsUp,
}

/// A cause, what the server said, and whether it is certainly so for nginx:
/// the programs that look have other ciphers and versions than nginx.
#[derive(Clone, Copy, PartialEq)]
struct Problem<'m> {
    cause: Cause,
    text: Option<&'m str>,
    /// A name with which the handshake comes to its end.
    good_name: Option<&'m str>,
    is_certain: bool,
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

fn judge<'m>(talks: &Talks<'m>) -> Option<(Problem<'m>, &'m Conversation)> {
    talks.target.tls()?;
    let own = talks.as_nginx();
    let failed = own.iter().copied().find(|talk| is_failed(talk))?;
    // What has answered without TLS is another rule's.
    let is_plain = talks.conversations.iter().any(|talk| talk.is_plain());
    if is_plain || own.iter().any(|talk| talk.heard == Heard::Tls) {
        return None;
    }
    let text = failed.tls.as_ref().and_then(|tls| tls.problem.as_deref());
    let mut with_a_name = talks.that_said(Said::Tls).filter(|talk| talk.heard == Heard::Tls);
    let good_name = with_a_name.find_map(|talk| talk.server_name.as_deref());
    let sends_name = failed.server_name.is_some();
    let (cause, is_certain) = match cause_of(text.unwrap_or_default()) {
        _ if good_name.is_some() => (if sends_name { Cause::UnknownName } else { Cause::NoName }, true),
        Some(Cause::UnknownName) => (if sends_name { Cause::UnknownName } else { Cause::NoName }, true),
        // Other modules ask for no protocol.
        Some(Cause::NoHttp2) if talks.target.protocol != Protocol::Grpc => return None,
        Some(cause) => (cause, matches!(cause, Cause::Certificate | Cause::NoHttp2)),
        None if failed.heard == Heard::TlsFailed => (Cause::Failure, false),
        None => (Cause::HangsUp, false),
    };
    Some((Problem { cause, text, good_name, is_certain }, failed))
}

fn is_failed(talk: &Conversation) -> bool {
    matches!(talk.heard, Heard::TlsFailed | Heard::Closed | Heard::Reset)
}

/// What is in the words of an alert.
fn cause_of(text: &str) -> Option<Cause> {
    const WORDS: [(&str, Cause); 6] = [
        ("no application protocol", Cause::NoHttp2),
        ("unrecognized name", Cause::UnknownName),
        ("unrecognised name", Cause::UnknownName),
        ("protocol version", Cause::Version),
        ("certificate required", Cause::Certificate),
        ("handshake failure", Cause::Failure),
    ];
    let text = text.to_ascii_lowercase().replace('_', " ");
    WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, cause)| *cause)
}

fn say_now(found: &Found<'_, Problem<'_>>, seen: &[Seen<'_>], findings: &mut Findings) {
    let Some(tls) = found.target.tls() else { return };
    let Problem { cause, text, good_name, is_certain } = found.what;
    let (there, one) = (found.in_words(), found.addresses.len() == 1);
    let ends = if one { "ends" } else { "end" };
    let message = match (cause, text, tls.sent_name().flatten()) {
        (Cause::HangsUp, ..) => format!("{there} {ends} the connection when a TLS handshake begins"),
        (_, Some(text), Some(name)) => format!("{there} {ends} the TLS handshake for \"{name}\": {text}"),
        (Cause::NoName, text, None) => {
            let text = text.map(|text| format!(": {text}")).unwrap_or_default();
            format!("{there} {ends} a TLS handshake without the name of a server, and none is sent{text}")
        }
        (_, Some(text), None) => format!("{there} {ends} the TLS handshake: {text}"),
        (_, None, _) => format!("{there} {ends} the TLS handshake"),
    };
    let place = place(&tls, cause).filter(|_| found.is_everywhere).unwrap_or_else(|| found.place());
    let finding = findings.add(place, message);
    finding.note(note(found.target, cause, text));
    finding.help(help(&tls, cause, good_name));
    let pass = found.target.directive.place_of_argument(0);
    if place != pass {
        finding.label(pass, "requests come from here");
    }
    let told: Vec<&Seen<'_>> = seen.iter().filter(|seen| found.is_told_by(seen)).collect();
    if !found.is_everywhere || (!is_certain && told.is_empty()) {
        finding.severity(Severity::Warning);
    }
    for seen in told {
        finding.seen(seen);
    }
}

/// The directive to change, where there is one.
fn place(tls: &TlsPass<'_>, cause: Cause) -> Option<Place> {
    let name = match cause {
        Cause::NoName => "server_name",
        Cause::UnknownName => "name",
        Cause::Version => "protocols",
        Cause::Certificate | Cause::NoHttp2 | Cause::Failure | Cause::HangsUp => return None,
    };
    tls.effective(name).directive().map(|directive| directive.place())
}

fn note(target: Target<'_>, cause: Cause, text: Option<&str>) -> String {
    let failure = target.protocol.failure();
    let alert = match (text, cause) {
        (Some(text), _) => text,
        (None, Cause::UnknownName) => "unrecognized name",
        (None, Cause::Version) => "alert protocol version",
        (None, _) => "alert handshake failure",
    };
    match cause {
        Cause::Certificate => format!(
            "nginx {failure}, and the log has \"SSL_read() failed (… certificate required …) while reading response header from upstream\""
        ),
        Cause::HangsUp => format!(
            "nginx {failure}, and the log has \"peer closed connection in SSL handshake while SSL handshaking to upstream\""
        ),
        _ => format!(
            "nginx {failure}, and the log has \"SSL_do_handshake() failed (… {alert} …) while SSL handshaking to upstream\""
        ),
    }
}

fn help(tls: &TlsPass<'_>, cause: Cause, good_name: Option<&str>) -> String {
    let of = |setting: &str| tls.name_of(setting);
    let sends_name = tls.is_on("server_name") == Some(true);
    let send = match (good_name, sends_name, name_to_send(tls)) {
        (Some(name), true, _) => format!("{} {name};", of("name")),
        (Some(name), false, Some(own)) if name.eq_ignore_ascii_case(own) => format!("{} on;", of("server_name")),
        (Some(name), false, _) => format!("{} on; and {} {name};", of("server_name"), of("name")),
        (None, true, _) => format!("{} with a name that the server has a certificate for", of("name")),
        (None, false, None) => format!("{} on; and {} NAME.OF.THE.SERVER;", of("server_name"), of("name")),
        (None, false, Some(_)) => format!("{} on;", of("server_name")),
    };
    let show = format!("{} and {}", of("certificate"), of("certificate_key"));
    match cause {
        Cause::NoName | Cause::UnknownName => format!("write {send}"),
        Cause::Version => {
            format!("write {} TLSv1.2 TLSv1.3; (before 1.23.4 TLSv1.3 is not among the defaults)", of("protocols"))
        }
        Cause::NoHttp2 => {
            "let the server take HTTP/2 at this port (h2 in its list for ALPN), or write the port at which it does"
                .to_owned()
        }
        Cause::Certificate => format!("write {show} with a certificate that the server takes"),
        Cause::Failure if sends_name => format!(
            "if the server wants a certificate, write {show}; else there is no cipher or version in common: see {} and {}",
            of("ciphers"),
            of("protocols")
        ),
        Cause::Failure => format!(
            "if the server wants a certificate, write {show}; most often it wants to be told its name: write {send}"
        ),
        Cause::HangsUp if sends_name => format!(
            "see whether TLS is spoken there at all (openssl s_client -connect …); if it is, {show} or {} may be what it wants",
            of("protocols")
        ),
        Cause::HangsUp => format!(
            "see whether TLS is spoken there at all (openssl s_client -connect …); if it is, it may want to be told its name: write {send}"
        ),
    }
}

/// The name that would be sent, if it may be one of a server.
fn name_to_send<'m>(tls: &TlsPass<'m>) -> Option<&'m str> {
    let is_address =
        |name: &str| name.starts_with('[') || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match tls.misnamed_group() {
        Some(_) => None,
        None => tls.expected_name().filter(|name| !is_address(name) && !name.contains(['/', ':'])),
    }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let peer = seen.peer.unwrap_or("the server behind nginx");
    let tls = seen.target.and_then(Target::tls);
    let sends_name = tls.as_ref().and_then(|tls| tls.sent_name()).flatten().is_some();
    let (cause, why) = match seen.signature {
        Signature::TlsUnrecognizedName if sends_name => {
            (Cause::UnknownName, "ended the TLS handshake: unrecognized name")
        }
        Signature::TlsUnrecognizedName => (Cause::NoName, "ended the TLS handshake: unrecognized name"),
        Signature::TlsProtocolVersion => (Cause::Version, "ended the TLS handshake: protocol version"),
        Signature::TlsCertificateRequired => (Cause::Certificate, "wants a certificate of the client, and got none"),
        Signature::TlsHandshakeFailure => (Cause::Failure, "ended the TLS handshake: handshake failure"),
        _ => (Cause::HangsUp, "ended the connection during the TLS handshake"),
    };
    let own = tls.as_ref().and_then(|tls| place(tls, cause));
    let finding = findings.add(own.unwrap_or_else(|| seen.place()), format!("{peer} {why}"));
    match (&tls, seen.target) {
        (Some(tls), Some(target)) => finding.note(note(target, cause, None)).help(help(tls, cause, None)),
        _ => finding.note("the client gets 502").help("see proxy_ssl_server_name, proxy_ssl_name, proxy_ssl_protocols and proxy_ssl_certificate of what these requests are passed to"),
    };
    if own.is_some_and(|own| own != seen.place()) {
        finding.label(seen.place(), "requests come from here");
    }
    // A certificate is asked for behind the handshake.
    let is_fine = |talks: &Talks<'_>| tls.is_some() && talks.as_nginx().iter().any(|talk| talk.heard == Heard::Tls);
    if cause != Cause::Certificate && model.talks_of_seen(seen).iter().any(is_fine) {
        finding.severity(Severity::Warning);
    }
    finding.seen(seen);
    if let (Cause::Certificate, Some(Effective::Set(directive))) = (cause, tls.map(|tls| tls.effective("certificate")))
    {
        finding.label(directive.place(), "this certificate was not taken");
    }
}
