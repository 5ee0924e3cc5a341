//! The name server of Docker networks, where nothing says that this is one.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, NameServerKind, Resolver};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-docker-dns-outside-docker",
    group: Group::Dns,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("resolver_docker_dns_outside_docker.md"),
    check: Check::Directives(&["resolver"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.model().surroundings().container {
        return;
    }
    let Some(resolver) = Resolver::of(directive) else { return };
    let Some(server) = resolver.name_servers().find(|server| server.kind == NameServerKind::Docker) else { return };
    findings
        .add(
            directive.place_of_argument(server.index),
            "127.0.0.11 answers only in a container on a Docker network of its own",
        )
        .note(
            "on the host and on Docker's default network nothing listens there: after resolver_timeout requests \
             get 502, could not be resolved (110: Operation timed out)",
        )
        .help("if nginx runs in such a container, say so in nginx-lint.toml: [surroundings] container = true");
}
