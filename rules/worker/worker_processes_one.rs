//! One worker for all processors.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, WorkerCount, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-processes-one",
    group: Group::Worker,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_processes"],
    equivalents: &[],
    page: include_str!("worker_processes_one.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(processes) = model.worker_processes().filter(|found| found.count == WorkerCount::Number(1)) else {
        return;
    };
    if model.is_fragment() || model.surroundings().container || is_sidecar(model) {
        return;
    }
    let served = ["http", "stream"].into_iter().find_map(|name| model.main().directive(name));
    let (Some(served), Some(place)) = (served, processes.directive.or(served)) else { return };
    let by_default = if processes.directive.is_none() { ", the default" } else { "" };
    let finding = findings.add(place.place(), format!("{} is served by one worker process{by_default}", served.name()));
    finding.note("it uses one processor, and while it waits for a disk all clients wait; there is no 502 from it");
    finding.help("write worker_processes auto; on a machine with several processors");
    if let Some(location) = processes.directive.and_then(|directive| directive.editable_argument(0)) {
        finding.fix(false, "start a worker for each processor", vec![Edit::replace(location, "auto")]);
    }
}

/// Run in the foreground, nginx is mostly beside another program.
fn is_sidecar(model: &Model<'_>) -> bool {
    let is_off = |name: &str| {
        let set = model.main().directive(name);
        set.is_some_and(|set| set.argument(0).and_then(parse_flag) == Some(false))
    };
    is_off("daemon") || is_off("master_process")
}
