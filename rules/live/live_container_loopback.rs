//! A loopback address in a container: the container itself.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Failure, FailureKind, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-container-loopback",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("live_container_loopback.md"),
    check: Check::Configuration(check),
};

/// So many other lines that lead to the same address are labelled.
const LINES: usize = 3;

fn check(model: &Model<'_>, findings: &mut Findings) {
    for failure in model.failures().iter().filter(|failure| failure.kind == FailureKind::OwnLoopback) {
        say(model, failure, findings);
    }
}

fn say(model: &Model<'_>, failure: &Failure<'_>, findings: &mut Findings) {
    let addresses = failure.addresses().join(" and ");
    let is_now = !failure.now.is_empty();
    let mut message = if is_now {
        format!("nothing listens on {addresses} in this container")
    } else {
        format!("{addresses} in this container refused connections")
    };
    let instead = failure.endpoint().map(|endpoint| model.listening_instead(endpoint)).unwrap_or_default();
    for socket in &instead {
        let program = socket.process.as_deref().unwrap_or("something");
        message.push_str(&format!("; {program} listens on {}", socket.address));
    }
    let finding = findings.add(failure.place(), message);
    if failure.is_spared || !is_now {
        finding.severity(Severity::Warning);
    }
    let outcome =
        if failure.is_of_stream() { "connections passed there are closed" } else { "requests passed there get 502" };
    finding.note(format!("in a container the loopback address is the container's own: a program on the machine around it, or in another container, is not there; {outcome}, \"connect() failed (111: Connection refused)\""));
    let port = failure.endpoint().and_then(|endpoint| endpoint.port).map(|port| format!(":{port}")).unwrap_or_default();
    finding.help(match instead.first().and_then(|socket| socket.address.rsplit_once(':')) {
        Some((_, own)) => format!("if that program is the one, write port {own}; one in another container is reached by that container's name, such as app{port}"),
        None => format!("write the name of the container where the program runs, such as app{port}, on a network that both are in; the machine around it is host.docker.internal{port}, with docker run --add-host host.docker.internal:host-gateway"),
    });
    for line in failure.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    failure.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}
