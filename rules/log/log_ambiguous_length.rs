//! Answers that say in several ways how long they are.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, KEPT_BY_DEFAULT_SINCE, Model, Protocol, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-ambiguous-length",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"],
    equivalents: &[],
    page: include_str!("log_ambiguous_length.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 3] =
    [Signature::DuplicateHeader, Signature::LengthAndEncoding, Signature::UnknownTransferEncoding];

/// Of other headers nginx leaves all but the first out, and says so with the
/// same words.
const LENGTHS: [&str; 2] = ["content-length", "transfer-encoding"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for mut together in model.seen_together(&SIGNATURES, Seen::place_of_group) {
        together.seen.retain(is_about_length);
        if !together.seen.is_empty() {
            say(model, &together, findings);
        }
    }
}

fn is_about_length(seen: &Seen<'_>) -> bool {
    let name = seen.detail.and_then(|line| line.split(':').next()).map(str::trim);
    seen.signature != Signature::DuplicateHeader
        || name.is_none_or(|name| LENGTHS.iter().any(|length| name.eq_ignore_ascii_case(length)))
}

fn say(model: &Model<'_>, together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let first = together.first();
    let what = match (first.signature, first.detail) {
        (Signature::DuplicateHeader, Some(line)) => format!("sent \"{line}\" with another header of that name"),
        (Signature::DuplicateHeader, None) => "sent a header for the length twice".to_owned(),
        (Signature::LengthAndEncoding, _) => "sent Content-Length and Transfer-Encoding in one answer".to_owned(),
        _ => "sent a Transfer-Encoding that is not chunked".to_owned(),
    };
    let finding = findings.add(first.place(), format!("{servers} {what}"));
    let log = match first.signature {
        Signature::DuplicateHeader => "upstream sent duplicate header line",
        Signature::LengthAndEncoding => {
            "upstream sent \\\"Content-Length\\\" and \\\"Transfer-Encoding\\\" headers at the same time"
        }
        _ => "upstream sent unknown \\\"Transfer-Encoding\\\"",
    };
    finding.note(format!("nginx 1.23.0 and later answers 502 to that, older ones did not look; the log has \"{log}\""));
    let stopgap = if may_be_asked_as_1_0(model, together) {
        "; until then proxy_http_version 1.0; helps if it sends Transfer-Encoding only to clients of HTTP/1.1"
    } else {
        ""
    };
    finding.help(format!("mend the application, or what stands between it and nginx: an answer has one Content-Length or Transfer-Encoding: chunked{stopgap}"));
    finding.seen_together(together);
}

/// Whether requests are, or may be, passed on as HTTP/1.1.
fn may_be_asked_as_1_0(model: &Model<'_>, together: &Together<'_>) -> bool {
    let is_about_encoding = together.seen.iter().any(|seen| seen.signature != Signature::DuplicateHeader);
    let target = together.target().filter(|target| target.protocol == Protocol::Proxy && is_about_encoding);
    target.is_some_and(|target| match target.block().effective("proxy_http_version") {
        Effective::Set(version) => version.argument(0) == Some("1.1"),
        Effective::Default => !model.may_be_before(KEPT_BY_DEFAULT_SINCE),
        Effective::Unseen => false,
    })
}
