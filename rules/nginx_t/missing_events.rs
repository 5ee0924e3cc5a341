//! A configuration without `events {}`.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;
use crate::source::{FileId, Span};

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
    if main.directive("events").is_some() || main.is_unseen_for("events") || !is_the_main_file(model) {
        return;
    }
    let blocks = OF_A_WHOLE.into_iter().filter_map(|name| main.directives(name).next());
    let place = match blocks.min_by_key(|block| block.id()) {
        Some(first) if !first.has_block() => return,
        Some(first) => first.place_of_name(),
        None => model.place_in_file(FileId(0), Span::at(0)),
    };
    findings
        .add(place, "the configuration has no events block")
        .nginx_says("no \"events\" section in configuration")
        .help("add \"events {}\" outside of all blocks; it may be empty");
}

/// Whether the first file is the main one, as far as one can tell: a file with
/// `http {}` may also be for another one that has the rest.
fn is_the_main_file(model: &Model<'_>) -> bool {
    let is_named_so = model.files()[0].source.path().file_name().is_some_and(|name| name == MAIN_FILE);
    is_named_so || OF_THE_MAIN_FILE.into_iter().any(|name| model.main().directive(name).is_some())
}
