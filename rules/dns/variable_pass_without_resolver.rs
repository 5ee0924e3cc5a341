//! A target that is looked up for each request, without a resolver to ask.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, PASS_NAMES, Target, Template};

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

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let is_without = directive.parent().effective("resolver") == Effective::Default;
    if !is_without || directive.definition().is_none() {
        return;
    }
    let hosts = target.run_time_hosts();
    match hosts.asked.first() {
        // A host that is written out has a rule of its own.
        Some(_) if hosts.is_written_out => {}
        Some(name) => known_name(target, name, findings),
        None if hosts.has_unknown => unknown_name(target, findings),
        None => {}
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
    let written = &target.text[target.written_address()];
    let variable = Template::parse(written).variables().next().unwrap_or_default();
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the target depends on ${variable}, but no resolver is set to look up a host name"),
    );
    finding.note(format!(
        "when it is a name that is not an upstream group, nginx {}: no resolver defined to resolve it",
        target.protocol.failure()
    ));
    finding.help("add a resolver, such as: resolver 127.0.0.53;");
    // Who computes a target mostly knows that nginx cannot look it up.
    let is_computed = directive.model().is_computed(target.protocol.family(), variable);
    finding.severity(if is_computed { Severity::Info } else { Severity::Warning });
}
