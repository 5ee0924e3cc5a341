//! TLS to a port that speaks plain HTTP.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "https-scheme-to-plain-port",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("https_scheme_to_plain_port.md"),
    check: Check::Directives(&["proxy_pass", "grpc_pass"], check),
};

/// The port at which everybody speaks plain HTTP. At others, such as 8080,
/// some programs speak TLS.
const PLAIN_PORT: u16 = 80;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol != Protocol::Stream) else { return };
    if target.uses_tls() != Some(true) {
        return;
    }
    let endpoints = target.possible_endpoints();
    // A server of a group without a port is another mistake.
    let is_plain = |endpoint: &&Endpoint<'_>| endpoint.has_port && endpoint.port == Some(PLAIN_PORT);
    // What a listener of the same configuration takes is known, and so is what
    // somebody has heard there.
    let is_guessed = |endpoint: &&Endpoint<'_>| endpoint.own_listeners().is_empty() && !endpoint.has_spoken();
    let Some(wrong) = endpoints.iter().filter(is_plain).find(is_guessed) else {
        return;
    };
    let plain = if target.protocol == Protocol::Grpc { "grpc://" } else { "http://" };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!(
            "requests go with TLS to port {PLAIN_PORT}, which is for plain HTTP: {} {}",
            directive.name(),
            target.text
        ),
    );
    finding.note("the handshake fails and the client gets 502, in the log \"wrong version number\"; when the server waits for more, 504 after the connect timeout");
    finding.help(format!("write {plain}, or the port at which the server speaks TLS, such as 443"));
    if wrong.directive != directive {
        finding.label(wrong.directive.place(), format!("port {PLAIN_PORT}"));
    }
    if endpoints.iter().all(|endpoint| is_plain(&endpoint))
        && let Some(scheme) = target.editable_scheme()
    {
        finding.fix(false, format!("write {plain}"), vec![Edit::replace(scheme, plain)]);
    }
}
