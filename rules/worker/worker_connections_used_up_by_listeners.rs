//! Hardly any connections beside those of the sockets to listen on.

use crate::catalog::Family;
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{DEFAULT_CONNECTIONS, Directive, Model, WorkerConnections, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-connections-used-up-by-listeners",
    group: Group::Worker,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("worker_connections_used_up_by_listeners.md"),
    check: Check::Directives(&["worker_connections"], check),
};

/// So few are used up by the connections of two or three browsers.
const FEW: u64 = 16;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let model = directive.model();
    let Some(connections) = model.worker_connections().filter(|found| found.directive == Some(directive)) else {
        return;
    };
    let sockets = sockets_beside(model, &connections);
    // One more is for what the master has to say.
    let Some(left) = connections.count.checked_sub(sockets + 1).filter(|left| *left <= FEW) else { return };
    if sockets == 0 || !model.is_whole(Family::Events) || has_no_master(model) {
        return;
    }
    let count = connections.count;
    let taken = format!("{count} worker_connections, of which {sockets} sockets and the master take {}", sockets + 1);
    let finding = findings.add(directive.place(), format!("{taken}, leave {left} for clients and upstreams"));
    describe(finding, model, count, left);
    finding.help(format!("write worker_connections {};", (sockets + 1).max(DEFAULT_CONNECTIONS) * 2));
}

/// Usually far fewer addresses than connections are known, and counting them
/// is not needed.
fn sockets_beside(model: &Model<'_>, connections: &WorkerConnections<'_>) -> u64 {
    let most = model.most_sockets() as u64;
    if most + 1 + FEW < connections.count { most } else { model.known_sockets() as u64 }
}

/// nginx then is one process and needs no connection to a master.
fn has_no_master(model: &Model<'_>) -> bool {
    let set = model.main().directive("master_process");
    set.is_some_and(|set| set.argument(0).and_then(parse_flag) != Some(true))
}

fn describe(finding: &mut Finding, model: &Model<'_>, count: u64, left: u64) {
    let passes_on = model.targets().find(|target| target.is_in_place());
    match (left, passes_on) {
        (0, _) => {
            finding.note(format!(
                "nginx starts, and resets every connection of a client: \"{count} worker_connections are not enough\""
            ));
        }
        (1, Some(target)) => {
            finding.note(format!("the client takes it, and each request that is passed on gets 500: \"{count} worker_connections are not enough while connecting to upstream\""));
            finding.label(target.directive.place(), "needs a second connection");
        }
        (_, passes_on) => {
            let clients = if passes_on.is_some() { left / 2 } else { left };
            finding.severity(Severity::Warning);
            finding.note(format!("a worker serves {clients} at a time; the connections of more clients are reset without an answer: \"{count} worker_connections are not enough\""));
        }
    }
}
