//! Certificates of servers behind nginx that are verified, and do not pass.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{Conversation, Heard, Signature};
use crate::model::{Effective, Found, Model, Place, Seen, Talks, Target, TlsPass};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-upstream-certificate",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_verify",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_trusted_certificate",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_name",
    ],
    equivalents: &[],
    page: include_str!("live_upstream_certificate.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 2] = [Signature::TlsVerifyError, Signature::TlsNameMismatch];

const DAY: i64 = 24 * 60 * 60;

/// A verified certificate that ends so soon is worth a warning.
const SOON: i64 = 14 * DAY;

/// So many names of a certificate are shown.
const NAMES: usize = 3;

/// What is wrong with the certificate.
#[derive(Clone, PartialEq)]
enum Problem<'m> {
    /// It is over, since so many days; verified or not.
    Expired { days: i64, verified: bool },
    /// It does not lead to the certificates that are trusted.
    Distrusted(&'m str),
    /// It is for these names.
    Names(&'m [String]),
    /// It is over in so many days.
    Soon(i64),
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let seen = model.seen(&SIGNATURES);
    let found = model.found_in_talks(|talks| judge(talks, facts.taken_at));
    for found in &found {
        say_now(found, &seen, findings);
    }
    let is_same = |found: &Found<'_, Problem<'_>>, seen: &Seen<'_>| found.is_told_by(seen) && is_of(&found.what, seen);
    let is_said = |seen: &Seen<'_>| found.iter().any(|found| is_same(found, seen));
    for seen in seen.iter().filter(|seen| !is_said(seen)) {
        say_then(model, seen, findings);
    }
}

/// Whether a message of the log says the same.
fn is_of(problem: &Problem<'_>, seen: &Seen<'_>) -> bool {
    match problem {
        Problem::Names(_) => seen.signature == Signature::TlsNameMismatch,
        Problem::Expired { verified, .. } => *verified && seen.signature == Signature::TlsVerifyError,
        Problem::Distrusted(_) => seen.signature == Signature::TlsVerifyError,
        Problem::Soon(_) => false,
    }
}

fn judge<'m>(talks: &Talks<'m>, now: i64) -> Option<(Problem<'m>, &'m Conversation)> {
    let tls = talks.target.tls()?;
    talks.as_nginx().into_iter().find_map(|talk| Some((problem_of(&tls, talk, now)?, talk)))
}

/// In the order in which nginx looks: trust, then the name.
fn problem_of<'m>(tls: &TlsPass<'m>, talk: &'m Conversation, now: i64) -> Option<Problem<'m>> {
    let heard = talk.tls.as_ref().filter(|_| talk.heard == Heard::Tls)?;
    let first = heard.chain.first()?;
    // What was not looked at has no end. Of a certificate further on that is
    // over there may be another one that is not: trust tells.
    let left = (first.not_after > 0 && now > 0).then(|| first.not_after.saturating_sub(now));
    let expired = left.filter(|left| *left < 0).map(|left| -left / DAY);
    if !tls.is_verified() {
        let is_off = tls.is_on("verify") == Some(false);
        return expired.filter(|_| is_off).map(|days| Problem::Expired { days, verified: false });
    }
    if let Some(days) = expired {
        return Some(Problem::Expired { days, verified: true });
    }
    if let Some(Err(why)) = tls.trust_in(heard) {
        return Some(Problem::Distrusted(why));
    }
    // That nginx compares no addresses is another rule's.
    let name = tls.expected_name().filter(|name| !is_address(name));
    if name.is_some_and(|name| !first.names.is_empty() && !first.covers(name)) {
        return Some(Problem::Names(&first.names));
    }
    left.filter(|left| *left < SOON).map(|left| Problem::Soon(left / DAY))
}

fn is_address(name: &str) -> bool {
    name.starts_with('[') || name.contains('/') || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn days(count: i64) -> String {
    match count {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

fn say_now(found: &Found<'_, Problem<'_>>, seen: &[Seen<'_>], findings: &mut Findings) {
    let target = found.target;
    let Some(tls) = target.tls() else { return };
    let (there, failure) = (found.in_words(), target.protocol.failure());
    let place = place(&tls, &found.what).filter(|_| found.is_everywhere).unwrap_or_else(|| found.place());
    let verify_error = |code: &str| {
        format!(
            "{} is on: nginx {failure}, and the log has \"upstream SSL certificate verify error: ({code})\"",
            tls.name_of("verify")
        )
    };
    let (message, note, help) = match &found.what {
        Problem::Expired { days: since, verified: true } => (
            format!("the certificate of {there} has been over for {}, and it is verified", days(*since)),
            verify_error("10:certificate has expired"),
            "renew the certificate of that server, and have the server load it".to_owned(),
        ),
        Problem::Expired { days: since, verified: false } => (
            format!(
                "the certificate of {there} has been over for {}; nobody looks, since {} is off",
                days(*since),
                tls.name_of("verify")
            ),
            "nginx takes any certificate of a server behind it unless it is told to verify them: this harms nobody now"
                .to_owned(),
            "renew it before you verify it".to_owned(),
        ),
        Problem::Distrusted(why) => {
            let file =
                tls.effective("trusted_certificate").directive().and_then(|file| file.argument(0)).unwrap_or_default();
            (
                format!("the certificate of {there} is not trusted with {file}: {why}"),
                format!(
                    "{} is on: nginx {failure}, and the log has \"upstream SSL certificate verify error\" with 18, 19, 20 or 21",
                    tls.name_of("verify")
                ),
                format!(
                    "write into that file the certificate of the authority that signed it (openssl s_client -showcerts -connect {} shows who that is)",
                    found.addresses.first().copied().unwrap_or_default()
                ),
            )
        }
        Problem::Names(names) => {
            let name = tls.expected_name().unwrap_or_default();
            let help = match names.iter().find(|name| !name.starts_with('*')) {
                Some(first) => format!("write {} {first};", tls.name_of("name")),
                None => format!("write {} with a name that the certificate has", tls.name_of("name")),
            };
            (
                format!("the certificate of {there} is for {}, and it is verified for \"{name}\"", in_words(names)),
                format!(
                    "nginx {failure}, and the log has \"upstream SSL certificate does not match \"{name}\" while SSL handshaking to upstream\""
                ),
                help,
            )
        }
        Problem::Soon(left) => (
            format!("the certificate of {there} is over in {}, and it is verified", days(*left)),
            format!(
                "from then on nginx {failure}: \"upstream SSL certificate verify error: (10:certificate has expired)\""
            ),
            "renew the certificate of that server, and have the server load it".to_owned(),
        ),
    };
    let finding = findings.add(place, message);
    finding.note(note).help(help);
    let pass = target.directive.place_of_argument(0);
    if place != pass {
        finding.label(pass, "requests come from here");
    }
    match found.what {
        Problem::Expired { verified: false, .. } => {
            finding.severity(Severity::Info);
        }
        Problem::Soon(_) => {
            finding.severity(Severity::Warning);
        }
        _ => {
            if let Some(verify) = tls.effective("verify").directive() {
                finding.label(verify.place(), "verified because of this");
            }
            // Another server of the group is asked.
            if !found.is_everywhere {
                finding.severity(Severity::Warning);
            }
        }
    }
    let own = seen.iter().filter(|seen| found.is_told_by(seen) && is_of(&found.what, seen));
    own.for_each(|seen| {
        finding.seen(seen);
    });
}

/// The directive to change, where there is one.
fn place(tls: &TlsPass<'_>, problem: &Problem<'_>) -> Option<Place> {
    let name = match problem {
        Problem::Distrusted(_) => "trusted_certificate",
        Problem::Names(_) => "name",
        Problem::Expired { .. } | Problem::Soon(_) => return None,
    };
    tls.effective(name).directive().map(|directive| directive.place())
}

fn in_words(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMES);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let peer = seen.peer.unwrap_or("the server behind nginx");
    let tls = seen.target.and_then(Target::tls);
    let detail = seen.detail.unwrap_or_default();
    let is_name = seen.signature == Signature::TlsNameMismatch;
    let setting = if is_name { "name" } else { "trusted_certificate" };
    let own = match tls.as_ref().map(|tls| tls.effective(setting)) {
        // A new file does not help against what is over.
        Some(Effective::Set(directive)) if !detail.starts_with("10:") => Some(directive.place()),
        _ => None,
    };
    let message = match is_name {
        true => format!("the certificate of {peer} is not for \"{detail}\", the name it is verified for"),
        false => format!("the certificate of {peer} did not pass: {}", reason(detail)),
    };
    let finding = findings.add(own.unwrap_or_else(|| seen.place()), message);
    let failure = seen.target.map_or("answers 502", |target| target.protocol.failure());
    let name_of =
        |setting: &str| tls.as_ref().map_or_else(|| format!("proxy_ssl_{setting}"), |tls| tls.name_of(setting));
    if is_name {
        finding.note(format!("nginx {failure}: \"upstream SSL certificate does not match \"{detail}\" while SSL handshaking to upstream\""));
        finding.help(format!(
            "write {} with a name that the certificate has: openssl s_client -connect {peer} shows it",
            name_of("name")
        ));
    } else {
        finding.note(format!(
            "{} is on: nginx {failure}: \"upstream SSL certificate verify error: ({detail})\"",
            name_of("verify")
        ));
        finding.help(match detail.starts_with("10:") {
            true => "renew the certificate of that server, and have the server load it".to_owned(),
            false => format!(
                "write into the file of {} the certificate of the authority that signed it",
                name_of("trusted_certificate")
            ),
        });
    }
    if own.is_some_and(|own| own != seen.place()) {
        finding.label(seen.place(), "requests come from here");
    }
    if model.talks_of_seen(seen).iter().any(|talks| is_fine(talks, is_name)) {
        finding.severity(Severity::Warning);
    }
    finding.seen(seen);
}

/// What the number in front of a reason says, if it is a common one.
fn reason(detail: &str) -> &str {
    match detail.split_once(':') {
        Some(("10", _)) => "it has expired",
        Some(("18", _)) => "it signed itself, and is not trusted",
        Some(("19", _)) => "an authority in its chain signed itself, and is not trusted",
        Some(("20", _)) => "the authority that signed it is not among the trusted ones",
        Some(("21", _)) => "the server shows no certificate that leads to a trusted one",
        Some((_, text)) => text,
        None => detail,
    }
}

/// Whether it was looked at, and is fine now.
fn is_fine(talks: &Talks<'_>, is_name: bool) -> bool {
    let Some(tls) = talks.target.tls() else { return false };
    talks.as_nginx().iter().filter_map(|talk| talk.tls.as_ref()).any(|heard| match is_name {
        true => {
            let first = heard.chain.first();
            first.is_some_and(|first| tls.expected_name().is_some_and(|name| first.covers(name)))
        }
        false => tls.trust_in(heard) == Some(Ok(())),
    })
}
