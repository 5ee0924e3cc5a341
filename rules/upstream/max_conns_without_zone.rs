//! A limit of connections that each worker counts for itself.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Effective, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "max-conns-without-zone",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#max_conns"],
    equivalents: &[],
    page: include_str!("max_conns_without_zone.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    if block.directive("zone").is_some() || block.is_unseen() {
        return;
    }
    // One worker, which is the default, counts right.
    let Effective::Set(workers) = block.model().main().effective("worker_processes") else { return };
    let count = workers.argument(0).unwrap_or_default();
    if count == "1" || count.contains('$') {
        return;
    }
    let upstream = Upstream { block };
    let limited = upstream.servers().find(|server| server.max_conns().is_some() && !server.is_down());
    let Some((server, (index, limit))) = limited.and_then(|server| Some((server, server.parameter("max_conns")?)))
    else {
        return;
    };
    let name = upstream.name();
    let finding = findings.add(
        server.directive.place_of_argument(index),
        format!("max_conns={limit} is counted by each worker for itself, as upstream \"{name}\" has no zone"),
    );
    finding.note(format!(
        "with worker_processes {count} the server gets up to {limit} connections from each worker: when that is more than it bears, requests get 502 or 504"
    ));
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
