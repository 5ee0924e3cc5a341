//! A time to connect that is longer than the system tries.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    CONNECT_TIMEOUTS, Directive, Host, Protocol, Target, is_loopback, looks_like_milliseconds, parse_milliseconds,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "connect-timeout-beyond-kernel",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_connect_timeout"],
    equivalents: &[],
    page: include_str!("connect_timeout_beyond_kernel.md"),
    check: Check::Directives(CONNECT_TIMEOUTS, check),
};

/// So long Linux waits for an answer to the first packet of a connection and
/// to the six that repeat it.
const LONGEST_TRY: u64 = 127_000;

/// How far away the servers are that a time to connect is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// Behind a socket: connecting takes no time.
    Socket,
    /// On this machine, which refuses at once, or not known.
    Near,
    /// On another machine, which may be gone.
    Far,
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    if !directive.is_read() || parse_milliseconds(value).is_none_or(|time| time <= LONGEST_TRY) {
        return;
    }
    // That it was not meant in seconds is said elsewhere.
    if looks_like_milliseconds(value) {
        return;
    }
    let farthest = directive.targets_governed().map(|target| (distance(target), target));
    let farthest = farthest.max_by_key(|(distance, _)| *distance);
    if farthest.is_none_or(|(distance, _)| distance == Distance::Socket) && !directive.may_govern_unseen_targets() {
        return;
    }
    let name = directive.name();
    let finding = findings
        .add(directive.place(), format!("{name} {value} is longer than Linux tries to connect, about 2 minutes"));
    let outcome = match farthest {
        Some((_, target)) if target.protocol == Protocol::Stream => "is closed",
        _ => "gets 502",
    };
    finding.note(format!("when a server's machine does not answer, the system gives up first: the client waits for more than 2 minutes and then {outcome}, connect() failed (110: Connection timed out)"));
    finding.help(format!("a server that is there takes the connection in milliseconds: write {name} 5s;"));
    match farthest {
        Some((Distance::Far, target)) => {
            finding.label(target.directive.place(), "connects to another machine");
        }
        _ => {
            finding.severity(Severity::Info);
        }
    }
    if let Some(edit) = Edit::replace_value(directive, "5s") {
        finding.fix(false, "connect within 5 seconds", vec![edit]);
    }
}

fn distance(target: Target<'_>) -> Distance {
    let distances = target.endpoints().into_iter().map(|endpoint| match endpoint.host {
        Host::Unix(_) => Distance::Socket,
        host if is_loopback(host) => Distance::Near,
        _ => Distance::Far,
    });
    distances.max().unwrap_or(Distance::Near)
}
