//! A group that is declared in `http {}` and used in `stream {}`, or the other
//! way round.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, PASS_NAMES, Protocol, Target, Upstream, Values, split_address, split_target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-in-wrong-block",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/stream/ngx_stream_upstream_module.html#upstream",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#upstream",
    ],
    equivalents: &[],
    page: include_str!("upstream_in_wrong_block.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| !target.is_template() && target.is_in_place()) else {
        return;
    };
    let model = directive.model();
    let family = target.protocol.family();
    // Without variables nginx misses the port of all but HTTP, and says so.
    let is_refused = !target.has_variables() && target.protocol != Protocol::Proxy;
    let other = if family == Family::Stream { Family::Http } else { Family::Stream };
    if is_refused || model.upstreams(other).next().is_none() || !model.is_whole(family) {
        return;
    }
    let values = model.values_at(target.block(), target.text);
    if let Some(upstream) = values.iter().find_map(|text| group_elsewhere(target, text)) {
        report(target, upstream, findings);
    }
}

/// The group of the other block that an evaluated target names.
fn group_elsewhere<'m>(target: Target<'m>, text: &str) -> Option<Upstream<'m>> {
    let parts = split_target(target.protocol, text);
    let address = &text[parts.address];
    let (Host::Name(name), None) = split_address(address) else { return None };
    let upstream = target.directive.model().upstream_elsewhere(target.protocol.family(), name)?;
    Values::is_known(address).then_some(upstream)
}

fn report(target: Target<'_>, upstream: Upstream<'_>, findings: &mut Findings) {
    let directive = target.directive;
    let name = upstream.name();
    let (here, there) =
        if target.protocol == Protocol::Stream { ("stream { }", "http { }") } else { ("http { }", "stream { }") };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("upstream \"{name}\" is declared in {there} and does not exist in {here}"),
    );
    finding.note(match (target.has_variables(), target.protocol) {
        (true, Protocol::Stream) => format!("nginx takes \"{name}\" for a host name without a port and closes each connection: no port in upstream \"{name}\""),
        (true, _) => format!("nginx takes \"{name}\" for a host name, asks a resolver for it, and answers 502"),
        (false, _) => format!("nginx takes \"{name}\" for a host name and asks DNS for it when it starts: host not found in upstream \"{name}\""),
    });
    finding.help(format!("declare it in {here}, too: upstream {name} {{ … }}"));
    if let Some(head) = upstream.block.head() {
        finding.label(head.place(), format!("in {there}"));
    }
}
