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
    let limited = block.directives("server").find_map(|server| {
        let (index, limit) = server.parameter("max_conns")?;
        (limit != "0").then_some((server, index, limit))
    });
    let Some((server, index, limit)) = limited else { return };
    let name = Upstream { block }.name();
    let finding = findings.add(
        server.place_of_argument(index),
        format!("max_conns={limit} is counted by each worker for itself, as upstream \"{name}\" has no zone"),
    );
    finding.note(format!(
        "with worker_processes {count} the server gets up to {limit} connections times the number of workers"
    ));
    finding.help(format!("add to the group: zone {name} 64k;"));
    finding.label(workers.place(), "so many workers");
    if let Some(last) = block.directives("server").next_back() {
        let edit = Edit::add_line_behind(last, &format!("zone {name} 64k;"));
        finding.fix(true, "share the group between the workers", vec![edit]);
    }
}
