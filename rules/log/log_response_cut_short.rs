//! Servers behind nginx that end an answer before it is complete.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-response-cut-short",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("log_response_cut_short.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&[Signature::PrematureCloseBody], Seen::place_of_group) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let servers = together.servers_in_words();
    let finding = findings.add(together.first().place(), format!("{servers} ended answers before they were complete"));
    finding.note("clients have the status 200 by then, and get an answer that is cut off; the log has \"upstream prematurely closed connection while reading upstream\"");
    finding.help("look at these times in its own log: it crashed, its worker ran out of time or memory in the middle, or it announces more bytes in Content-Length than it sends");
    finding.seen_together(together);
}
