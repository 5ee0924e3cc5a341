//! A `$` that names no variable, and a word that must be one and is not.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Kind, Model, NotAVariable, WhyNot, evaluated_since};
use crate::source::Location;

/// See the page.
pub const RULE: Rule = Rule {
    name: "malformed-variable",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/varindex.html"],
    equivalents: &[],
    page: include_str!("malformed_variable.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for wrong in model.not_variables() {
        report(&wrong, findings);
    }
}

fn report(wrong: &NotAVariable<'_>, findings: &mut Findings) {
    let directive = wrong.directive;
    let word = directive.word(wrong.word).unwrap_or_default();
    let part = word.get(wrong.range.clone()).unwrap_or_default();
    let name = part.trim_start_matches(['$', '{']);
    let (message, says) = match wrong.why {
        WhyNot::Nameless => (nameless(part), "invalid variable name".to_owned()),
        WhyNot::NamelessInLog => {
            (nameless(part), format!("invalid parameter \"{}\"", word.get(wrong.range.start..).unwrap_or_default()))
        }
        WhyNot::Unclosed => (
            format!("\"{part}\" has no closing \"}}\""),
            format!("the closing bracket in \"{name}\" variable is missing"),
        ),
        WhyNot::NoDollar => {
            (format!("\"{part}\" must be a variable, and has no \"$\""), format!("invalid variable name \"{part}\""))
        }
        WhyNot::OnlyDollar => {
            ("a \"$\" alone is not the name of a variable".to_owned(), "invalid variable name \"$\"".to_owned())
        }
        WhyNot::OwnRoot(name) => (
            format!("${name} cannot be used here: it is made of this {}", directive.name()),
            format!("the ${name} variable cannot be used in the \"{}\" directive", directive.name()),
        ),
    };
    let finding = findings.add(wrong.place(), message);
    finding.nginx_says(says).nginx_names(if wrong.is_read_at_the_end() {
        end_of_family(directive)
    } else {
        directive.terminator()
    });
    finding.help(help(wrong, name));
    if let Some(since) = evaluated_since(directive) {
        finding.since(since);
    }
}

fn nameless(part: &str) -> String {
    match part {
        "$" => "the \"$\" names no variable".to_owned(),
        _ => format!("\"{part}\" names no variable"),
    }
}

fn help(wrong: &NotAVariable<'_>, name: &str) -> String {
    match wrong.why {
        WhyNot::Nameless | WhyNot::NamelessInLog => {
            "write a name behind the \"$\"; for the character itself, define geo $dollar { default \"$\"; } in http {} and write ${dollar}".to_owned()
        }
        WhyNot::Unclosed if name.is_empty() => "write a name of letters, digits and _ between the braces".to_owned(),
        WhyNot::Unclosed => format!("write ${{{name}}}; a name has only letters, digits and _"),
        WhyNot::NoDollar if name.is_empty() => "write a variable, such as $name".to_owned(),
        WhyNot::NoDollar => format!("write ${name}"),
        WhyNot::OnlyDollar => "write a name behind the \"$\"".to_owned(),
        WhyNot::OwnRoot(_) => "write the path itself, or another variable".to_owned(),
    }
}

/// The brace that ends `http {}` or `stream {}`.
fn end_of_family(directive: Directive<'_>) -> Location {
    let is_outermost = |kind| matches!(kind, Kind::Directives(Context::Http | Context::Stream));
    let outermost = directive.parent().outwards().find(|block| is_outermost(block.kind()));
    outermost.and_then(|block| block.head()).map_or_else(|| directive.terminator(), |head| head.last_byte())
}
