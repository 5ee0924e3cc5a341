//! HTTP to a port of a program that does not speak it.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Host, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "non-http-target-for-proxy-pass",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("non_http_target_for_proxy_pass.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

const TO_STREAM: &str = "pass it on in stream { } instead: server { listen …; proxy_pass …; }";
const TO_FASTCGI: &str = "write fastcgi_pass with the address alone, include fastcgi_params; and fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;";

/// Ports that everybody uses for one program, what speaks there, and what to
/// do about it.
const PORTS: [(u16, &str, &str); 10] = [
    (22, "SSH", TO_STREAM),
    (3306, "MySQL", TO_STREAM),
    (5432, "PostgreSQL", TO_STREAM),
    (6379, "Redis", TO_STREAM),
    (27017, "MongoDB", TO_STREAM),
    (5672, "AMQP", TO_STREAM),
    (9092, "Kafka", TO_STREAM),
    (11211, "memcached", "write memcached_pass, which asks memcached for a key"),
    (3031, "uWSGI", "write uwsgi_pass with the address alone, and include uwsgi_params;"),
    (9000, "FastCGI", TO_FASTCGI),
];

/// What the name of a host, or of a socket, tells of PHP.
const PHP: [&str; 2] = ["php", "fpm"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol == Protocol::Proxy) else { return };
    let found = target.possible_endpoints().into_iter().find_map(|endpoint| Some((endpoint, speaks(endpoint)?)));
    let is_guessed = |endpoint: Endpoint<'_>| endpoint.own_listeners().is_empty() && !endpoint.has_spoken();
    let Some((endpoint, (what, help))) = found.filter(|(endpoint, _)| is_guessed(*endpoint)) else {
        return;
    };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("HTTP requests are passed to {}, where {what} is spoken", endpoint.text),
    );
    finding.note(match what {
        "FastCGI" => "a FastCGI program ends the connection, and the client gets 502: upstream prematurely closed connection",
        _ => "it ends the connection, and the client gets 502; or its answer goes to the client as it is, with 009 in the access log",
    });
    finding.help(help);
    if endpoint.directive != directive {
        finding.label(endpoint.directive.place(), format!("the address of {what}"));
    }
}

/// What is spoken there, if it is no HTTP.
fn speaks(endpoint: Endpoint<'_>) -> Option<(&'static str, &'static str)> {
    let says_php = |name: &str| PHP.iter().any(|part| name.to_ascii_lowercase().contains(part));
    let is_php = match endpoint.host {
        Host::Unix(path) => says_php(path),
        Host::Name(name) => says_php(name),
        Host::Address(_) => false,
    };
    if let Host::Unix(_) = endpoint.host {
        return (is_php && endpoint.text.contains("fpm")).then_some(("FastCGI", TO_FASTCGI));
    }
    let port = endpoint.port.filter(|_| endpoint.has_port)?;
    let (_, what, help) = PORTS.iter().find(|(known, _, _)| *known == port)?;
    // Many programs speak HTTP at 9000.
    (port != 9000 || is_php).then_some((*what, *help))
}
