//! A server of a group without a port, which then is 80.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Endpoint, Host, Protocol, Server, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-server-missing-port",
    group: Group::Upstream,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("upstream_server_missing_port.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let servers: Vec<(Server<'_>, Endpoint<'_>)> = upstream.servers().filter_map(without_port).collect();
    // What another module chooses may not be what is written.
    if servers.is_empty() || !upstream.is_run_by_nginx() {
        return;
    }
    let users: Vec<Target<'_>> = block.model().targets_of(upstream).collect();
    match users.iter().find(|target| needs_another_port(**target)) {
        Some(target) => {
            let all_use_tls = users.iter().all(|target| target.uses_tls() == Some(true));
            for (server, endpoint) in servers {
                report_wrong(*target, server, endpoint, all_use_tls, findings);
            }
        }
        None => report_odd(upstream, &servers, findings),
    }
}

/// A server on port 80 for want of another; with `service=` DNS says the port.
fn without_port(server: Server<'_>) -> Option<(Server<'_>, Endpoint<'_>)> {
    let endpoint = server.endpoint()?;
    let has_none = !endpoint.has_port && !matches!(endpoint.host, Host::Unix(_)) && !server.is_down();
    (has_none && server.parameter("service").is_none()).then_some((server, endpoint))
}

/// Whether what is spoken is not for port 80.
fn needs_another_port(target: Target<'_>) -> bool {
    match target.protocol {
        Protocol::Proxy | Protocol::Grpc => target.uses_tls() == Some(true),
        Protocol::Fastcgi | Protocol::Uwsgi | Protocol::Scgi | Protocol::Memcached => true,
        Protocol::Stream => false,
    }
}

fn report_wrong(
    target: Target<'_>,
    server: Server<'_>,
    endpoint: Endpoint<'_>,
    all_use_tls: bool,
    findings: &mut Findings,
) {
    let host = endpoint.text;
    let (what, port) = match target.protocol {
        Protocol::Fastcgi => ("FastCGI", "9000"),
        Protocol::Uwsgi => ("uwsgi", "3031"),
        Protocol::Scgi => ("SCGI", "4000"),
        Protocol::Memcached => ("memcached", "11211"),
        Protocol::Proxy | Protocol::Grpc | Protocol::Stream => ("TLS", "443"),
    };
    let finding = findings.add(
        server.directive.place_of_argument(0),
        format!("\"{host}\" has no port: nginx speaks {what} to its port 80"),
    );
    finding.note("the default port of a server in a group is 80, whatever is spoken to it: requests get 502, connection refused or an answer that makes no sense");
    finding.help(format!("write the port: server {host}:{port};"));
    finding.label(target.directive.place(), format!("{what} is spoken here"));
    let is_web = matches!(target.protocol, Protocol::Proxy | Protocol::Grpc);
    if let Some(place) = server.directive.editable_argument(0).filter(|_| is_web && all_use_tls) {
        finding.fix(false, "use port 443", vec![Edit::replace(place, format!("{host}:443"))]);
    }
}

/// The others have ports: it may have been forgotten.
fn report_odd(upstream: Upstream<'_>, servers: &[(Server<'_>, Endpoint<'_>)], findings: &mut Findings) {
    let Some(other) = upstream.endpoints().find(|endpoint| endpoint.port.is_some_and(|port| port != 80)) else {
        return;
    };
    for (server, endpoint) in servers {
        let finding = findings.add(
            server.directive.place_of_argument(0),
            format!("\"{}\" has no port: nginx asks its port 80, unlike \"{}\"", endpoint.text, other.text),
        );
        finding.note("the default port of a server in a group is 80: where nothing listens there, requests get 502 or go to the others");
        finding.help(format!("write the port, even if it is 80: server {}:80;", endpoint.text));
        finding.label(other.directive.place_of_argument(0), "a port");
        finding.severity(Severity::Info);
    }
}
