//! A resolver that nothing asks, beside names that are looked up once.

use std::cell::OnceCell;

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Endpoint, Host, Kind, Model, Server, Target, is_of_hosts_file};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-has-no-effect-on-static",
    group: Group::Dns,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve",
    ],
    equivalents: &[],
    page: include_str!("resolver_has_no_effect_on_static.md"),
    check: Check::Configuration(check),
};

/// What else asks a resolver, in modules of nginx.
const USERS: [&str; 3] = ["ssl_stapling", "ssl_ocsp", "acme_issuer"];

/// What the names of directives of modules contain that can ask a resolver.
const MODULES_OF_USERS: [&str; 6] = ["js_", "_by_lua", "lua_", "acme_", "auth_jwt", "oidc_"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.directives_named(&["resolver"]).next().is_none() {
        return;
    }
    // Asked last, as it costs most, and once.
    let other_users = OnceCell::new();
    for (resolver, scope) in model.scopes_of_resolvers() {
        let directive = resolver.directive;
        if !family_of(directive).is_some_and(|family| model.is_whole(family)) {
            continue;
        }
        let Some((user, name)) = scope.resolved_once.iter().find_map(|user| Some((*user, changing_name(*user)?)))
        else {
            continue;
        };
        if !scope.users.is_empty() || *other_users.get_or_init(|| has_other_users(model)) {
            continue;
        }
        let finding = findings.add(directive.place(), format!("nothing asks this resolver, not even for \"{name}\""));
        finding.note(
            "names in targets without variables, and in servers of groups without \"resolve\", are looked up \
             once, by the system, when nginx starts; a resolver changes nothing about that",
        );
        finding.help(format!(
            "to follow the addresses of {name}, write: server {name} resolve; in a group with a zone (nginx 1.27.3 \
             or later), or put the name into a variable; or leave the resolver out"
        ));
        finding.label(user.place_of_argument(0), "looked up once");
    }
}

fn family_of(directive: Directive<'_>) -> Option<Family> {
    let Kind::Directives(context) = directive.parent().kind() else { return None };
    matches!(context.family(), Family::Http | Family::Stream).then(|| context.family())
}

/// The name in a target or server, if its address may change.
fn changing_name(directive: Directive<'_>) -> Option<&str> {
    let endpoint: Option<Endpoint<'_>> = match Target::of(directive) {
        Some(target) => target.own_endpoint(),
        None => Server { directive }.endpoint(),
    };
    match endpoint?.host {
        Host::Name(name) => (!is_of_hosts_file(name)).then_some(name),
        Host::Address(_) | Host::Unix(_) => None,
    }
}

fn has_other_users(model: &Model<'_>) -> bool {
    model.directives_named(&USERS).any(|directive| directive.argument(0) != Some("off"))
        || [Family::Http, Family::Stream].into_iter().any(|family| model.unknown_directives(family).next().is_some())
        || model.blocks().flat_map(|block| block.directives_by_name()).any(|directive| {
            let name = directive.name();
            MODULES_OF_USERS.iter().any(|part| name.contains(part))
        })
}
