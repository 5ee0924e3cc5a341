//! Requests that change something and are sent a second time.

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, NEXT_UPSTREAMS, Target, tries_in_force};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-non-idempotent",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream"],
    equivalents: &[],
    page: include_str!("next_upstream_non_idempotent.md"),
    check: Check::Directives(NEXT_UPSTREAMS, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let index = directive.arguments().position(|word| word == "non_idempotent");
    let Some(index) = index.filter(|_| !directive.has_flag("off")) else { return };
    if directive.taken_in() != Some(Family::Http) {
        return;
    }
    let mut repeats = None;
    let mut may_repeat = directive.may_govern_unseen_targets();
    for target in directive.targets_governed() {
        match may_send_again(target) {
            Some(true) => repeats = repeats.or(Some(target)),
            Some(false) => {}
            None => may_repeat = true,
        }
    }
    if repeats.is_none() && !may_repeat {
        return;
    }
    let finding = findings.add(
        directive.place_of_argument(index),
        format!("{} non_idempotent sends a POST again that a server may have carried out", directive.name()),
    );
    finding.note("the server works on it, breaks off or is too slow, and another one gets the same request: an order or a payment happens twice");
    finding.help("remove non_idempotent: a POST of which nothing was sent, as to a server that is down, goes to the next server all the same");
    match repeats {
        Some(target) => {
            finding.label(target.directive.place(), "passes requests on");
        }
        None => {
            finding.severity(Severity::Info);
        }
    }
    let edit = Edit::remove_argument(directive, index).filter(|_| directive.argument_count() > 1);
    if let Some(edit) = edit {
        finding.fix(false, "remove non_idempotent", vec![edit]);
    }
}

/// Whether there is a second server to send to, or a kept connection that
/// breaks and is replaced by a new one to the same server.
fn may_send_again(target: Target<'_>) -> Option<bool> {
    match tries_in_force(target) {
        Some(1) => return Some(false),
        None => return None,
        Some(_) => {}
    }
    let keeps = target.upstreams().iter().any(|group| group.keepalive().is_some());
    if keeps { Some(true) } else { target.has_several_servers() }
}
