//! Conditions for the next server that leave out the most common one.

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, NEXT_UPSTREAMS};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-missing-error",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream"],
    equivalents: &[],
    page: include_str!("next_upstream_missing_error.md"),
    check: Check::Directives(NEXT_UPSTREAMS, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let has_error = directive.has_flag("error") || directive.has_flag("off");
    let is_open = (0..directive.argument_count()).any(|index| directive.is_template(index));
    if has_error || is_open || directive.taken_in() != Some(Family::Http) {
        return;
    }
    let mut is_sure = false;
    let mut may_matter = directive.may_govern_unseen_targets();
    let mut passes = None;
    for target in directive.targets_governed() {
        let several = target.has_several_servers();
        may_matter |= several.is_none();
        if several == Some(true) {
            is_sure = true;
            passes = Some(target.directive);
            break;
        }
    }
    if !is_sure && !may_matter {
        return;
    }
    let name = directive.name();
    let words: Vec<&str> = directive.arguments().collect();
    let finding = findings.add(
        directive.place(),
        format!("{name} {} leaves out \"error\": when a server is down, no other one is asked", words.join(" ")),
    );
    finding.note("the list replaces the default, which is \"error timeout\": a refused or broken connection is 502 for the client, though other servers of the group work");
    let missing = if directive.has_flag("timeout") { "error" } else { "error timeout" };
    finding.help(format!("write {name} {missing} {};", words.join(" ")));
    if let Some(pass) = passes {
        finding.label(pass.place(), "passes requests to several servers");
    }
    if !is_sure {
        finding.severity(Severity::Info);
    }
    let edit = Edit::replace(directive.place_of_name().location, format!("{name} {missing}"));
    finding.fix(false, format!("add {missing}"), vec![edit]);
}
