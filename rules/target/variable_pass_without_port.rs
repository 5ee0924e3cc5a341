//! A target with variables that comes out as a host without a port, where
//! there is no port by default.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, Protocol, Target, Values, split_address, split_target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "variable-pass-without-port",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_pass"],
    equivalents: &[],
    page: include_str!("variable_pass_without_port.md"),
    // memcached_pass takes no variables.
    check: Check::Directives(&["fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "proxy_pass"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    if target.protocol == Protocol::Proxy || directive.definition().is_none() {
        return;
    }
    let values = directive.model().values_at(target.block(), target.text);
    let Some(address) = values.iter().find_map(|text| without_port(target, text)) else { return };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("this target comes out as \"{address}\", which is no group and has no port"),
    );
    let outcome = if target.protocol == Protocol::Stream { "closes the connection" } else { "answers 500" };
    finding.note(format!(
        "{} has no port by default; nginx looks at the target when a request comes, and {outcome}: no port in upstream \"{address}\"",
        directive.name()
    ));
    finding.help(format!("write the port: {address}:9000"));
}

/// The address of an evaluated target that needs a port and has none.
fn without_port<'t>(target: Target<'_>, text: &'t str) -> Option<&'t str> {
    let address = &text[split_target(target.protocol, text).address];
    let model = target.directive.model();
    let family = target.protocol.family();
    let (host, port) = split_address(address);
    let lacks = match host {
        Host::Unix(_) => false,
        Host::Address(_) => true,
        // The group may be in a file that is not at hand, or in the other
        // block, which is another mistake.
        Host::Name(name) => {
            let is_group = model.upstream(family, name).or(model.upstream_elsewhere(family, name)).is_some();
            !name.is_empty() && model.is_whole(family) && !is_group
        }
    };
    (port.is_none() && lacks && Values::is_known(address)).then_some(address)
}
