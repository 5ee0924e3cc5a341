//! A short name that a resolver is asked for as it is.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, HostNameKind, NameServerKind, PASS_AND_SERVER_NAMES, Resolver, is_cluster_service, kind_of_host_name,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-ignores-search-domains",
    group: Group::Dns,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("resolver_ignores_search_domains.md"),
    check: Check::Directives(&PASS_AND_SERVER_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(name) = directive.names_looked_up().into_iter().find(|name| is_short(name)) else { return };
    let Some(resolver) = Resolver::in_force(directive.parent()) else {
        return;
    };
    // Those of container networks know short names; those that are open to
    // everybody know no internal name at all, which another rule says.
    let knows = [NameServerKind::Docker, NameServerKind::Podman, NameServerKind::Open];
    if knows.into_iter().any(|kind| resolver.has(kind)) {
        return;
    }
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the resolver is asked for \"{name}\" as it is, without the search domains of /etc/resolv.conf"),
    );
    finding.note(format!(
        "a name server that only has longer names gives none, and nginx answers 502: \
         {name} could not be resolved (3: Host not found)"
    ));
    finding.help(if is_cluster_service(&name) {
        format!("write the whole name: {name}.cluster.local")
    } else {
        format!("write the whole name, such as {name}.default.svc.cluster.local in Kubernetes")
    });
    finding.label(resolver.directive.place(), "asked here");
    // One on this machine may be there for short names.
    if resolver.has(NameServerKind::Local) || resolver.has(NameServerKind::Resolved) {
        finding.severity(Severity::Info);
    }
}

/// Whether only a search domain makes the name whole.
fn is_short(name: &str) -> bool {
    let is_whole = name.ends_with('.');
    let kind = kind_of_host_name(name);
    !is_whole && (kind == HostNameKind::SingleLabel || name.to_ascii_lowercase().ends_with(".svc"))
}
