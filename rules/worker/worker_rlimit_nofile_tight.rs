//! As many files as connections, so that none are left for anything else.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-rlimit-nofile-tight",
    group: Group::Worker,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("worker_rlimit_nofile_tight.md"),
    check: Check::Directives(&["worker_rlimit_nofile"], check),
};

/// No kernel of the usual kind lets a process open more (`fs.nr_open`).
const MOST_FILES: u64 = 1 << 20;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(files) = directive.argument(0).and_then(parse_number).filter(|_| directive.is_read()) else { return };
    let model = directive.model();
    let Some(connections) = model.worker_connections() else { return };
    let count = connections.count;
    let room = count.saturating_mul(2);
    if !(count..room).contains(&files) {
        return;
    }
    let Some(target) = model.targets().find(|target| target.is_in_place()) else { return };
    let finding = findings.add(
        directive.place(),
        format!("{files} files a worker leave little beside {count} connections for logs, temporary and cached files"),
    );
    finding
        .note("the limit of files is reached before that of connections: requests get 500 (24: Too many open files)");
    finding.label(connections.place(), connections.described());
    finding.label(target.directive.place(), "a request that is passed on may need a temporary file besides");
    if room > MOST_FILES {
        finding.help("write fewer worker_connections, so that there are two files for each");
        return;
    }
    finding.help(format!("write worker_rlimit_nofile {room}; or more"));
    if let Some(location) = directive.editable_argument(0) {
        finding.fix(true, "allow two files a connection", vec![Edit::replace(location, room.to_string())]);
    }
}
