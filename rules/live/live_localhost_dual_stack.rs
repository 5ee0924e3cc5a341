//! `localhost` of which one address answers, and one does not.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Outcome;
use crate::model::{Directive, Failure, FailureKind, Model, Place};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-localhost-dual-stack",
    group: Group::Live,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("live_localhost_dual_stack.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for failure in model.failures().iter().filter(|failure| failure.kind == FailureKind::HalfOfLocalhost) {
        if failure.now.is_empty() { say_then(failure, findings) } else { say_now(failure, findings) }
    }
}

fn say_now(failure: &Failure<'_>, findings: &mut Findings) {
    let Some(reached) = &failure.reached else { return };
    let answering = reached.with(Outcome::Connected).join(" and ");
    let failing = failure.addresses().join(" and ");
    let message = format!("\"localhost\" is two servers to nginx: {answering} takes connections, {failing} does not");
    let finding = findings.add(place(failure), message);
    if !failure.is_spared {
        finding.severity(Severity::Error);
    }
    let gives_up = failure.now.iter().any(|(_, connection)| connection.outcome == Outcome::NotSupported);
    finding.note(match (gives_up, failure.is_spared) {
        (true, _) => "nginx takes them in turn, and gives up a request for which it gets no socket: it gets 500, \"socket() failed (97: Address family not supported by protocol)\"",
        (false, false) => "nginx takes them in turn, and requests here do not go on to the other one: whenever that address is tried again, each 10s by default, one gets 502, and connect() failed is in the error log",
        (false, true) => "nginx takes them in turn: connect() failed is in the error log and the request goes on to the other one; when the program restarts both count as failed, and requests get 502 until fail_timeout is over",
    });
    let hosts = reached.with(Outcome::Connected).into_iter().filter_map(|address| address.rsplit_once(':'));
    if let Some((host, _)) = hosts.into_iter().next() {
        finding.help(format!("write {host}, which answers; or let the program listen on both"));
        let mut edits: Vec<Edit> = Vec::new();
        for edit in failure.lines.iter().filter_map(|line| write_host(*line, host)) {
            // A file that comes in twice has the line once.
            if !edits.contains(&edit) {
                edits.push(edit);
            }
        }
        if !edits.is_empty() {
            finding.fix(false, format!("write {host}"), edits);
        }
    }
    for line in failure.lines.iter().skip(1).take(3) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

/// Of what the log has where nobody looked.
fn say_then(failure: &Failure<'_>, findings: &mut Findings) {
    let failing = failure.addresses().join(" and ");
    let message = format!("\"localhost\" is two servers to nginx, and one of them, {failing}, took no connections");
    let finding = findings.add(place(failure), message);
    finding.note("nginx takes them in turn: connect() failed is in the error log and the request goes on to the other one; when the program restarts both count as failed, and requests get 502 until fail_timeout is over");
    let other = if failing.starts_with('[') { "127.0.0.1" } else { "[::1]" };
    finding.help(format!("write {other}, if that is where the program listens (ss -ltn shows it)"));
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

fn place(failure: &Failure<'_>) -> Place {
    let line = failure.lines.first().copied();
    match line.and_then(|line| Some((line, start_of_host(line)?))) {
        Some((line, start)) => line.place_in_argument(0, start..start + "localhost".len()),
        None => failure.place(),
    }
}

fn start_of_host(line: Directive<'_>) -> Option<usize> {
    line.argument(0)?.to_ascii_lowercase().find("localhost")
}

fn write_host(line: Directive<'_>, host: &str) -> Option<Edit> {
    let start = start_of_host(line)?;
    let mut location = line.editable_argument(0)?;
    location.span.end = location.span.start + (start + "localhost".len()) as u32;
    location.span.start += start as u32;
    Some(Edit::replace(location, host))
}
