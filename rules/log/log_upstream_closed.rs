//! Servers behind nginx that end a connection without an answer.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{KeptConnections, Model, Seen, Together, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-upstream-closed",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout"],
    equivalents: &[],
    page: include_str!("log_upstream_closed.md"),
    check: Check::Configuration(check),
};

const SIGNATURES: [Signature; 2] = [Signature::PrematureCloseHeader, Signature::ReadReset];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for together in model.seen_together(&SIGNATURES, Seen::place_of_group) {
        say(model, &together, findings);
    }
}

fn say(model: &Model<'_>, together: &Together<'_>, findings: &mut Findings) {
    let first = together.first();
    let servers = together.servers_in_words();
    let finding = findings.add(first.place(), format!("{servers} ended connections without an answer"));
    let log = match (together.has(Signature::PrematureCloseHeader), together.has(Signature::ReadReset)) {
        (true, false) => CLOSED.to_owned(),
        (false, _) => RESET.to_owned(),
        (true, true) => format!("{CLOSED} and {RESET}"),
    };
    let elsewhere = together.is_tried_elsewhere("error");
    let unless = if elsewhere { " unless another server answered" } else { "" };
    finding.note(format!("these requests get 502{unless}; the log has {log}"));
    if elsewhere {
        finding.severity(Severity::Warning);
    }
    let crash = "look at these times in its own log and, for killed processes, in that of the kernel: it crashed, was started again, or a worker was ended for its age, its memory or its time";
    match together.seen.iter().find_map(Seen::kept_connections) {
        Some(kept) => {
            let idle = together.peers().iter().filter_map(|peer| model.idle_time_of(Some(peer))).min();
            let keeps = kept_in_words(kept, idle);
            finding.help(format!("{crash}; {keeps}"));
            if let Some(place) = kept.timeout.or(kept.keepalive) {
                finding.label(place.place(), "connections are kept by this");
            }
        }
        None => {
            finding.help(format!("{crash}; a server that expects something else, such as FastCGI or the PROXY protocol, does the same to every request"));
        }
    }
    finding.seen_together(together);
}

const CLOSED: &str = "\"upstream prematurely closed connection while reading response header from upstream\"";
const RESET: &str = "\"recv() failed (104: Connection reset by peer) while reading response header from upstream\"";

/// What else it may be where connections are kept, and what to write then.
fn kept_in_words(kept: KeptConnections<'_>, idle: Option<u64>) -> String {
    let own = time_in_words(kept.milliseconds);
    match idle {
        Some(idle) if idle <= kept.milliseconds => format!(
            "and it ends idle connections after {}, while nginx keeps them for {own}: write a shorter keepalive_timeout in the group",
            time_in_words(idle)
        ),
        Some(idle) => format!(
            "idle connections are not the cause: nginx closes them after {own}, the server after {}",
            time_in_words(idle)
        ),
        None => format!(
            "or it ended an idle connection that nginx keeps for {own}: then write a keepalive_timeout in the group that is shorter than the server's own"
        ),
    }
}
