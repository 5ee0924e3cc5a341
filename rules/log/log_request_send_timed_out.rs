//! Servers behind nginx that stop reading a request.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Model, Seen, Together};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-request-send-timed-out",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_send_timeout"],
    equivalents: &[],
    page: include_str!("log_request_send_timed_out.md"),
    check: Check::Configuration(check),
};

/// Less than this, in milliseconds, is not proposed as a longer time.
const LEAST: u64 = 120_000;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| seen.place_of_setting("send_timeout");
    for together in model.seen_together(&[Signature::SendTimedOut], place) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let timeout = together.target().map(|target| target.timeout("send_timeout"));
    let servers = together.servers_in_words();
    let in_force = timeout.as_ref().map_or_else(|| "the send timeout".to_owned(), |timeout| timeout.in_words());
    let finding = findings.add(together.place, format!("{servers} stopped reading a request for too long: {in_force}"));
    let unless = match together.is_sometimes_tried_elsewhere("timeout") {
        true => " unless another server took them",
        false => "",
    };
    finding.note(format!("these requests get 504{unless}; the log has \"upstream timed out (110: Connection timed out) while sending request to upstream\""));
    let longer = timeout.map_or_else(String::new, |timeout| {
        format!("; {} {}; gives it more time between two reads, and nothing else", timeout.name, timeout.longer(LEAST))
    });
    finding.help(format!(
        "find out why the application does not take the body in: busy, stuck, or it never reads uploads{longer}"
    ));
    finding.seen_together(together);
}
