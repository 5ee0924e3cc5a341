//! Tables of connections that take more memory than there is.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, WorkerCount};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-connections-memory",
    group: Group::Worker,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("worker_connections_memory.md"),
    check: Check::Directives(&["worker_connections"], check),
};

/// What a connection takes in the tables of a worker, used or not.
const BYTES: u64 = 424;

/// More connections than most machines have memory or ports for.
const MANY: u64 = 200_000;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let model = directive.model();
    let Some(connections) = model.worker_connections().filter(|found| found.directive == Some(directive)) else {
        return;
    };
    let (count, bytes) = (connections.count, connections.count.saturating_mul(BYTES));
    let processes = model.worker_processes();
    let workers = match processes.map(|processes| processes.count) {
        Some(WorkerCount::Number(workers)) => workers.max(1),
        Some(WorkerCount::Auto) | None => 1,
    };
    let all = bytes.saturating_mul(workers);
    let memory = model.surroundings().memory;
    let is_too_much = memory.is_some_and(|memory| all > memory);
    if !is_too_much && (memory.is_some() || count <= MANY) {
        return;
    }
    let each =
        if workers > 1 { format!(", {} in {workers} workers", megabytes(all)) } else { " in each worker".to_owned() };
    let finding =
        findings.add(directive.place(), format!("{count} connections take {}{each}, used or not", megabytes(bytes)));
    match memory {
        Some(memory) => finding.note(format!(
            "nginx may take {}: the system ends workers as soon as they have started, and nginx -t says nothing",
            megabytes(memory)
        )),
        None => finding
            .severity(Severity::Info)
            .note("the tables are set up when a worker starts; where memory is limited the system ends it"),
    };
    finding.help("write a number that clients and files allow, such as worker_connections 16384;");
    if let Some(processes) = processes.and_then(|processes| processes.directive) {
        finding.label(processes.place(), "so many workers");
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1 << 20))
}
