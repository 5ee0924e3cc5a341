//! More connections than a worker may open files.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-connections-exceed-nofile",
    group: Group::Worker,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("worker_connections_exceed_nofile.md"),
    check: Check::Directives(&["worker_rlimit_nofile"], check),
};

/// No kernel of the usual kind lets a process open more (`fs.nr_open`).
const MOST_FILES: u64 = 1 << 20;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(files) = directive.argument(0).and_then(parse_number).filter(|_| directive.is_read()) else { return };
    let Some(connections) = directive.model().worker_connections() else { return };
    let count = connections.count;
    if count <= files {
        return;
    }
    let finding =
        findings.add(directive.place(), format!("a worker may open {files} files, but is to hold {count} connections"));
    finding.note("each connection is an open file: at the limit requests get 500 (24: Too many open files), and new clients wait; nginx -t compares with the limit of the shell it runs in, and says nothing");
    finding.label(connections.place(), connections.described());
    let room = count.saturating_mul(2);
    if room > MOST_FILES {
        finding.help(format!("write worker_rlimit_nofile {count}; or more, if the kernel allows it (sysctl fs.nr_open), or fewer worker_connections"));
        return;
    }
    finding.help(format!("write worker_rlimit_nofile {room};"));
    if let Some(location) = directive.editable_argument(0) {
        finding.fix(true, "allow two files a connection", vec![Edit::replace(location, room.to_string())]);
    }
}
