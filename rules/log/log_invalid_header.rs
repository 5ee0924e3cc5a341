//! Answers with a line in the header that is none.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Protocol, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-invalid-header",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream"],
    equivalents: &[],
    page: include_str!("log_invalid_header.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&[Signature::InvalidHeader], Seen::place_of_group) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let first = together.first();
    let line = first.detail.map_or_else(String::new, |line| format!(": \"{line}\""));
    let message = format!("{servers} sent a line in the header of an answer that is no header{line}");
    let finding = findings.add(first.place(), message);
    if together.is_tried_elsewhere("invalid_header") {
        finding.severity(Severity::Warning);
    }
    let unless = match together.is_sometimes_tried_elsewhere("invalid_header") {
        true => " unless another server answered",
        false => "",
    };
    finding.note(format!("these requests get 502{unless}; the log has \"upstream sent invalid header\""));
    finding.help(match together.target().map(|target| target.protocol) {
        Some(Protocol::Fastcgi) => "mend the application: something was printed in front of the header, such as the text of an error; for PHP, log errors and do not display them (display_errors = Off)",
        _ => "mend the application: the name of a header has no blanks and no control characters, and nothing may be printed in front of the header",
    });
    finding.seen_together(together);
}
