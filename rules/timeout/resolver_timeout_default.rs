//! A request that waits for a DNS server that does not answer.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Protocol, Target, time_in_force, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "resolver-timeout-default",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver_timeout"],
    equivalents: &[],
    page: include_str!("resolver_timeout_default.md"),
    check: Check::Directives(&["resolver"], check),
};

/// Unless it is set, in milliseconds.
const DEFAULT: u64 = 30_000;

/// A DNS server that has not answered by then will not.
const LONG_ENOUGH: u64 = 10_000;

fn check<'m>(resolver: Directive<'m>, findings: &mut Findings) {
    if !resolver.is_read() {
        return;
    }
    let waiting = |target: Target<'m>| {
        let value = target.block().effective("resolver_timeout");
        let time = time_in_force(value, DEFAULT).filter(|time| *time > LONG_ENOUGH)?;
        let asks = target.block().effective("resolver") == Effective::Set(resolver) && target.may_ask_resolver();
        asks.then_some((target, value, time_in_words(time)))
    };
    let within = resolver.model().targets_within(resolver.parent());
    let Some((target, value, wait)) = within.filter_map(waiting).next() else { return };
    let place = value.directive().unwrap_or(resolver).place();
    let reason = if value == Effective::Default { ", as resolver_timeout is not set" } else { "" };
    let finding =
        findings.add(place, format!("a DNS server that does not answer holds up requests for {wait}{reason}"));
    finding.note(if target.protocol == Protocol::Stream {
        "the connection is then closed: could not be resolved (110: Operation timed out)"
    } else {
        "the client then gets 502: could not be resolved (110: Operation timed out)"
    });
    finding.help("write resolver_timeout 5s;");
    finding.label(target.directive.place(), "asks for an address while nginx runs");
    let fits = value == Effective::Default && resolver.is_included_once();
    if fits && resolver.parent().directive("resolver_timeout").is_none() {
        finding.fix(
            true,
            "wait 5 seconds for an answer",
            vec![Edit::add_line_behind(resolver, "resolver_timeout 5s;")],
        );
    }
}
