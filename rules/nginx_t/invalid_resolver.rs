//! A parameter of `resolver` that nginx does not take.

use crate::catalog::{Origin, Version, nearest};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, has_placeholder, parse_seconds};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-resolver",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver"],
    equivalents: &[],
    page: include_str!("invalid_resolver.md"),
    check: Check::Directives(&["resolver"], check),
};

/// From it on `ipv4=` is a parameter; before, it is the name of a host.
const HAS_IPV4: Version = Version::new(1, 23, 1);

const PARAMETERS: [&str; 4] = ["valid", "ipv4", "ipv6", "status_zone"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let is_own = directive.definition().is_some_and(|definition| definition.module.origin == Origin::OpenSource);
    if !is_own || !directive.is_read() || directive.has_block() || directive.argument(0) == Some("off") {
        return;
    }
    let is_old = directive.model().version().is_some_and(|version| version < HAS_IPV4);
    let mut has_server = false;
    for (index, text) in directive.arguments().enumerate() {
        match text.split_once('=') {
            _ if has_placeholder(text) => has_server = true,
            Some(("valid", value)) => check_time(directive, index, value, findings),
            Some(("ipv4", _)) if is_old => report_host(directive, index, text, findings),
            Some((name @ ("ipv4" | "ipv6"), value)) => check_switch(directive, index, (name, value), findings),
            // NGINX Plus has it.
            Some(("status_zone", _)) => {}
            Some(_) => {
                report_host(directive, index, text, findings);
                has_server = true;
            }
            None => has_server = true,
        }
    }
    check_families(directive, is_old, findings);
    if !has_server && directive.argument_count() > 0 {
        findings
            .add(directive.place(), "\"resolver\" has no address of a name server")
            .nginx_says("no name servers defined")
            .nginx_names(directive.terminator())
            .help("write the address of one, such as resolver 127.0.0.53 valid=30s;");
    }
}

fn check_time(directive: Directive<'_>, index: usize, value: &str, findings: &mut Findings) {
    if parse_seconds(value).is_none() {
        findings
            .add(directive.place_of_argument(index), format!("\"{value}\" is not a time in whole seconds"))
            .nginx_says(format!("invalid parameter: valid={value}"))
            .nginx_names(directive.terminator())
            .help("write a time such as valid=30s");
    }
}

fn check_switch(directive: Directive<'_>, index: usize, (name, value): (&str, &str), findings: &mut Findings) {
    if value == "on" || value == "off" {
        return;
    }
    let finding =
        findings.add(directive.place_of_argument(index), format!("\"{name}\" in \"resolver\" is neither on nor off"));
    finding.nginx_says(format!("invalid parameter: {name}={value}")).nginx_names(directive.terminator());
    if name == "ipv4" {
        finding.since(HAS_IPV4);
    }
    finding.help(format!("write {name}=on or {name}=off"));
}

/// Addresses of both families are left out.
fn check_families(directive: Directive<'_>, is_old: bool, findings: &mut Findings) {
    let last_is_off = |name: &str| {
        let values = directive.arguments().filter_map(|text| text.strip_prefix(name));
        values.last() == Some("=off")
    };
    if last_is_off("ipv4") && last_is_off("ipv6") && !is_old {
        findings
            .add(directive.place(), "\"resolver\" is to ask for neither IPv4 nor IPv6 addresses")
            .nginx_says("\"ipv4\" and \"ipv6\" cannot both be \"off\"")
            .since(HAS_IPV4)
            .nginx_names(directive.terminator())
            .help("leave one of the two out");
    }
}

/// What is no parameter is a host, and none has `=` in its name.
fn report_host(directive: Directive<'_>, index: usize, text: &str, findings: &mut Findings) {
    let name = text.split('=').next().unwrap_or_default();
    let finding =
        findings.add(directive.place_of_argument(index), format!("\"resolver\" has the unknown parameter \"{text}\""));
    // Whether there is such a host, DNS alone can say.
    finding.not_refused().note(format!(
        "nginx asks DNS for a name server of this name, and does not start without it: host not found in resolver \"{text}\""
    ));
    if name == "ipv4" {
        finding.help(format!("leave it out, or use nginx {HAS_IPV4} or later"));
    } else if let Some(near) = nearest(name, PARAMETERS) {
        finding.help(format!("write \"{}\"", text.replacen(name, near, 1)));
    }
}
