//! A group of which each worker keeps its own picture.

use crate::catalog::Family;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Model, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-zone-missing-multi-worker",
    group: Group::Upstream,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#zone"],
    equivalents: &[],
    page: include_str!("upstream_zone_missing_multi_worker.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Effective::Set(workers) = model.main().effective("worker_processes") else { return };
    let count = workers.argument(0).unwrap_or_default();
    if count == "1" || count.contains('$') {
        return;
    }
    for family in [Family::Http, Family::Stream] {
        for upstream in model.upstreams(family).filter(|upstream| is_not_shared(*upstream)) {
            report(upstream, workers, findings);
        }
    }
}

/// Where there is a limit of connections, the lack of a zone does more harm,
/// and another rule says so.
fn is_not_shared(upstream: Upstream<'_>) -> bool {
    upstream.has_several_servers()
        && upstream.zone().is_none()
        && upstream.is_whole()
        && upstream.is_run_by_nginx()
        && upstream.servers().all(|server| server.parameter("max_conns").is_none())
}

fn report(upstream: Upstream<'_>, workers: Directive<'_>, findings: &mut Findings) {
    let Some(head) = upstream.block.head() else { return };
    let name = upstream.name();
    let finding = findings.add(
        head.place(),
        format!("each worker finds out for itself which servers of upstream \"{name}\" have failed"),
    );
    finding.note("without a zone the workers do not share what they know: a dead server costs a failed try in each of them, and each takes turns on its own");
    finding.help(match upstream.free_zone_name() {
        Some(zone) => format!("add to the group: zone {zone} 64k;"),
        None => "add to the group: zone NAME 64k; with a name that no other zone has".to_owned(),
    });
    finding.label(workers.place(), "so many workers");
    if let (Some(zone), Some(last)) = (upstream.free_zone_name(), upstream.servers().last()) {
        let edit = Edit::add_line_behind(last.directive, &format!("zone {zone} 64k;"));
        finding.fix(true, "share the group between the workers", vec![edit]);
    }
}
