//! A named location that is not there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::catalog::{Context, Family, nearest};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, BlockId, Directive, Model, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "undefined-named-location",
    group: Group::Routing,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#try_files"],
    equivalents: &[],
    page: include_str!("undefined_named_location.md"),
    check: Check::Configuration(check),
};

/// The named locations of a server.
type Names<'m> = Vec<&'m str>;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut known: HashMap<BlockId, Names<'_>> = HashMap::new();
    let mut everywhere: Option<Names<'_>> = None;
    for directive in model.directives_named(&["try_files", "error_page"]) {
        let Some(name) = name_in(directive) else { continue };
        let server = directive.parent().outwards().find(|block| block.is(Context::Server));
        let names = match server {
            Some(server) if server.is_unseen() => continue,
            Some(server) => match known.entry(server.id()) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert(names_of(server)),
            },
            None if !model.is_whole(Family::Http) => continue,
            // For all servers: one that has it is enough.
            None => everywhere.get_or_insert_with(|| names_of_all(model)),
        };
        if names.binary_search(&name).is_err() {
            report(directive, name, server.is_some(), names, findings);
        }
    }
}

/// The location that a directive leads to; none where a value decides.
fn name_in(directive: Directive<'_>) -> Option<&str> {
    let is_in_force = directive.definition().is_some() && directive.argument_count() > 1;
    let last = directive.arguments().last().filter(|_| is_in_force)?;
    (last.starts_with('@') && !last.contains('$') && !has_placeholder(last)).then_some(last)
}

fn names_of(server: Block<'_>) -> Names<'_> {
    let mut names: Names<'_> = server.named_locations().collect();
    names.sort_unstable();
    names
}

fn names_of_all<'m>(model: &'m Model<'_>) -> Names<'m> {
    let mut names: Names<'_> = model.servers(Family::Http).flat_map(|server| server.named_locations()).collect();
    names.sort_unstable();
    names
}

fn report(directive: Directive<'_>, name: &str, in_server: bool, names: &[&str], findings: &mut Findings) {
    let last = directive.argument_count() - 1;
    let lack = if in_server { "this server has no" } else { "no server has a" };
    let message = format!("{} leads to \"{name}\", and {lack} location of that name", directive.name());
    let finding = findings.add(directive.place_of_argument(last), message);
    finding.note(format!("nginx starts, and answers 500 each time: could not find named location \"{name}\""));
    match nearest(name, names.iter().copied()) {
        Some(near) => finding.help(format!("write \"{near}\", or add: location {name} {{ … }}")),
        None => finding.help(format!("add to the server: location {name} {{ … }}")),
    };
}
