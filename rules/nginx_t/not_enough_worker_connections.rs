//! Fewer connections than sockets to listen on.

use std::collections::HashMap;

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "not-enough-worker-connections",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_connections"],
    equivalents: &[],
    page: include_str!("not_enough_worker_connections.md"),
    check: Check::Configuration(check),
};

/// `worker_connections` where it is not set.
const DEFAULT_CONNECTIONS: u64 = 512;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(events) = model.blocks().find(|block| block.is(Context::Events) && block.head().is_some()) else { return };
    let set = events.directive("worker_connections");
    if events.is_unseen() || !model.is_whole(Family::Events) {
        return;
    }
    let connections = match set {
        Some(set) => set.argument(0).and_then(parse_number),
        None => Some(DEFAULT_CONNECTIONS),
    };
    let Some(connections) = connections else { return };
    let families = [Family::Http, Family::Stream, Family::Mail];
    // Most often there are far fewer addresses than connections.
    let most: usize = families.iter().map(|family| model.listeners(*family).count()).sum();
    if (most as u64) < connections {
        return;
    }
    let known = families.iter().filter(|family| model.knows_all_listeners(**family));
    let sockets: usize = known.map(|family| count_sockets(model, *family)).sum();
    if connections > sockets as u64 {
        return;
    }
    let place = match (set, events.head()) {
        (Some(set), _) => set.place(),
        (None, Some(head)) => head.place(),
        (None, None) => return,
    };
    findings
        .add(place, format!("a worker may have {connections} connections, and nginx listens on {sockets} sockets"))
        .nginx_says(format!("{connections} worker_connections are not enough for {sockets} listening sockets"))
        .note("each socket takes one connection of each worker, and one more is for the master")
        .help(format!("write worker_connections {};", (sockets as u64 + 1).max(DEFAULT_CONNECTIONS) * 2));
}

/// How many sockets nginx opens: where it listens on every address of a port,
/// it opens others only for addresses that ask for a socket of their own.
fn count_sockets(model: &Model<'_>, family: Family) -> usize {
    #[derive(Default)]
    struct Port {
        wildcard: bool,
        own: usize,
        shared: usize,
    }
    let mut ports: HashMap<(u8, u16, bool), Port> = HashMap::new();
    for listener in model.listeners(family) {
        let port = ports.entry(listener.port()).or_default();
        if listener.is_wildcard() {
            port.wildcard = true;
        } else if listener.has_own_socket() {
            port.own += 1;
        } else {
            port.shared += 1;
        }
    }
    ports.values().map(|port| if port.wildcard { port.own + 1 } else { port.own + port.shared }).sum()
}
