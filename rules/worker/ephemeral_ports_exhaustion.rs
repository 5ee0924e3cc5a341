//! More connections to one address than there are ports to make them from.

use crate::catalog::{Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Endpoint, Host, Model, Target, Upstream, WorkerCount};

/// See the page.
pub const RULE: Rule = Rule {
    name: "ephemeral-ports-exhaustion",
    group: Group::Worker,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("ephemeral_ports_exhaustion.md"),
    check: Check::Directives(&["worker_connections"], check),
};

/// Ports that Linux takes for connections by itself: 32768 to 60999.
const PORTS: u64 = 28_232;

/// Groups keep connections by default from here on.
const KEEPS_BY_DEFAULT: Version = Version::new(1, 29, 7);

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let model = directive.model();
    let Some(connections) = model.worker_connections().filter(|found| found.directive == Some(directive)) else {
        return;
    };
    let Some(processes) = model.worker_processes() else { return };
    let workers = match processes.count {
        WorkerCount::Number(workers) => workers,
        WorkerCount::Auto => 1,
    };
    // Each request that is passed on takes one of the two to its client.
    let wanted = connections.count.saturating_mul(workers) / 2;
    if wanted <= PORTS {
        return;
    }
    let Some((target, endpoint)) = model.targets().find_map(|target| Some((target, only_address(target, model)?)))
    else {
        return;
    };
    let count = connections.count;
    let finding = findings.add(
        directive.place(),
        format!(
            "{wanted} connections to {} at a time are more than the {PORTS} ports there are for them",
            endpoint.text
        ),
    );
    let each = match (processes.count, processes.directive) {
        (WorkerCount::Number(workers), Some(_)) => format!("{workers} workers of {count} connections"),
        _ => format!("a worker of {count} connections"),
    };
    finding.note(format!("{each}, half of them to clients; a port is taken while its connection is open, and up to a minute longer when nginx closed it: without a free one requests get 502, \"connect() failed (99: Cannot assign requested address)\""));
    finding.help("keep connections (keepalive 64; in an upstream) so that finished requests hold no port, or spread the load over several addresses");
    finding.label(target.directive.place(), "all of them go to one address and port, and none is kept");
    if let Some(processes) = processes.directive {
        finding.label(processes.place(), "so many workers");
    }
}

/// The one address that a target leads to without keeping connections.
fn only_address<'m>(target: Target<'m>, model: &Model<'m>) -> Option<Endpoint<'m>> {
    let group = target.upstream();
    if group.is_some_and(|group| keeps(group, model)) || target.effective("bind") != Effective::Default {
        return None;
    }
    // A name may be a group that was not seen, or have many addresses.
    let only = match target.endpoints()[..] {
        [only] => only,
        _ => return None,
    };
    let is_whole = group.is_none_or(Upstream::is_whole);
    (is_whole && matches!(only.host, Host::Address(_))).then_some(only)
}

/// In stream no connection is kept.
fn keeps(group: Upstream<'_>, model: &Model<'_>) -> bool {
    let in_http = group.block.head().and_then(|head| head.taken_in()) == Some(Family::Http);
    group.keepalive().is_some() || (in_http && !model.may_be_before(KEEPS_BY_DEFAULT))
}
