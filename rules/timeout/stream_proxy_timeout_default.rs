//! Sessions with databases and shells that are closed after ten quiet minutes.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, ListenOptions, Protocol, Target, split_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "stream-proxy-timeout-default",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/stream/ngx_stream_proxy_module.html#proxy_timeout"],
    equivalents: &[],
    page: include_str!("stream_proxy_timeout_default.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// Ports of protocols in which a session may be quiet for long.
const QUIET: [(u16, &str); 14] = [
    (22, "SSH"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (1883, "MQTT"),
    (3306, "MySQL"),
    (3389, "remote desktop"),
    (5432, "PostgreSQL"),
    (5671, "AMQP"),
    (5672, "AMQP"),
    (6379, "Redis"),
    (6432, "PostgreSQL"),
    (8883, "MQTT"),
    (9042, "Cassandra"),
    (27017, "MongoDB"),
];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol == Protocol::Stream) else { return };
    if !directive.is_read() || target.effective("timeout") != Effective::Default {
        return;
    }
    let server = target.block();
    if server.directives("listen").any(|listen| ListenOptions::of(listen).udp) {
        return;
    }
    let own_ports = server.directives("listen").filter_map(|listen| port_of_listen(listen.argument(0)?));
    let ports = target.endpoints().into_iter().filter_map(|endpoint| endpoint.port).chain(own_ports);
    let Some(what) = ports.filter_map(name_of_port).next() else { return };
    let finding = findings.add(
        directive.place(),
        format!("a {what} session that is quiet for 10 minutes is closed: proxy_timeout is not set"),
    );
    finding.note("both sides see a closed connection, and the error log says nothing of it; keepalive packets of TCP do not count");
    finding.help("write proxy_timeout 1h; or what the longest quiet time is, or let one side say something more often");
}

fn port_of_listen(address: &str) -> Option<u16> {
    match address.parse() {
        Ok(port) => Some(port),
        Err(_) => split_address(address).1?.parse().ok(),
    }
}

fn name_of_port(port: u16) -> Option<&'static str> {
    QUIET.iter().find(|(known, _)| *known == port).map(|(_, name)| *name)
}
