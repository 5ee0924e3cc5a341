//! An address that a container engine gives out, and gives to another
//! container later.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Host, Server, Target, parse_ipv4};

/// See the page.
pub const RULE: Rule = Rule {
    name: "hardcoded-container-ip",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("hardcoded_container_ip.md"),
    check: Check::Directives(
        &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "server"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(endpoint) = endpoint(directive) else { return };
    let Host::Address(address) = endpoint.host else { return };
    let is_default = match parse_ipv4(address) {
        // The first address of a network is the machine itself.
        Some([172, _, 0, 1]) => return,
        Some([172, 17, _, _]) => true,
        // The last of these networks is also that of a well known cloud.
        Some([172, 18..=30, _, _]) => false,
        _ => return,
    };
    let whose = if is_default {
        "is in the network Docker gives to containers"
    } else {
        "is in a network Docker may give to containers"
    };
    let finding =
        findings.add(directive.place_of_argument(0), format!("{address} {whose}: it changes when they are made anew"));
    finding.note("the container gets another address, or another container gets this one: requests get 502 (111: Connection refused, 113: No route to host), 504, or the answers of a stranger");
    finding.help("publish the port on the host and write 127.0.0.1:PORT, or put nginx in the same network and write the name of the service");
    if !is_default {
        finding.severity(Severity::Info);
    }
}

fn endpoint(directive: Directive<'_>) -> Option<Endpoint<'_>> {
    if directive.name() != "server" {
        return Target::of(directive)?.own_endpoint();
    }
    let in_group = directive.parent().is(Context::Upstream) || directive.parent().is(Context::StreamUpstream);
    Server { directive }.endpoint().filter(|_| in_group)
}
