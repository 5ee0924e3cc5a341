//! Answers whose body does not fit what their header says.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-invalid-body",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"],
    equivalents: &[],
    page: include_str!("log_invalid_body.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 2] = [Signature::InvalidChunked, Signature::MoreDataThanLength];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&SIGNATURES, Seen::place_of_group) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let place = together.first().place();
    if together.has(Signature::InvalidChunked) {
        let finding = findings.add(place, format!("{servers} sent a body that is said to be chunked and is not"));
        finding.note("nginx breaks the answer off, before its status if nothing was sent yet; the log has \"upstream sent invalid chunked response\"");
        finding.help("mend the application, or what stands between it and nginx: some code writes Transfer-Encoding: chunked itself, and then the body as it is");
        finding.seen_together(together);
    } else {
        let finding = findings.add(place, format!("{servers} sent more bytes than it said in Content-Length"));
        finding.severity(Severity::Warning);
        finding.note("clients get as many bytes as were announced, and not the rest; the log has \"upstream sent more data than specified in \\\"Content-Length\\\" header\"");
        finding.help("mend the application: it counts characters in place of bytes, counts before it compresses, or sends a body with 204");
        finding.seen_together(together);
    }
}
