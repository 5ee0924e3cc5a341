//! A name server that is given by its name.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, Host, HostNameKind, Resolver, is_cluster_service, is_placeholder_name, kind_of_host_name,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-is-a-hostname",
    group: Group::Dns,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("resolver_is_a_hostname.md"),
    check: Check::Directives(&["resolver"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(resolver) = Resolver::of(directive) else { return };
    for server in resolver.name_servers() {
        let Host::Name(name) = server.host else { continue };
        if name == "off" {
            report_off(directive, server.index, findings);
        } else if is_name(name) {
            report_name(directive, server.index, name, findings);
        }
    }
}

/// In `mail {}` it is a word of its own.
fn report_off(directive: Directive<'_>, index: usize, findings: &mut Findings) {
    let is_mail = directive.taken_in() == Some(Family::Mail);
    if is_mail {
        return;
    }
    let finding = findings.add(
        directive.place_of_argument(index),
        "a resolver cannot be switched off: \"off\" is taken for the name of a name server",
    );
    finding.note("unless DNS knows a host \"off\", nginx does not start: host not found in resolver \"off\"");
    finding.help("leave the directive out");
}

fn report_name(directive: Directive<'_>, index: usize, name: &str, findings: &mut Findings) {
    let finding = findings.add(
        directive.place_of_argument(index),
        format!("the name server \"{name}\" is itself a name, which is looked up once, when nginx starts"),
    );
    finding.note(format!(
        "while it cannot be looked up nginx does not start: host not found in resolver \"{name}\"; \
         when its address changes, nothing is resolved until nginx is reloaded"
    ));
    finding.help("write its address");
    // The hosts file has the one, and the other keeps its address as long as
    // the cluster runs.
    if kind_of_host_name(name) == HostNameKind::Localhost || is_cluster_service(name) {
        finding.severity(Severity::Info);
    }
}

/// Other words are filled in by a tool, or are no names for other reasons.
fn is_name(text: &str) -> bool {
    !is_placeholder_name(text)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}
