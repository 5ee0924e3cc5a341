//! A configuration without `events {}`, or with too few connections for what
//! it listens on.

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-events",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#events"],
    equivalents: &[],
    page: include_str!("missing_events.md"),
    check: Check::Configuration(check),
};

/// Blocks that a whole configuration has one of.
const OF_A_WHOLE: [&str; 3] = ["http", "stream", "mail"];

/// Directives that stand in the main file, and hardly ever in another one.
const OF_THE_MAIN_FILE: [&str; 4] = ["worker_processes", "user", "pid", "daemon"];

/// The name that the main file has by default.
const MAIN_FILE: &str = "nginx.conf";

fn check(model: &Model<'_>, findings: &mut Findings) {
    let main = model.main();
    if !main.is(Context::Main) || model.is_fragment() {
        return;
    }
    if main.directive("events").is_none() {
        let first =
            OF_A_WHOLE.into_iter().filter_map(|name| main.directives(name).next()).min_by_key(|block| block.id());
        let Some(first) = first.filter(|first| !main.is_unseen_for("events") && first.has_block()) else { return };
        if !is_the_main_file(model) {
            return;
        }
        findings
            .add(first.place_of_name(), "the configuration has no events block")
            .nginx_says("no \"events\" section in configuration")
            .help("add \"events {}\" outside of all blocks; it may be empty");
        return;
    }
    let connections = main
        .directives("events")
        .filter_map(|events| events.block())
        .filter_map(|events| events.directive("worker_connections"))
        .next_back();
    if let Some(connections) = connections {
        check_connections(model, connections, findings);
    }
}

/// Whether the first file is the main one, as far as one can tell: a file with
/// `http {}` may also be for another one that has the rest.
fn is_the_main_file(model: &Model<'_>) -> bool {
    let is_named_so = model.files()[0].source.path().file_name().is_some_and(|name| name == MAIN_FILE);
    is_named_so || OF_THE_MAIN_FILE.into_iter().any(|name| model.main().directive(name).is_some())
}

/// Each address takes a connection of every worker, and one more is for the
/// master process.
fn check_connections(model: &Model<'_>, directive: Directive<'_>, findings: &mut Findings) {
    if !directive.is_read() || directive.is_template(0) {
        return;
    }
    let Some(number) = directive.argument(0).and_then(parse_number) else { return };
    // Several addresses of one port may share a socket; ports never do.
    let mut sockets = 0;
    for family in [Family::Http, Family::Stream, Family::Mail] {
        if !model.is_whole(family) {
            continue;
        }
        let mut ports: Vec<(bool, u16)> =
            model.listeners(family).map(|listener| (listener.is_udp(), listener.socket().port)).collect();
        ports.sort_unstable();
        ports.dedup();
        sockets = sockets.max(ports.len() as u64);
    }
    if number > sockets {
        return;
    }
    findings
        .add(
            directive.place_of_argument(0),
            format!("worker_connections allows {number} connections, and nginx listens on {sockets} ports or more"),
        )
        .nginx_says(format!("{number} worker_connections are not enough for {sockets} listening sockets"))
        .help("leave it out (it is 512 then), or write 1024 or more");
}
