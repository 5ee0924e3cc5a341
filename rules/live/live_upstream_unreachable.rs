//! A server behind nginx that no connection gets to.

use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{ListeningSocket, Outcome, Signature};
use crate::model::{DEFAULT_TIMEOUT, Failure, FailureKind, Host, Model, time_in_force, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-upstream-unreachable",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_connect_timeout"],
    equivalents: &[],
    page: include_str!("live_upstream_unreachable.md"),
    check: Check::Configuration(check),
};

/// So many other lines that lead to the same address are labelled.
const LINES: usize = 3;

/// In which way no connection gets there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Nobody answers, and nginx gives up.
    Silent,
    /// Nobody answers, and the system gives up before nginx.
    SilentForKernel,
    NoHost,
    NoNetwork,
    NoIpv6Socket,
    NoIpv6Address,
    BrokenOff,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    for failure in model.failures().iter().filter(|failure| failure.kind == FailureKind::Unreachable) {
        say(model, failure, findings);
    }
}

fn say(model: &Model<'_>, failure: &Failure<'_>, findings: &mut Findings) {
    let Some(way) = way(failure) else { return };
    let is_now = !failure.now.is_empty();
    let queue = full_queue(model, failure);
    let message = match queue {
        Some(socket) => with_full_queue(failure, socket),
        None if is_now => message_now(failure, way),
        None => message_then(failure, way),
    };
    let finding = findings.add(failure.place(), message);
    if failure.is_spared || !is_now {
        finding.severity(Severity::Warning);
    }
    finding.note(note(failure, way, queue.is_some()));
    finding.help(help(failure, way, queue));
    if matches!(way, Way::Silent | Way::SilentForKernel) {
        label_timeout(failure, finding);
    }
    for line in failure.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

fn way(failure: &Failure<'_>) -> Option<Way> {
    let now = failure.now.iter().filter_map(|(_, connection)| match connection.outcome {
        Outcome::TimedOut if waits_longer_than_kernel(failure) => Some(Way::SilentForKernel),
        Outcome::TimedOut => Some(Way::Silent),
        Outcome::HostUnreachable => Some(Way::NoHost),
        Outcome::NetworkUnreachable => Some(Way::NoNetwork),
        Outcome::NotSupported => Some(Way::NoIpv6Socket),
        Outcome::NoLocalAddress => Some(Way::NoIpv6Address),
        Outcome::Reset => Some(Way::BrokenOff),
        _ => None,
    });
    let then = failure.most_seen().and_then(|seen| match seen.signature {
        Signature::ConnectTimedOut => Some(Way::Silent),
        Signature::ConnectKernelTimeout => Some(Way::SilentForKernel),
        Signature::HostUnreachable => Some(Way::NoHost),
        Signature::NetworkUnreachable => Some(Way::NoNetwork),
        Signature::AddressFamilyNotSupported => Some(Way::NoIpv6Socket),
        Signature::NoLocalAddress => Some(Way::NoIpv6Address),
        _ => None,
    });
    now.min().or(then)
}

/// So long Linux waits for an answer to the first packet of a connection and
/// to the six that repeat it.
const LONGEST_TRY: u64 = 127_000;

fn waits_longer_than_kernel(failure: &Failure<'_>) -> bool {
    timeout(failure).is_some_and(|time| time > LONGEST_TRY)
}

/// How long nginx waits for a connection.
fn timeout(failure: &Failure<'_>) -> Option<u64> {
    failure.users().first().and_then(|target| time_in_force(target.effective("connect_timeout"), DEFAULT_TIMEOUT))
}

/// The program of this machine that listens there, where its queue is full.
fn full_queue<'m>(model: &'m Model<'_>, failure: &Failure<'_>) -> Option<&'m ListeningSocket> {
    let timed_out = failure.now.iter().filter(|(_, connection)| connection.outcome == Outcome::TimedOut);
    let mut listeners = timed_out.filter_map(|(address, _)| model.facts()?.listener_at(address));
    listeners.find(|socket| socket.waiting.zip(socket.backlog).is_some_and(|(waiting, backlog)| waiting > backlog))
}

fn with_full_queue(failure: &Failure<'_>, socket: &ListeningSocket) -> String {
    let program = socket.process.as_deref().unwrap_or("the program");
    let (waiting, backlog) = (socket.waiting.unwrap_or_default(), socket.backlog.unwrap_or_default());
    let addresses = failure.addresses().join(" and ");
    format!("{program} listens on {addresses} and takes no connections: {waiting} wait in its queue of {backlog}")
}

fn message_now(failure: &Failure<'_>, way: Way) -> String {
    let (addresses, of) = (failure.addresses().join(" and "), of_name(failure));
    match way {
        Way::Silent | Way::SilentForKernel => {
            let waited = failure.now.iter().map(|(_, connection)| connection.milliseconds).max().unwrap_or_default();
            let waited = if waited == 0 { String::new() } else { format!(" within {}", time_in_words(waited)) };
            format!("{addresses}{of} does not answer to a connection{waited}")
        }
        Way::NoHost => format!("no route to {addresses}{of}: its machine is off, or a firewall says so"),
        Way::NoNetwork => format!("this machine has no route to the network of {addresses}{of}"),
        Way::NoIpv6Socket | Way::NoIpv6Address => {
            format!("this machine has no IPv6, and {addresses}{of} is an address of it")
        }
        Way::BrokenOff => format!("{addresses}{of} breaks off connections as soon as they are made"),
    }
}

fn message_then(failure: &Failure<'_>, way: Way) -> String {
    let addresses = match failure.addresses()[..] {
        [] => "the server behind nginx".to_owned(),
        ref addresses => addresses.join(" and "),
    };
    let is_back = failure.reached.as_ref().is_some_and(|reached| reached.all_are(Outcome::Connected));
    let now = if is_back { ", and takes them now" } else { "" };
    match way {
        Way::Silent | Way::SilentForKernel => format!("{addresses} did not answer to connections{now}"),
        Way::NoHost => format!("there was no route to {addresses}: its machine was off, or a firewall said so"),
        Way::NoNetwork => format!("there was no route to the network of {addresses}"),
        Way::NoIpv6Socket | Way::NoIpv6Address => format!("there was no IPv6 to connect to {addresses} with"),
        Way::BrokenOff => format!("{addresses} broke off connections"),
    }
}

/// Which name the addresses are of.
fn of_name(failure: &Failure<'_>) -> String {
    match (failure.endpoint().map(|endpoint| endpoint.host), &failure.reached) {
        (Some(Host::Name(name)), Some(reached)) if reached.connections.len() > failure.now.len() => {
            format!(" (of the {} addresses of {name})", reached.connections.len())
        }
        (Some(Host::Name(name)), _) => format!(" ({name})"),
        _ => String::new(),
    }
}

fn note(failure: &Failure<'_>, way: Way, is_queue_full: bool) -> String {
    let waited = timeout(failure).map_or_else(String::new, |time| format!(" {}", time_in_words(time)));
    let (why, status, logged) = match way {
        Way::Silent if is_queue_full => (
            "the system does not answer for a program whose queue is full: ",
            "504",
            "\"upstream timed out (110: Connection timed out) while connecting to upstream\"",
        ),
        Way::Silent => (
            "its packets are dropped, or its machine is off: ",
            "504",
            "\"upstream timed out (110: Connection timed out) while connecting to upstream\"",
        ),
        Way::SilentForKernel => (
            "its packets are dropped, or its machine is off, and the system gives up after about 2 minutes, before nginx does: ",
            "502",
            "\"connect() failed (110: Connection timed out)\"",
        ),
        Way::NoHost => ("", "502", "\"connect() failed (113: No route to host)\""),
        Way::NoNetwork => ("", "502", "\"connect() failed (101: Network is unreachable)\""),
        Way::NoIpv6Socket => ("", "500", "\"socket() failed (97: Address family not supported by protocol)\""),
        Way::NoIpv6Address => ("", "502", "\"connect() failed (99: Cannot assign requested address)\""),
        Way::BrokenOff => ("", "502", "\"Connection reset by peer\""),
    };
    if failure.is_spared {
        let go_on = match way {
            Way::Silent => format!("requests that try it wait{waited} and go on to others that answer"),
            Way::SilentForKernel => "requests that try it wait and go on to others that answer".to_owned(),
            _ => "requests go on at once to others that answer".to_owned(),
        };
        return format!("{why}{go_on}; the error log has {logged}");
    }
    let after = if way == Way::Silent { format!(" after{waited}") } else { String::new() };
    let each = match failure.is_of_stream() {
        true => format!("each connection passed there is closed{after}"),
        false => format!("each request passed there gets {status}{after}"),
    };
    let unless = match way {
        Way::NoIpv6Socket => " and goes on to no other server",
        _ if failure.now.is_empty() && failure.has_alternatives() => ", unless another server takes it",
        _ => "",
    };
    format!("{why}{each}{unless}; the error log has {logged}")
}

fn help(failure: &Failure<'_>, way: Way, queue: Option<&ListeningSocket>) -> String {
    let address = failure.addresses().first().copied().unwrap_or_default().to_owned();
    let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match way {
        _ if queue.is_some() => "find out what the program is busy with: it has to take connections as fast as they come, with more workers or threads".to_owned(),
        Way::Silent | Way::SilentForKernel => format!("see that the machine is up and that every firewall on the way lets this one connect to port {port}: nc -vz {bare} {port}"),
        Way::NoHost => format!("see that {bare} is still the address, that its machine is up, and that its firewall lets this one in; ip route get {bare} shows the way"),
        Way::NoNetwork if host.starts_with('[') => format!("write an address of IPv4, or give this machine a route for IPv6: ip -6 route get {bare} fails"),
        Way::NoNetwork => format!("give this machine a route: ip route get {bare} fails"),
        Way::NoIpv6Socket | Way::NoIpv6Address => "write an address of IPv4, such as 127.0.0.1 for [::1]".to_owned(),
        Way::BrokenOff => "look for what stands between: a firewall, or a balancer that has no server left".to_owned(),
    }
}

/// The line that says how long clients wait.
fn label_timeout(failure: &Failure<'_>, finding: &mut Finding) {
    if let Some(directive) = failure.users().first().and_then(|target| target.effective("connect_timeout").directive())
    {
        finding.label(directive.place(), "so long nginx waits for a connection");
    }
}
