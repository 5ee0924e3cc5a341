//! `max_fails` in a group of one address, where nginx does not count failures.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "max-fails-noop-single-server",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#max_fails"],
    equivalents: &[],
    page: include_str!("max_fails_noop_single_server.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if !upstream.is_single_address() || !upstream.is_run_by_nginx() {
        return;
    }
    let Some(server) = upstream.servers().next() else { return };
    // "Never take it out" is what happens.
    if server.is_down() || server.max_fails() == Some(0) || server.fail_timeout() == Some(0) {
        return;
    }
    let is_ignored = |argument: &str| argument.starts_with("max_fails=") || argument.starts_with("fail_timeout=");
    let arguments = server.directive.arguments().enumerate().skip(1);
    let ignored: Vec<(usize, &str)> = arguments.filter(|(_, argument)| is_ignored(argument)).collect();
    let Some((first, _)) = ignored.first() else { return };
    let written = ignored.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(" ");
    let (does, them) = if ignored.len() == 1 { ("does", "it") } else { ("do", "them") };
    let finding = findings.add(
        server.directive.place_of_argument(*first),
        format!("{written} {does} nothing: upstream \"{}\" has one address", upstream.name()),
    );
    finding.note("nginx never takes the only address of a group for failed: every request tries it again");
    finding.help(format!("remove {them}, or add a second server"));
    // A file of its own may be included in other groups.
    if block.head().is_some_and(|head| head.file() != server.directive.file()) {
        return;
    }
    let edits = ignored.iter().map(|(index, _)| Edit::remove_argument(server.directive, *index));
    if let Some(edits) = edits.collect() {
        finding.fix(true, "remove what does nothing", edits);
    }
}
