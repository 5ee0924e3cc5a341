//! `keepalive_timeout 0` in a group, which takes back its `keepalive`.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Upstream, parse_milliseconds, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-keepalive-timeout-zero",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout"],
    equivalents: &[],
    page: include_str!("upstream_keepalive_timeout_zero.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(timeout) = block.directive("keepalive_timeout").filter(|timeout| timeout.is_read()) else { return };
    let Some(keepalive) = upstream.keepalive() else { return };
    let value = timeout.argument(0).unwrap_or_default();
    let count = keepalive.argument(0).unwrap_or_default();
    if parse_milliseconds(value) != Some(0) || parse_number(count).is_none() {
        return;
    }
    let finding = findings.add(
        timeout.place(),
        format!("keepalive_timeout {value} closes the connections that upstream \"{}\" is to keep", upstream.name()),
    );
    finding.note(
        "0 is not \"for ever\": a connection is closed behind its first answer, and each request opens one of its own",
    );
    finding.help("remove keepalive_timeout: the default is 60s");
    finding.label(keepalive.place(), "does nothing");
    finding.fix(true, "remove the timeout of 0", vec![Edit::remove(timeout)]);
}
