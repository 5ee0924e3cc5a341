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
    let unless = match together.is_sometimes_tried_elsewhere("error") {
        true => " unless another server answered",
        false => "",
    };
    finding.note(format!("these requests get 502{unless}; the log has {log}"));
    if together.is_tried_elsewhere("error") {
        finding.severity(Severity::Warning);
    }
    let kept = together.seen.iter().find_map(Seen::kept_connections);
    let idle = together.peers().iter().filter_map(|peer| model.idle_time_of(Some(peer))).min();
    finding.help(match kept {
        Some(kept) => help_where_kept(kept, idle),
        None => format!("{CRASH}; a server that expects something else, such as FastCGI or the PROXY protocol, does the same to every request"),
    });
    if let Some(place) = kept.and_then(|kept| kept.timeout.or(kept.keepalive)) {
        finding.label(place.place(), "connections are kept by this");
    }
    if together.seen.iter().all(Seen::is_heard_otherwise) {
        // Another rule says what it speaks.
        finding.severity(Severity::Info);
        finding.help("it speaks another protocol than the one requests are passed on with: that comes first");
    }
    finding.seen_together(together);
}

const CRASH: &str = "look at these times in the server's own log and, for killed processes, in that of the kernel: it crashed, was started again, or a worker was ended for its age, its memory or its time";
const CLOSED: &str = "\"upstream prematurely closed connection while reading response header from upstream\"";
const RESET: &str = "\"recv() failed (104: Connection reset by peer) while reading response header from upstream\"";

/// What it is, or may be as well, where connections are kept.
fn help_where_kept(kept: KeptConnections<'_>, idle: Option<u64>) -> String {
    let own = time_in_words(kept.milliseconds);
    match idle {
        Some(idle) if idle <= kept.milliseconds => {
            let (shorter, idle) = (shorter_than(idle), time_in_words(idle));
            format!(
                "write keepalive_timeout {shorter}; in the group: the server ends idle connections after {idle}, and nginx uses them for {own}; what remains: {CRASH}"
            )
        }
        Some(_) => CRASH.to_owned(),
        None => format!(
            "{CRASH}; or it ended an idle connection, which nginx keeps for {own}: then write a keepalive_timeout in the group that is shorter than the server's own"
        ),
    }
}

/// A second less, or, of a short time, four fifths.
fn shorter_than(milliseconds: u64) -> String {
    time_in_words(if milliseconds > 2_000 { milliseconds - 1_000 } else { milliseconds / 5 * 4 })
}
