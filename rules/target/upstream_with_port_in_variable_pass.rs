//! A group named together with a port in a target with variables.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, PASS_NAMES, Target, Upstream, Values, split_address, split_target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-with-port-in-variable-pass",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("upstream_with_port_in_variable_pass.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let values = directive.model().values_at(target.block(), target.text);
    let Some((upstream, port)) = values.iter().find_map(|text| group_with_port(target, text)) else { return };
    let name = upstream.name();
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("this passes requests to \"{name}:{port}\", which is not the group \"{name}\": a group has no port"),
    );
    finding.note(format!(
        "with variables in the target nginx takes \"{name}\" for a host name, asks a resolver for it, and {}",
        target.protocol.failure()
    ));
    finding.help(format!("leave out :{port}; the ports are those of the group's servers"));
    if let Some(head) = upstream.block.head() {
        finding.label(head.place(), "the group");
    }
    if let Some(edit) = edit(target, port) {
        finding.fix(true, format!("leave out :{port}"), vec![edit]);
    }
}

/// The group and the port in an evaluated target.
fn group_with_port<'m, 't>(target: Target<'m>, text: &'t str) -> Option<(Upstream<'m>, &'t str)> {
    let parts = split_target(target.protocol, text);
    let (host, port) = split_address(&text[parts.address]);
    let Host::Name(name) = host else { return None };
    let port = port.filter(|port| Values::is_known(port) && !port.is_empty())?;
    let upstream = target.directive.model().upstream(target.protocol.family(), name)?;
    Some((upstream, port))
}

/// Takes the port away where it is written in the target itself.
fn edit(target: Target<'_>, port: &str) -> Option<Edit> {
    let address = target.parts().address;
    let written = format!(":{port}");
    let start = address.start + target.text[address.clone()].strip_suffix(&written)?.len();
    let mut location = target.directive.editable_argument(0)?;
    location.span.end = location.span.start + (start + written.len()) as u32;
    location.span.start += start as u32;
    Some(Edit::replace(location, ""))
}
