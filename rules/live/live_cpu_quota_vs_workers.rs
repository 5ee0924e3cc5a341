//! More workers than nginx may use processors.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Machine;
use crate::model::{Model, WorkerCount};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-cpu-quota-vs-workers",
    group: Group::Live,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_processes"],
    equivalents: &[],
    page: include_str!("live_cpu_quota_vs_workers.md"),
    check: Check::Configuration(check),
};

/// So many workers to a processor are too many.
const FAR_TOO_MANY: u64 = 4;

const OF_QUOTA: &str = "auto counts the processors of the machine that are online, whatever the quota; when it is used up, all workers stand still until the next period, which shows as slow answers and timeouts";

const OF_SET: &str = "auto counts the processors of the machine that are online, whatever nginx is bound to; the workers wait for each other";

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let Some(allowed) = Allowed::of(&facts.machine) else { return };
    let Some(processes) = model.worker_processes() else { return };
    let Some(directive) = processes.directive else { return };
    let workers = match (processes.count, facts.machine.cpus) {
        (WorkerCount::Number(number), _) => number,
        (WorkerCount::Auto, Some(cpus)) => cpus,
        (WorkerCount::Auto, None) => return,
    };
    let processors = allowed.thousandths.div_ceil(1_000).max(1);
    if workers <= processors {
        return;
    }
    let written = if processes.count == WorkerCount::Auto { " (auto)" } else { "" };
    let message =
        format!("{workers} workers{written} share {} that nginx may use ({})", allowed.in_words(), allowed.because);
    let finding = findings.add(directive.place(), message);
    if workers.saturating_mul(1_000) >= allowed.thousandths.saturating_mul(FAR_TOO_MANY) {
        finding.severity(Severity::Warning);
    }
    finding.note(allowed.note);
    finding.help(format!("write worker_processes {processors};"));
}

/// The processors that nginx may use, and what says so.
struct Allowed {
    thousandths: u64,
    because: &'static str,
    note: &'static str,
}

impl Allowed {
    fn of(machine: &Machine) -> Option<Allowed> {
        let quota = machine.cpu_quota_thousandths.filter(|quota| *quota > 0);
        let quota =
            quota.map(|thousandths| Allowed { thousandths, because: "quota of the control group", note: OF_QUOTA });
        let usable =
            machine.usable_cpus.filter(|usable| *usable > 0 && machine.cpus.is_some_and(|cpus| *usable < cpus));
        let usable = usable.map(|cpus| Allowed {
            thousandths: cpus.saturating_mul(1_000),
            because: "it is bound to them",
            note: OF_SET,
        });
        quota.into_iter().chain(usable).min_by_key(|allowed| allowed.thousandths)
    }

    fn in_words(&self) -> String {
        let (whole, rest) = (self.thousandths / 1_000, self.thousandths % 1_000);
        match (whole, rest) {
            (1, 0) => "1 processor".to_owned(),
            (whole, 0) => format!("{whole} processors"),
            (whole, rest) => format!("{whole}.{} processors", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}
