//! A name server of the internet that is asked for a name of a private
//! network.

use crate::engine::{Check, Equivalent, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, HostNameKind, NameServerKind, PASS_AND_SERVER_NAMES, Resolver, is_of_hosts_file, kind_of_host_name,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-public-dns-for-internal-names",
    group: Group::Dns,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[Equivalent { tool: "gixy", name: "resolver_external" }],
    page: include_str!("resolver_public_dns_for_internal_names.md"),
    check: Check::Directives(&PASS_AND_SERVER_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(name) = directive.names_looked_up().into_iter().find(|name| is_internal(name)) else { return };
    let Some(resolver) = Resolver::in_force(directive.parent()) else {
        return;
    };
    let Some(server) = resolver.name_servers().find(|server| server.kind == NameServerKind::Open) else { return };
    let address = resolver.directive.argument(server.index).unwrap_or_default();
    let is_alone = resolver.name_servers().all(|server| server.kind == NameServerKind::Open);
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("\"{name}\" is asked of {address}, which knows no names of a private network"),
    );
    let when = if is_alone { "each time" } else { "whenever it is that one's turn" };
    finding.note(format!("the answer is that there is no such name, and requests get 502 {when}: {name} could not be resolved (3: Host not found)"));
    finding.help("name a server that knows it: that of the network, 127.0.0.11 in a Docker network, 127.0.0.53 with systemd-resolved");
    finding.label(resolver.directive.place_of_argument(server.index), "open to everybody");
}

/// Names of the hosts file are another rule's affair.
fn is_internal(name: &str) -> bool {
    let kind = kind_of_host_name(name);
    matches!(kind, HostNameKind::SingleLabel | HostNameKind::Internal) && !is_of_hosts_file(name)
}
