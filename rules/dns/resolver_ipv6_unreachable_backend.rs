//! IPv6 addresses that are asked for where nothing else is IPv6.

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, HostAddress, HostNameKind, Model, NameServerKind, Target, kind_of_host_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-ipv6-unreachable-backend",
    group: Group::Dns,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("resolver_ipv6_unreachable_backend.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.directives_named(&["resolver"]).next().is_none() || has_ipv6(model) {
        return;
    }
    for (resolver, scope) in model.scopes_of_resolvers() {
        let directive = resolver.directive;
        let containers = resolver.has(NameServerKind::Docker) || resolver.has(NameServerKind::Podman);
        // Who asks for nothing else has IPv6.
        let only_ipv6 = directive.has_flag("ipv4=off");
        if !resolver.asks_for_ipv6() || only_ipv6 || containers {
            continue;
        }
        let Some((user, name)) = scope.users.iter().find_map(|user| Some((*user, name_of_internet(*user)?))) else {
            continue;
        };
        let finding = findings.add(
            directive.place(),
            format!("IPv6 addresses of \"{name}\" are asked for too, though nothing here listens on IPv6"),
        );
        finding.note(
            "when the name has one and this machine has no way to it, about half of the first attempts fail, for \
             every request anew: connect() to [...] failed; the next address is tried, unless proxy_next_upstream is off",
        );
        finding.help("if this machine has no IPv6 to the outside, add ipv6=off");
        finding.label(user.place_of_argument(0), "looked up while nginx runs");
        let mut end = directive.terminator();
        end.span.end = end.span.start;
        finding.fix(false, "do not ask for IPv6 addresses", vec![Edit::replace(end, " ipv6=off")]);
    }
}

/// Whether something listens on an IPv6 address, or may do so out of sight.
fn has_ipv6(model: &Model<'_>) -> bool {
    [Family::Http, Family::Stream].into_iter().any(|family| {
        !model.is_whole(family)
            || model.listeners(family).any(|listener| matches!(listener.socket().host, HostAddress::Ipv6(_)))
    })
}

/// A name of the internet that a target has looked up for each request. A
/// server of a group is remembered when it fails.
fn name_of_internet(directive: Directive<'_>) -> Option<String> {
    let names = Target::of(directive)?.names_looked_up();
    names.into_iter().find(|name| matches!(kind_of_host_name(name), HostNameKind::Cloud | HostNameKind::Public))
}
