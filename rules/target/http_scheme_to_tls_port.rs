//! Plain HTTP to a port that speaks TLS.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "http-scheme-to-tls-port",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("http_scheme_to_tls_port.md"),
    check: Check::Directives(&["proxy_pass", "grpc_pass"], check),
};

/// Ports at which everybody speaks TLS: HTTPS, and the API of Kubernetes. At
/// 8443 and 9443 many programs speak plain HTTP.
const TLS_PORTS: [u16; 2] = [443, 6443];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol != Protocol::Stream) else { return };
    if target.uses_tls() != Some(false) {
        return;
    }
    let endpoints = target.possible_endpoints();
    let speaks_tls = |endpoint: &&Endpoint<'_>| endpoint.port.is_some_and(|port| TLS_PORTS.contains(&port));
    // What a listener of the same configuration takes is known, and so is what
    // somebody has heard there.
    let is_guessed = |endpoint: &&Endpoint<'_>| endpoint.own_listeners().is_empty() && !endpoint.has_spoken();
    let Some(wrong) = endpoints.iter().filter(speaks_tls).find(is_guessed) else {
        return;
    };
    let Some(port) = wrong.port else { return };
    let with_tls = if target.protocol == Protocol::Grpc { "grpcs://" } else { "https://" };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("requests go without TLS to port {port}, which is for TLS: {} {}", directive.name(), target.text),
    );
    finding.note("a server that expects TLS answers 400, such as \"The plain HTTP request was sent to HTTPS port\", or resets the connection, and the client gets 502");
    finding.help(format!(
        "write {with_tls}, and {}_ssl_server_name on; if the server has certificates for several names",
        target.protocol.prefix()
    ));
    if wrong.directive != directive {
        finding.label(wrong.directive.place(), format!("port {port}"));
    }
    if endpoints.iter().all(|endpoint| speaks_tls(&endpoint))
        && let Some(scheme) = target.editable_scheme()
    {
        finding.fix(false, format!("write {with_tls}"), vec![Edit::replace(scheme, with_tls)]);
    }
}
