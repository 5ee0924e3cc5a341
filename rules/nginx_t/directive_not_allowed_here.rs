//! A directive in a block that does not take it.

use crate::catalog::{self, Contexts};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Kind, Misfit, Model, is_first_in_plus};

/// See the page.
pub const RULE: Rule = Rule {
    name: "directive-not-allowed-here",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/dirindex.html"],
    equivalents: &[],
    page: include_str!("directive_not_allowed_here.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (directive, misfit) in model.misfits() {
        // Where braces are missing, blocks are not what they seem.
        let broken = model.files()[directive.file().index()].syntax.problem_count > 0;
        if misfit == Misfit::NotAllowedHere && !broken && !is_in_a_misplaced_block(directive) {
            report(directive, findings);
        }
    }
}

/// Whether a block around it is itself not allowed where it stands: that is
/// the one mistake.
fn is_in_a_misplaced_block(directive: Directive<'_>) -> bool {
    directive.parent().outwards().filter_map(|block| block.head()).any(|head| head.definition().is_none())
}

fn report(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let Kind::Directives(here) = directive.parent().kind() else { return };
    let later = later_definition(directive, here);
    if directive.model().is_for_plus() && later.is_some_and(is_first_in_plus) {
        return;
    }
    let message = match later.and_then(|definition| definition.since) {
        Some(since) => format!("\"{name}\" is not allowed in {} before nginx {since}", called(here)),
        None => format!("\"{name}\" is not allowed in {}", called(here)),
    };
    let finding = findings.add(directive.place_of_name(), message);
    finding.nginx_says(Misfit::NotAllowedHere.says(name)).nginx_names(directive.terminator());
    finding.link = catalog::find(name).iter().find_map(|definition| definition.url());
    let allowed = allowed_in(directive);
    match enclosing(directive, allowed) {
        Some(block) if block.head().is_some() => {
            let outer = block.kind();
            let text = if let Kind::Directives(context) = outer { called(context) } else { String::new() };
            finding.help(format!("move it out, into {text} around it"));
            if let Some(head) = block.head() {
                finding.label(head.place_of_name(), "it is allowed right in here");
            }
        }
        _ => {
            // What other kinds of blocks take is of no use here, unless nothing else does.
            let near: Contexts = allowed.iter().filter(|context| context.family() == here.family()).collect();
            let allowed = if near.is_empty() { allowed } else { near };
            finding.help(format!("it can stand in: {allowed}"));
        }
    }
    if let Some(head) = directive.parent().head() {
        finding.label(head.place_of_name(), "this block does not take it");
    }
}

/// What a release after the one that is meant says of it here.
fn later_definition(directive: Directive<'_>, here: catalog::Context) -> Option<&'static catalog::Directive> {
    let known = catalog::find_in(directive.name(), here)?;
    let is_late = known.since.is_some_and(|since| directive.model().version().is_some_and(|version| version < since));
    is_late.then_some(known)
}

fn called(context: catalog::Context) -> String {
    match context {
        catalog::Context::Main => "the main context, outside of all blocks".to_owned(),
        context => format!("\"{context}\""),
    }
}

fn allowed_in(directive: Directive<'_>) -> Contexts {
    let profile = directive.model().profile();
    let known = catalog::find(directive.name()).iter().filter(|definition| profile.has(definition));
    known.fold(Contexts::NONE, |all, definition| all.union(definition.contexts))
}

/// The innermost block around it that takes it.
fn enclosing<'m>(directive: Directive<'m>, allowed: Contexts) -> Option<Block<'m>> {
    directive.parent().outwards().skip(1).find(|block| match block.kind() {
        Kind::Directives(context) => allowed.contains(context),
        Kind::Data | Kind::Unknown => false,
    })
}
