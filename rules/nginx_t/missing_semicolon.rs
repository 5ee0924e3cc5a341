//! A directive that goes on into the next line because its `;` is missing.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, swallowed_word};
use crate::source::{FileId, Location, Span};
use crate::syntax::{Ending, ParsedFile, StatementId};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-semicolon",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#conf_structure"],
    equivalents: &[],
    page: include_str!("missing_semicolon.md"),
    check: Check::Files(check),
};

fn check(id: FileId, file: &ParsedFile, model: &Model<'_>, findings: &mut Findings) {
    for statement in 0..file.syntax.statements.len() as StatementId {
        if let Some(index) = swallowed_word(file, statement) {
            report(id, file, statement, index, model, findings);
        }
    }
}

fn report(
    id: FileId,
    file: &ParsedFile,
    statement: StatementId,
    index: usize,
    model: &Model<'_>,
    findings: &mut Findings,
) {
    let words = file.words(statement);
    let end = words[index - 1].span.end;
    let at = Span { start: end, end };
    let name = file.value(&words[0]);
    let next = file.value(&words[index]);
    let line = file.source.line(file.statement(statement).terminator);
    let says = match file.statement(statement).ending {
        Ending::Block => format!("directive \"{name}\" is not terminated by \";\""),
        _ => format!("invalid number of arguments in \"{name}\" directive"),
    };
    let finding = findings.add(model.place_in_file(id, at), format!("\"{name}\" has no \";\" at the end of its line"));
    finding
        .here("\";\" is missing here")
        .label(model.place_in_file(id, words[index].span), format!("\"{next}\" is read as an argument of \"{name}\""))
        .note(format!("nginx refuses the file and points at line {line}: {says}"))
        .help("end the directive with \";\"")
        .fix(false, "add the missing \";\"", vec![Edit::replace(Location { file: id, span: at }, ";")]);
}
