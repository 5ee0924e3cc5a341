//! Servers that were seen to close idle connections before nginx does.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-backend-idle-timeout",
    group: Group::Live,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout"],
    equivalents: &[],
    page: include_str!("live_backend_idle_timeout.md"),
    check: Check::Configuration(check),
};

/// So many milliseconds later the end of a connection may be seen.
const DELAY: u64 = 250;

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.facts().is_none() {
        return;
    }
    model.upstreams(Family::Http).for_each(|upstream| check_group(model, upstream, findings));
}

fn check_group(model: &Model<'_>, upstream: Upstream<'_>, findings: &mut Findings) {
    let Some((server, idle)) = upstream.idle_time_seen() else { return };
    let Some(kept) = upstream.kept_connections().filter(|kept| kept.milliseconds.saturating_add(DELAY) >= idle) else {
        return;
    };
    // Where it was said how long the servers wait, another rule judges by it.
    if model.surroundings().backend_idle_timeout.is_some() {
        return;
    }
    let Some(user) = model.targets_of(upstream).find(|target| target.may_lose_requests()) else { return };
    let directive = kept.timeout.or(kept.keepalive).or(upstream.block.head());
    let Some(place) = directive.map(|directive| directive.place()) else { return };
    let default = if kept.timeout.is_none() { ", the default" } else { "" };
    let message = format!(
        "{} closes idle connections after {}, and nginx keeps them for {}{default}",
        server.address(),
        in_words(idle),
        in_words(kept.milliseconds)
    );
    let finding = findings.add(place, message);
    finding.note("a POST on a connection that the server is just closing gets 502: \"upstream prematurely closed connection\", or \"recv() failed (104: Connection reset by peer)\"; other requests are tried again");
    finding.help(format!(
        "write keepalive_timeout {}; in the group, or let the server wait for longer than {}",
        shorter_than(idle),
        in_words(kept.milliseconds)
    ));
    finding.label(server.directive.place_of_argument(0), "closes them first");
    finding.label(user.directive.place(), "passed on over these connections");
}

fn in_words(milliseconds: u64) -> String {
    match (milliseconds / 1_000, milliseconds % 1_000 / 100) {
        (0, _) => format!("{milliseconds}ms"),
        (seconds, 0) => format!("{seconds}s"),
        (seconds, tenths) => format!("{seconds}.{tenths}s"),
    }
}

/// A second less, in whole seconds, or, of a short time, four fifths.
fn shorter_than(milliseconds: u64) -> String {
    if milliseconds > 2_000 {
        format!("{}s", (milliseconds - 1_000) / 1_000)
    } else {
        in_words((milliseconds / 5 * 4).max(1))
    }
}
