//! FastCGI, uwsgi, SCGI or memcached to a port of a web server.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "non-http-pass-to-http-port",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_pass"],
    equivalents: &[],
    page: include_str!("non_http_pass_to_http_port.md"),
    check: Check::Directives(&["fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass"], check),
};

/// Ports at which nothing but HTTP is spoken.
const HTTP_PORTS: [u16; 2] = [80, 443];

/// Ports of web servers that other programs are given, too.
const MOSTLY_HTTP_PORTS: [u16; 4] = [8080, 8000, 3000, 5000];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive) else { return };
    let endpoints = target.possible_endpoints();
    let Some((endpoint, port, is_sure)) = endpoints.iter().find_map(|endpoint| http_port(target.protocol, *endpoint))
    else {
        return;
    };
    let name = directive.name();
    let spoken = spoken(target.protocol);
    let usually = if is_sure { "which is for HTTP" } else { "which is mostly for HTTP" };
    let finding =
        findings.add(directive.place_of_argument(0), format!("{name} speaks {spoken} to port {port}, {usually}"));
    finding.note(match target.protocol {
        Protocol::Fastcgi => "a web server answers 400 in HTTP, and the client gets 502: upstream sent unsupported FastCGI protocol version: 72",
        Protocol::Memcached => "a web server answers in HTTP, and the client gets 502: memcached sent invalid response",
        _ => "a web server takes it for a broken request, and its 400 goes to the client",
    });
    let scheme = if port == 443 { "https" } else { "http" };
    finding.help(format!("write proxy_pass {scheme}://{}; if a web server is there", endpoint.text));
    if !is_sure {
        finding.severity(Severity::Info);
    }
    if endpoint.directive != directive {
        finding.label(endpoint.directive.place(), format!("port {port}"));
    }
}

/// The port, if it is one for HTTP, and whether it is for nothing else. What
/// a listener of the same configuration takes is known, and so is what somebody
/// has heard there.
fn http_port(protocol: Protocol, endpoint: Endpoint<'_>) -> Option<(Endpoint<'_>, u16, bool)> {
    let port = endpoint.port.filter(|_| endpoint.has_port)?;
    let is_sure = HTTP_PORTS.contains(&port);
    // Programs that speak uwsgi and SCGI are started at any port.
    let is_likely = matches!(protocol, Protocol::Fastcgi | Protocol::Memcached) && MOSTLY_HTTP_PORTS.contains(&port);
    let is_guessed = endpoint.own_listeners().is_empty() && !endpoint.has_spoken();
    ((is_sure || is_likely) && is_guessed).then_some((endpoint, port, is_sure))
}

fn spoken(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Fastcgi => "FastCGI",
        Protocol::Uwsgi => "uwsgi",
        Protocol::Scgi => "SCGI",
        _ => "memcached",
    }
}
