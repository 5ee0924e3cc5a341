//! A directive with too many arguments or too few.

use crate::catalog::Arguments;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Misfit, Model, swallowed_word};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-argument-count",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/dirindex.html"],
    equivalents: &[],
    page: include_str!("invalid_argument_count.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (directive, misfit) in model.misfits() {
        let swallowed = || swallowed_word(&model.files()[directive.file().index()], directive.statement()).is_some();
        if misfit == Misfit::ArgumentCount && !swallowed() && !is_broken(directive) {
            report(directive, findings);
        }
    }
}

/// Whether the file cannot be read as it stands in the middle of it: the words
/// are then not what they seem.
fn is_broken(directive: Directive<'_>) -> bool {
    let whole = directive.whole().span;
    let problems = &directive.model().files()[directive.file().index()].syntax.problems;
    problems.iter().any(|problem| problem.at.start >= whole.start && problem.at.end <= whole.end)
}

fn report(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let count = directive.argument_count();
    let Some(takes) = accepted(directive) else { return };
    let too_many = takes.max().filter(|max| count > *max);
    let place = match too_many {
        Some(max) => directive.place_of_arguments(max..count),
        None => directive.place(),
    };
    let message = format!("\"{name}\" takes {}, here {}", in_words(takes), has(count));
    let finding = findings.add(place, message);
    finding.nginx_says(Misfit::ArgumentCount.says(name)).nginx_names(directive.terminator()).about(directive);
    finding.help(match too_many {
        Some(0) => format!("write \"{name}\" alone"),
        Some(_) => "remove what is too much; quote a value that has blanks in it".to_owned(),
        None => "write the arguments it needs".to_owned(),
    });
}

/// How many arguments it takes in the release that is meant.
fn accepted(directive: Directive<'_>) -> Option<Arguments> {
    let definition = directive.definitions().next()?;
    let version = directive.model().version();
    Some(version.map_or(definition.arguments, |version| definition.form_in(version).arguments))
}

/// `no argument`, `1 argument`, `1 to 3 arguments`, `at least 2 arguments`.
fn in_words(takes: Arguments) -> String {
    match (takes.min(), takes.max()) {
        (0, Some(0)) => "no argument".to_owned(),
        (1, Some(1)) => "1 argument".to_owned(),
        (1, None) => "at least 1 argument".to_owned(),
        (min, None) => format!("at least {min} arguments"),
        _ => format!("{} arguments", takes.to_string().replace('-', " to ").replace(',', " or ")),
    }
}

fn has(count: usize) -> String {
    match count {
        0 => "is none".to_owned(),
        1 => "is 1".to_owned(),
        count => format!("are {count}"),
    }
}
