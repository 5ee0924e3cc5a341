//! A cache in which nothing is stored.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Target, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "buffering-off-disables-cache",
    group: Group::Buffer,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering"],
    equivalents: &[],
    page: include_str!("buffering_off_disables_cache.md"),
    check: Check::Directives(&["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.is_in_place()) else { return };
    let Some(buffering) = target.effective("buffering").directive().filter(|set| is_off(*set)) else { return };
    let stored = ["cache", "store"].into_iter().find_map(|name| {
        let set = target.effective(name).directive()?;
        (!set.argument(0)?.eq_ignore_ascii_case("off")).then_some(set)
    });
    let Some(cache) = stored else { return };
    let (value, off) = (cache.argument(0).unwrap_or_default(), buffering.name());
    let finding = findings
        .add(directive.place(), format!("answers are not stored in {} {value}, as {off} is off here", cache.name()));
    finding.note("every request goes to the upstream, $upstream_cache_status stays MISS, and there is no old answer to send when the upstream fails");
    finding.label(buffering.place(), "turns it off");
    finding.label(cache.place(), "has no effect");
    // Off further inside is meant for this place, as for a stream of events.
    if depth(buffering.parent()) > depth(cache.parent()) {
        finding.severity(Severity::Info);
        finding.help(format!("write {off} on; or {} off; to say that it is meant", cache.name()));
    } else {
        finding.help(format!("write {off} on; here"));
    }
}

fn is_off(directive: Directive<'_>) -> bool {
    directive.argument(0).and_then(parse_flag) == Some(false)
}

fn depth(block: Block<'_>) -> usize {
    block.outwards().count()
}
