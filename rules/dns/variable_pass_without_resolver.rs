//! A target that is looked up for each request, without a resolver to ask.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, Effective, Host, PASS_NAMES, Protocol, Target, Template, Values, split_address, split_target,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "variable-pass-without-resolver",
    group: Group::Dns,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver",
    ],
    equivalents: &[],
    page: include_str!("variable_pass_without_resolver.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

/// What a target needs.
enum Need {
    Nothing,
    /// This name is asked for.
    Name(String),
    /// Only the request knows the host.
    Unknown,
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    if directive.parent().effective("resolver") != Effective::Default {
        return;
    }
    match need(target) {
        Need::Nothing => {}
        Need::Name(name) => known_name(target, &name, findings),
        Need::Unknown => unknown_name(target, findings),
    }
}

fn known_name(target: Target<'_>, name: &str, findings: &mut Findings) {
    let directive = target.directive;
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the name \"{name}\" is looked up for each request, but no resolver is set"),
    );
    finding.note(format!(
        "nginx starts, and {} each time: no resolver defined to resolve {name}",
        target.protocol.failure()
    ));
    finding.help("add a resolver, such as: resolver 127.0.0.53; or write the target without variables");
}

fn unknown_name(target: Target<'_>, findings: &mut Findings) {
    let directive = target.directive;
    let written = &target.text[target.parts().address];
    let variables: Vec<String> = Template::parse(written).variables().take(1).map(|name| format!("${name}")).collect();
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the target depends on {}, but no resolver is set to look up a host name", variables.concat()),
    );
    finding.note(format!(
        "when it is a name that is not an upstream group, nginx {}: no resolver defined to resolve it",
        target.protocol.failure()
    ));
    finding.help("add a resolver, such as: resolver 127.0.0.53;");
    finding.severity(Severity::Warning);
}

fn need(target: Target<'_>) -> Need {
    let model = target.directive.model();
    let values = model.values(target.protocol.family(), target.text);
    let mut unknown = false;
    for text in values.iter() {
        match need_of(target, text) {
            Need::Name(name) => return Need::Name(name),
            Need::Unknown => unknown = true,
            Need::Nothing => {}
        }
    }
    if unknown || values.incomplete { Need::Unknown } else { Need::Nothing }
}

fn need_of(target: Target<'_>, text: &str) -> Need {
    let parts = split_target(target.protocol, text);
    let address = &text[parts.address];
    let (Host::Name(name), port) = split_address(address) else { return Need::Nothing };
    if !Values::is_known(address) {
        return Need::Unknown;
    }
    // An empty value is an "invalid URL prefix", another mistake.
    if name.is_empty() || (target.protocol == Protocol::Proxy && parts.scheme.is_empty()) {
        return Need::Nothing;
    }
    // A group with a port is another mistake, with a rule of its own, and so
    // is a group of stream that http names, or the other way round.
    let model = target.directive.model();
    let family = target.protocol.family();
    let other = if family == Family::Stream { Family::Http } else { Family::Stream };
    let is_group = model.upstream(family, name).is_some() || (port.is_none() && model.upstream(other, name).is_some());
    if is_group || model.is_resolved_at_start(target.protocol, text) {
        Need::Nothing
    } else {
        Need::Name(name.to_owned())
    }
}
