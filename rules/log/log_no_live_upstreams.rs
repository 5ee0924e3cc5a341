//! Groups that had no server left to try.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, FAILING_ANSWERS, Model, NoLive, NoLiveCause, Place, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-no-live-upstreams",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#max_fails"],
    equivalents: &[],
    page: include_str!("log_no_live_upstreams.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for none in model.no_live_upstreams() {
        match none.cause {
            // Said where the cause is.
            NoLiveCause::Failures | NoLiveCause::AllDown => {}
            NoLiveCause::Answers(directive) => say_answers(&none, directive, findings),
            NoLiveCause::Limits => say_limits(&none, findings),
            NoLiveCause::Unknown => say_unknown(&none, findings),
        }
    }
    for seen in model.left_out_for_nothing() {
        say_left_out(&seen, findings);
    }
}

fn say_answers(none: &NoLive<'_>, directive: Directive<'_>, findings: &mut Findings) {
    let listed: Vec<&str> = directive.arguments().filter(|argument| FAILING_ANSWERS.contains(argument)).collect();
    let listed = listed.join(" ");
    let group = name(none);
    let message = format!("no server of upstream \"{group}\" was left to try: {listed} makes answers failures");
    let finding = findings.add(directive.place(), message);
    finding.note("a few such answers to one URL are enough: until fail_timeout is over (10s by default) every request gets 502, \"no live upstreams while connecting to upstream\"");
    finding.help(format!("remove {listed}, or write max_fails=0 for the servers of the group; and look for the requests that the servers answer so"));
    finding.label(place_of_group(none), "no server of it was left");
    finding.seen(&none.seen);
}

fn say_limits(none: &NoLive<'_>, findings: &mut Findings) {
    let group = name(none);
    let finding = findings.add(
        place_of_group(none),
        format!("every server of upstream \"{group}\" had as many connections as its max_conns allows"),
    );
    finding.note(format!(
        "what is above the limits does not wait: {}, \"no live upstreams while connecting to upstream\"",
        outcome(none)
    ));
    finding.help("raise max_conns to what the servers can bear, or add a backup server without max_conns");
    for server in none.seen.upstream.into_iter().flat_map(|group| group.servers()).take(3) {
        if let Some((index, _)) = server.parameter("max_conns") {
            finding.label(server.directive.place_of_argument(index), "a limit");
        }
    }
    finding.seen(&none.seen);
}

fn say_unknown(none: &NoLive<'_>, findings: &mut Findings) {
    let group = name(none);
    let finding =
        findings.add(place_of_group(none), format!("no server of \"{group}\" was left to try: all counted as failed"));
    finding.severity(Severity::Warning);
    finding.note(format!("{}, \"no live upstreams while connecting to upstream\"; how the servers failed is not in the part of the log that was read", outcome(none)));
    finding.help("look further back in the log, also in rotated files, for what is \"while connecting to upstream\" or \"while reading response header from upstream\"");
    finding.seen(&none.seen);
}

/// Of a server that was left out and nothing says why.
fn say_left_out(seen: &Seen<'_>, findings: &mut Findings) {
    let peer = seen.peer.unwrap_or("a server of the group");
    let finding = findings.add(seen.place(), format!("{peer} counted as failed and was left out for a while"));
    finding.severity(Severity::Info);
    finding.note("\"upstream server temporarily disabled\": its max_fails was reached, 1 by default, and for fail_timeout, 10s by default, requests go to the others; what failed is not in the part of the log that was read");
    finding.help("look further back in the log; answers count as failures only where proxy_next_upstream lists them");
    finding.seen(seen);
}

fn outcome(none: &NoLive<'_>) -> &'static str {
    let is_stream = none.seen.upstream.is_some_and(|group| group.family() == Family::Stream);
    if is_stream { "these connections were closed at once" } else { "these requests got 502 at once" }
}

/// What the group is called: by its block, or the name in the target.
fn name<'m>(none: &'m NoLive<'_>) -> &'m str {
    none.seen.upstream.map(|group| group.name()).or(none.seen.peer).unwrap_or("-")
}

fn place_of_group(none: &NoLive<'_>) -> Place {
    let head = none.seen.upstream.and_then(|group| group.block.head());
    head.map_or_else(|| none.seen.place(), |head| head.place())
}
