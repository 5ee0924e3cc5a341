//! A socket in a directory that services often have for themselves.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Host, Server, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unix-socket-in-tmp",
    group: Group::Target,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("unix_socket_in_tmp.md"),
    check: Check::Directives(
        &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "server"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.model().surroundings().container {
        return;
    }
    let Some(endpoint) = endpoint(directive) else { return };
    let Host::Unix(path) = endpoint.host else { return };
    let Some(place) = ["/tmp/", "/var/tmp/"].iter().find(|place| path.starts_with(**place)) else { return };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the socket {path} is in {place}, of which a service often has one of its own"),
    );
    finding.note("where systemd starts nginx with PrivateTmp=true, nginx sees another, empty directory: requests get 502 (2: No such file or directory) although the socket is there");
    finding.help("put the socket below /run, in a directory that both users may enter");
}

fn endpoint(directive: Directive<'_>) -> Option<Endpoint<'_>> {
    if directive.name() != "server" {
        return Target::of(directive)?.own_endpoint();
    }
    let in_group = directive.parent().is(Context::Upstream) || directive.parent().is(Context::StreamUpstream);
    Server { directive }.endpoint().filter(|_| in_group)
}
