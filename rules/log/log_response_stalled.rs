//! Servers behind nginx that fall silent in the middle of an answer.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-response-stalled",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_read_timeout"],
    equivalents: &[],
    page: include_str!("log_response_stalled.md"),
    check: Check::Configuration(check),
};

/// Less than this, in milliseconds, is not proposed as a longer time.
const LEAST: u64 = 300_000;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| seen.place_of_setting("read_timeout");
    for together in model.seen_together(&[Signature::ReadBodyTimedOut], place) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let timeout = together.target().map(|target| target.timeout("read_timeout"));
    let servers = together.servers_in_words();
    let in_force = timeout.as_ref().map_or_else(|| "the read timeout".to_owned(), |timeout| timeout.in_words());
    let finding = findings.add(together.place, format!("{servers} fell silent in the middle of an answer: {in_force}"));
    finding.note("clients have the status 200 by then, and get an answer that is cut off; the log has \"upstream timed out (110: Connection timed out) while reading upstream\"");
    let longer = timeout.map_or_else(String::new, |timeout| {
        format!(", or write {} {}; in their location", timeout.name, timeout.longer(LEAST))
    });
    finding.help(format!("if these answers are streams, let the application send something more often{longer}; otherwise find out what it waits for in the middle of an answer"));
    finding.seen_together(together);
}
