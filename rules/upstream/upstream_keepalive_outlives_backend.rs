//! Idle connections that nginx keeps for longer than the servers do.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, KeptConnections, Place, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-keepalive-outlives-backend",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout"],
    equivalents: &[],
    page: include_str!("upstream_keepalive_outlives_backend.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(kept) = upstream.kept_connections() else { return };
    let server_time = block.model().surroundings().backend_idle_timeout;
    let is_too_long = match server_time {
        Some(server_time) => kept.milliseconds >= server_time,
        // Whoever wrote a time has thought of one, and one that was seen is
        // another rule's.
        None if upstream.idle_time_seen().is_some() => false,
        None => kept.keepalive.is_some() && kept.timeout.is_none(),
    };
    let Some(user) = block.model().targets_of(upstream).find(|target| is_too_long && target.may_lose_requests()) else {
        return;
    };
    let Some(place) = kept.timeout.or(kept.keepalive).or(block.head()).map(|directive| directive.place()) else {
        return;
    };
    let name = upstream.name();
    let kept_for = in_words(kept.milliseconds);
    let default = if kept.timeout.is_none() { ", the default" } else { "" };
    match server_time {
        Some(server_time) => {
            let server_time_in_words = in_words(server_time);
            let message = format!(
                "upstream \"{name}\" keeps idle connections for {kept_for}{default}; its servers close them after {server_time_in_words}"
            );
            let finding = describe(place, message, user, findings);
            let shorter = shorter_than(server_time);
            finding.help(format!("write keepalive_timeout {shorter}; which is less than the servers' own time"));
            if let Some(edit) = edit(upstream, kept, &shorter) {
                finding.fix(false, "close idle connections before the servers do", vec![edit]);
            }
        }
        None => {
            let message = format!(
                "upstream \"{name}\" keeps idle connections for {kept_for}{default}: longer than many servers keep theirs"
            );
            let finding = describe(place, message, user, findings).severity(Severity::Info);
            finding.help("find out after how long the servers close idle connections and write a shorter keepalive_timeout; backend-idle-timeout in nginx-lint.toml has it checked");
        }
    }
}

fn describe<'f>(place: Place, message: String, user: Target<'_>, findings: &'f mut Findings) -> &'f mut Finding {
    findings
        .add(place, message)
        .note("a POST, PATCH or LOCK on a connection that its server is just closing gets 502: upstream prematurely closed connection, or recv() failed (104: Connection reset by peer); other requests are tried again on a new connection")
        .label(user.directive.place(), "passed on over these connections")
}

fn in_words(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1_000) { format!("{}s", milliseconds / 1_000) } else { format!("{milliseconds}ms") }
}

/// A second less, or, of a short time, four fifths.
fn shorter_than(milliseconds: u64) -> String {
    if milliseconds > 2_000 { in_words(milliseconds - 1_000) } else { in_words(milliseconds / 5 * 4) }
}

fn edit(upstream: Upstream<'_>, kept: KeptConnections<'_>, time: &str) -> Option<Edit> {
    match (kept.timeout, kept.keepalive) {
        (Some(timeout), _) => timeout.editable_argument(0).map(|location| Edit::replace(location, time)),
        (None, Some(keepalive)) => Some(Edit::add_line_behind(keepalive, &format!("keepalive_timeout {time};"))),
        (None, None) => {
            let last = upstream.servers().last()?.directive;
            Some(Edit::add_line_behind(last, &format!("keepalive_timeout {time};")))
        }
    }
}
