//! A target whose host is nearly the name of a group.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "undefined-upstream-typo",
    group: Group::Upstream,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("undefined_upstream_typo.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (target, group) in model.mistyped_targets() {
        report(target, group, findings);
    }
}

fn report(target: Target<'_>, group: Upstream<'_>, findings: &mut Findings) {
    let address = target.parts().address;
    let written = &target.text[address.clone()];
    let name = group.name();
    let directive = target.directive;
    let finding = findings.add(
        directive.place_in_argument(0, address.clone()),
        format!("there is no upstream \"{written}\", but one called \"{name}\""),
    );
    finding.note(format!(
        "nginx looks \"{written}\" up in DNS: it does not start (host not found in upstream \"{written}\"), or requests go to another machine"
    ));
    finding.help(format!("write the name of the group: {name}"));
    // A group that has other users is less surely meant.
    if !group.is_unused() {
        finding.severity(Severity::Warning);
    }
    if let Some(head) = group.block.head() {
        finding.label(head.place(), "the group");
    }
    if let Some(place) = directive.editable_argument(0) {
        let text = format!("{}{name}{}", &target.text[..address.start], &target.text[address.end..]);
        finding.fix(false, format!("write {name}"), vec![Edit::replace(place, text)]);
    }
}
