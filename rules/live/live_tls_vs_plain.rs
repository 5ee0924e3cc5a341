//! TLS spoken to what speaks none, and the other way round.

use crate::engine::{Check, Edit, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Conversation, Heard, Said, Signature};
use crate::model::{Effective, Found, Model, Place, Protocol, Seen, Talks, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-tls-vs-plain",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("live_tls_vs_plain.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 2] = [Signature::TlsWrongVersionNumber, Signature::TlsHandshakeTimedOut];

/// What becomes of an answer in TLS where none is expected: it tells nothing
/// by itself.
const UNREADABLE: [Signature; 2] = [Signature::Http2FrameTooLarge, Signature::NotHttp];

/// How the scheme and what speaks there differ.
#[derive(Clone, Copy, PartialEq)]
enum Mismatch {
    /// TLS is spoken there, and not to it.
    Tls,
    /// The other way round; with what is spoken there instead.
    Plain(Option<&'static str>),
    /// TLS is spoken to it, and nothing comes back.
    Silent,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    let seen = model.seen(&SIGNATURES);
    let found = model.found_in_talks(judge);
    let unreadable = model.seen(&UNREADABLE);
    for found in &found {
        let own = if found.what == Mismatch::Tls { &unreadable } else { &seen };
        say_now(found, own, findings);
    }
    let is_said = |seen: &Seen<'_>| found.iter().any(|found| found.is_told_by(seen));
    for seen in seen.iter().filter(|seen| !is_said(seen)) {
        say_then(model, seen, findings);
    }
}

fn judge<'m>(talks: &Talks<'m>) -> Option<(Mismatch, &'m Conversation)> {
    let target = talks.target;
    let mut greetings = talks.that_said(Said::Tls);
    match target.uses_tls()? {
        true => {
            let is_plain = |talk: &Conversation| !matches!(talk.heard, Heard::Tls | Heard::TlsFailed);
            let first = greetings.next()?;
            if !is_plain(first) || !greetings.all(is_plain) {
                return None;
            }
            let other = || talks.conversations.iter().find(|talk| talk.is_plain())?.spoken();
            match first.heard {
                Heard::Http | Heard::Http2 | Heard::Fastcgi | Heard::Memcached | Heard::Other => {
                    Some((Mismatch::Plain(first.spoken()), first))
                }
                Heard::Silence => Some((Mismatch::Silent, first)),
                // Servers for TLS, too, hang up when something does not please
                // them: what else was said has to tell.
                _ => Some((Mismatch::Plain(Some(other()?)), first)),
            }
        }
        false if matches!(target.protocol, Protocol::Proxy | Protocol::Grpc | Protocol::Uwsgi) => {
            let with_tls = greetings.find(|talk| matches!(talk.heard, Heard::Tls | Heard::TlsFailed))?;
            let takes_both = talks.conversations.iter().any(|talk| talk.is_plain_http());
            (!takes_both).then_some((Mismatch::Tls, with_tls))
        }
        false => None,
    }
}

fn say_now(found: &Found<'_, Mismatch>, seen: &[Seen<'_>], findings: &mut Findings) {
    let target = found.target;
    let there = found.in_words();
    let passed = format!("{} {}", target.directive.name(), target.text);
    let speak = if found.addresses.len() == 1 { "speaks" } else { "speak" };
    let message = match found.what {
        Mismatch::Tls => format!("{there} {speak} TLS, and requests go there without it: {passed}"),
        Mismatch::Plain(what) => {
            let what = what.unwrap_or("something else");
            format!("{there} {speak} {what} without TLS, and requests go there with it: {passed}")
        }
        Mismatch::Silent => {
            let takes = if found.addresses.len() == 1 {
                "takes connections and answers"
            } else {
                "take connections and answer"
            };
            format!("{there} {takes} no TLS handshake, and requests go there with TLS: {passed}")
        }
    };
    let finding = findings.add(place(found), message);
    if found.is_everywhere {
        finding.note(note(target, found.what)).help(help(target, found.what));
    } else {
        let speaks = if found.what == Mismatch::Tls { "without TLS" } else { "TLS" };
        finding.note(format!("where this server is asked: {}", note(target, found.what)));
        finding.help(format!(
            "all servers of a group are spoken to alike: write the port at which this one speaks {speaks}"
        ));
        finding.label(target.directive.place_of_argument(0), "requests come from here");
        // The next server of the group is asked, and only that takes time.
        if found.what != Mismatch::Tls {
            finding.severity(Severity::Warning);
        }
    }
    let in_group = found.endpoints.iter().filter(|endpoint| endpoint.directive != target.directive);
    for endpoint in in_group.filter(|_| found.is_everywhere) {
        finding.label(endpoint.directive.place_of_argument(0), "the server of the group");
    }
    if let (Protocol::Stream, Effective::Set(directive)) = (target.protocol, target.effective("ssl")) {
        finding.label(directive.place(), "TLS because of this");
    }
    mend(found, finding);
    seen.iter().filter(|seen| found.is_told_by(seen)).for_each(|seen| {
        finding.seen(seen);
    });
}

/// The scheme, or the server of the group when others of it are fine.
fn place(found: &Found<'_, Mismatch>) -> Place {
    let target = found.target;
    let scheme = target.parts().scheme;
    if found.is_everywhere && !scheme.is_empty() {
        return target.directive.place_in_argument(0, scheme);
    }
    found.place()
}

/// The scheme with TLS or without, where the module has one.
fn scheme(target: Target<'_>, with_tls: bool) -> Option<&'static str> {
    match (target.protocol, with_tls) {
        (Protocol::Proxy, false) => Some("http://"),
        (Protocol::Proxy, true) => Some("https://"),
        (Protocol::Grpc, false) => Some("grpc://"),
        (Protocol::Grpc, true) => Some("grpcs://"),
        (Protocol::Uwsgi, false) => Some("uwsgi://"),
        (Protocol::Uwsgi, true) => Some("suwsgi://"),
        _ => None,
    }
}

fn mend(found: &Found<'_, Mismatch>, finding: &mut Finding) {
    let with_tls = match found.what {
        Mismatch::Tls => true,
        Mismatch::Plain(Some("HTTP")) if found.target.protocol == Protocol::Proxy => false,
        _ => return,
    };
    let (Some(scheme), Some(place)) = (scheme(found.target, with_tls), found.target.editable_scheme()) else { return };
    if found.is_everywhere {
        finding.fix(false, format!("write {scheme}"), vec![Edit::replace(place, scheme)]);
    }
}

fn note(target: Target<'_>, mismatch: Mismatch) -> String {
    let failure = target.protocol.failure();
    match mismatch {
        Mismatch::Tls if target.protocol == Protocol::Grpc => {
            "the client gets 502: \"upstream sent too large http2 frame\" where the server answers in words, or it ends the connection".to_owned()
        }
        Mismatch::Tls => "many servers answer 400, such as \"The plain HTTP request was sent to HTTPS port\", and that goes to the client; others break the connection off, and the client gets 502".to_owned(),
        // What speaks first is heard before the handshake begins.
        Mismatch::Plain(Some("SSH" | "SMTP or FTP" | "IMAP" | "POP3" | "VNC")) => {
            format!("nginx {failure}: \"upstream prematurely sent response\", or \"SSL_do_handshake() failed (… wrong version number)\"")
        }
        Mismatch::Plain(_) => format!(
            "nginx {failure}: \"SSL_do_handshake() failed (… wrong version number) while SSL handshaking to upstream\", or \"peer closed connection in SSL handshake\""
        ),
        Mismatch::Silent if target.protocol == Protocol::Stream => {
            "after proxy_connect_timeout the connection is closed: \"upstream timed out (110: Connection timed out) while SSL handshaking to upstream\"".to_owned()
        }
        Mismatch::Silent => format!(
            "after {}_connect_timeout the client gets 504: \"upstream timed out (110: Connection timed out) while SSL handshaking to upstream\"",
            target.protocol.prefix()
        ),
    }
}

fn help(target: Target<'_>, mismatch: Mismatch) -> String {
    let prefix = target.protocol.prefix();
    let with_tls = mismatch == Mismatch::Tls;
    match (scheme(target, with_tls), mismatch) {
        (Some(scheme), Mismatch::Tls) => format!(
            "write {scheme}, and {prefix}_ssl_server_name on; if the server has certificates for several names; or the port without TLS"
        ),
        (Some(scheme), Mismatch::Plain(Some("HTTP" | "HTTP/2"))) => {
            format!("write {scheme}, or the port at which the server speaks TLS")
        }
        (Some(scheme), Mismatch::Silent) => format!(
            "if the program speaks plain HTTP it waits for the end of a line: write {scheme}, or the port at which it speaks TLS; if it does speak TLS, it hangs: restart it"
        ),
        (None, _) => "take out proxy_ssl on; or write the port at which the server speaks TLS".to_owned(),
        _ => "write the port at which the server speaks TLS".to_owned(),
    }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let peer = seen.peer.unwrap_or("the server behind nginx");
    let (message, mismatch) = match seen.signature {
        Signature::TlsWrongVersionNumber => {
            (format!("{peer} answered a TLS handshake with something else"), Mismatch::Plain(Some("HTTP")))
        }
        _ => (format!("{peer} took the connection and did not answer the TLS handshake in time"), Mismatch::Silent),
    };
    let finding = findings.add(seen.place(), message);
    match seen.target {
        Some(target) => finding.note(note(target, mismatch)).help(help(target, mismatch)),
        None => finding.help("look at the scheme and port of what these requests are passed to"),
    };
    let is_fine_now = model.talks_of_seen(seen).iter().any(|talks| talks.that_said(Said::Tls).next().is_some());
    if is_fine_now {
        finding.severity(Severity::Warning);
    }
    finding.seen(seen);
}
