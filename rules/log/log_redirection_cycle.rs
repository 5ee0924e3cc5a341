//! Requests that nginx sends round in circles until it gives up.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Directive, Model, Seen, Turn};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-redirection-cycle",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#try_files"],
    equivalents: &[],
    page: include_str!("log_redirection_cycle.md"),
    check: Check::Configuration(check),
};

const NOTE: &str = "nginx gives up after ten such turns and answers 500, with \"rewrite or internal redirection cycle\" in the error log";

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::RedirectionCycle]) {
        match seen.last_turn_of_a_cycle() {
            Some(turn) => say_where(&seen, &turn, findings),
            None => say(&seen, findings),
        }
    }
}

fn say_where(seen: &Seen<'_>, turn: &Turn<'_>, findings: &mut Findings) {
    let name = turn.directive.name();
    let (message, help) = match name {
        "try_files" if !turn.to.starts_with('@') => (
            format!("try_files leads to \"{}\", which is not there, and so to itself again", turn.to),
            format!("put the file where root looks for \"{}\", or let try_files end in =404", turn.to),
        ),
        "rewrite" => (
            "what this rewrite makes of the path is rewritten again, without end".to_owned(),
            "write break instead of last, or a regular expression that its own result does not match".to_owned(),
        ),
        "error_page" if !turn.to.starts_with('@') => (
            format!("the page \"{}\" fails itself, and recursive_error_pages leads to it again", turn.to),
            "make the page a file that is there, in a location with recursive_error_pages off".to_owned(),
        ),
        _ => (
            format!("{name} leads to \"{}\", and from there back again", turn.to),
            "let one of the locations on the way answer by itself".to_owned(),
        ),
    };
    let finding = findings.add(turn.directive.place(), message);
    finding.note(NOTE).help(help);
    let start = seen.came_to().filter(|block| block.is(Context::Location) && *block != turn.directive.parent());
    if let Some(head) = start.and_then(|block| block.head()) {
        finding.label(head.place(), "the requests come in here");
    }
    finding.seen(seen);
}

/// Where the way depends on more than the configuration and the request.
fn say(seen: &Seen<'_>, findings: &mut Findings) {
    let suspect = suspect(seen);
    let place = suspect.map_or_else(|| seen.place_of_block(), |directive| directive.place());
    let message = match suspect {
        Some(directive) => format!("requests go round in circles here, likely by {}", directive.name()),
        None => "requests go round in circles here".to_owned(),
    };
    let finding = findings.add(place, message);
    finding.note(NOTE);
    finding.help("look where try_files, rewrite, error_page and index of these requests lead: `nginx-lint route` shows it step by step");
    finding.seen(seen);
}

/// What most likely closes the circle, where the way cannot be told: pages for
/// errors that may lead to each other, before what leads on in any case.
fn suspect<'m>(seen: &Seen<'m>) -> Option<Directive<'m>> {
    let block = seen.came_to()?;
    let page = || block.effective_list("error_page").directives.last().copied();
    let page = page().filter(|_| block.is_on("recursive_error_pages") == Some(true));
    page.or_else(|| block.directive("try_files")).or_else(|| block.directive("rewrite"))
}
