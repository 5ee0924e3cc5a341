//! A limit for the tries that is taken for a limit of the request.

use crate::catalog::Family;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{DEFAULT_TIMEOUT, Directive, Target, parse_milliseconds, time_in_force, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-timeout-is-not-a-deadline",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream_timeout"],
    equivalents: &[],
    page: include_str!("next_upstream_timeout_is_not_a_deadline.md"),
    check: Check::Directives(
        &[
            "proxy_next_upstream_timeout",
            "fastcgi_next_upstream_timeout",
            "uwsgi_next_upstream_timeout",
            "scgi_next_upstream_timeout",
            "grpc_next_upstream_timeout",
            "memcached_next_upstream_timeout",
        ],
        check,
    ),
};

fn check<'m>(directive: Directive<'m>, findings: &mut Findings) {
    let written = directive.argument(0).unwrap_or_default();
    let Some(limit) = parse_milliseconds(written).filter(|limit| *limit > 0) else { return };
    if directive.taken_in() != Some(Family::Http) {
        return;
    }
    let outlasting = |target: Target<'m>| {
        let read = target.effective("read_timeout");
        let time = time_in_force(read, DEFAULT_TIMEOUT).filter(|time| *time > limit)?;
        (target.has_several_servers() != Some(false)).then_some((target, read, time_in_words(time)))
    };
    let Some((target, read, read_text)) = directive.targets_governed().find_map(outlasting) else { return };
    let name = directive.name();
    let prefix = target.protocol.prefix();
    let finding = findings.add(
        directive.place(),
        format!("{name} {written} does not end a request: a try that has begun may take {read_text}"),
    );
    finding.note(format!(
        "it only forbids to begin another try: the client may wait {written} and then {read_text} for the last one"
    ));
    finding.help(format!("{prefix}_read_timeout ends a try: set it to what one answer may take"));
    match read.directive() {
        Some(setting) => finding.label(setting.place(), "ends a try"),
        None => finding.label(target.directive.place(), format!("{prefix}_read_timeout is 60s here")),
    };
}
