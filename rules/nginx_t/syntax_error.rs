//! Quotes, braces and semicolons that do not match.

use crate::catalog;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Model;
use crate::source::{FileId, Location, Span};
use crate::syntax::{EndedBy, ParsedFile, Problem, ProblemKind, StatementId, Word};

/// See the page.
pub const RULE: Rule = Rule {
    name: "syntax-error",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#conf_structure"],
    equivalents: &[],
    page: include_str!("syntax_error.md"),
    check: Check::Files(check),
};

fn check(id: FileId, file: &ParsedFile, model: &Model<'_>, findings: &mut Findings) {
    let problems = &file.syntax.problems;
    for (index, problem) in problems.iter().enumerate() {
        let what = describe(file, problem);
        let finding = findings.add(model.place_in_file(id, what.at), what.message);
        let mut note = nginx_says(id, file, problem, what.at, model);
        if index + 1 == problems.len() && file.syntax.problem_count > problems.len() {
            let more = file.syntax.problem_count - problems.len();
            note.push_str(&format!("\nthere are {more} more syntax errors in this file"));
        }
        if let Some(offset) = file.syntax.unread_from.filter(|_| index + 1 == problems.len()) {
            let line = file.source.line(offset);
            note.push_str(&format!("\nnothing behind line {line} could be read, so there may be more"));
        }
        if !note.is_empty() {
            finding.note(note);
        }
        finding.help(what.help);
        if let Some(here) = what.here {
            finding.here(here);
        }
        for (span, text) in what.labels {
            finding.label(model.place_in_file(id, span), text);
        }
        if let Some((title, span, text)) = what.edit {
            finding.fix(false, title, vec![Edit::replace(Location { file: id, span }, text)]);
        }
        if problem.kind == ProblemKind::TooDeep {
            finding.not_refused();
        }
    }
}

/// How a problem is shown.
struct Description {
    at: Span,
    message: String,
    here: Option<&'static str>,
    help: String,
    labels: Vec<(Span, String)>,
    edit: Option<(&'static str, Span, &'static str)>,
}

impl Description {
    fn new(at: Span, message: impl Into<String>, help: impl Into<String>) -> Description {
        Description { at, message: message.into(), here: None, help: help.into(), labels: Vec::new(), edit: None }
    }
}

fn describe(file: &ParsedFile, problem: &Problem) -> Description {
    let at = problem.at;
    match &problem.kind {
        ProblemKind::MissingSemicolon { statement, ended_by } => missing_semicolon(file, *statement, *ended_by),
        ProblemKind::LoneSemicolon => {
            let help = "remove it; a block ends with \"}\" alone";
            Description {
                edit: Some(("remove the \";\"", at, "")),
                ..Description::new(at, "\";\" without a directive before it", help)
            }
        }
        ProblemKind::NamelessBlock => Description::new(
            at,
            "\"{\" without a directive before it",
            "write the name of the block, or remove its braces",
        ),
        ProblemKind::UnopenedBlock { suspect } => unopened_block(file, at, *suspect),
        ProblemKind::UnclosedBlock { open, suspect } => unclosed_block(file, at, *open, *suspect),
        ProblemKind::UnclosedQuote { quote } => {
            let message = format!("the quote {quote} is opened here and not closed on this line");
            Description::new(at, message, format!("write the closing {quote}"))
        }
        ProblemKind::TextBehindQuote { word } => {
            let message = format!("{} stands right behind a closing quote", quoted(file.source.slice(at)));
            let help = "put a blank or \";\" there, or take the whole word into the quotes";
            let labels = vec![(*word, "this word is complete".to_owned())];
            Description { labels, ..Description::new(at, message, help) }
        }
        ProblemKind::TooLong { length, comment } => too_long(file, at, *length, *comment),
        ProblemKind::UnclosedLua => {
            let help = "write the \"}\" that ends the Lua code";
            Description::new(first_line(file, at), "the Lua code of this block is never closed", help)
        }
        ProblemKind::TooDeep => {
            let help = "nothing inside this block was judged";
            Description::new(at, "blocks are nested more than 1000 levels deep here", help)
        }
    }
}

fn missing_semicolon(file: &ParsedFile, statement: StatementId, ended_by: EndedBy) -> Description {
    let words = file.words(statement);
    let swallowed = swallowed_directive(file, words);
    let last = swallowed.unwrap_or(words.len()) - 1;
    let end = words[last].span.end;
    let at = Span { start: end, end };
    let name = file.name(statement);
    let place = match ended_by {
        _ if swallowed.is_some() => "at the end of its line",
        EndedBy::CloseBrace => "before the block ends",
        EndedBy::EndOfFile => "before the file ends",
    };
    let mut description =
        Description::new(at, format!("{} has no \";\" {place}", quoted(name)), "end the directive with \";\"");
    if let Some(index) = swallowed {
        let next = quoted(file.value(&words[index]));
        description.labels.push((words[index].span, format!("{next} is read as an argument of {}", quoted(name))));
    }
    description.here = Some("\";\" is missing here");
    description.edit = Some(("add the missing \";\"", at, ";"));
    description
}

/// The first word that begins a line and is the name of a directive.
fn swallowed_directive(file: &ParsedFile, words: &[Word]) -> Option<usize> {
    (1..words.len()).find(|index| {
        let between = Span { start: words[index - 1].span.end, end: words[*index].span.start };
        file.source.slice(between).contains('\n') && catalog::name_index(file.value(&words[*index])).is_some()
    })
}

fn unopened_block(file: &ParsedFile, at: Span, suspect: Option<Span>) -> Description {
    let help = "remove one \"}\", or write the line that opens the block";
    let mut description = Description::new(at, "\"}\" closes a block, but none is open", help);
    if let Some(suspect) = suspect {
        let line = file.source.line(suspect.start);
        description
            .labels
            .push((suspect, "this one may be too many: it stands deeper than the block it closes".into()));
        description.help = format!("remove one \"}}\"; by the indentation, the one on line {line}");
    }
    description
}

fn unclosed_block(file: &ParsedFile, at: Span, open: usize, suspect: Option<Span>) -> Description {
    let head = file.source.slice(at).trim_end_matches('{').trim_end();
    let mut description = Description::new(
        first_line(file, at),
        format!("the block {} is never closed", quoted(head)),
        "write the \"}\" that closes it",
    );
    if let Some(suspect) = suspect {
        description.labels.push((suspect, "closes it instead, though it stands in line with an outer block".into()));
    }
    if open > 1 {
        description.help = format!("write the \"}}\" that closes it; {open} blocks are open at the end of the file");
    }
    description
}

fn too_long(file: &ParsedFile, at: Span, length: usize, comment: bool) -> Description {
    let at = first_line(file, at);
    if comment {
        let help = "break it into several lines";
        return Description::new(
            at,
            format!("this comment is {length} bytes long, and nginx reads at most 4095"),
            help,
        );
    }
    let help = "look for a closing quote that is missing, or shorten it";
    Description::new(at, format!("this word is {length} bytes long, and nginx reads at most 4095"), help)
}

/// The part of a span that lies on its first line.
fn first_line(file: &ParsedFile, span: Span) -> Span {
    let text = file.source.slice(span);
    let end = text.find(['\n', '\r']).map_or(span.end, |feed| span.start + feed as u32);
    Span { start: span.start, end }
}

/// nginx's own words, with its line where that is another one.
fn nginx_says(id: FileId, file: &ParsedFile, problem: &Problem, at: Span, model: &Model<'_>) -> String {
    if problem.nginx_says.is_empty() {
        return String::new();
    }
    let (says, noticed) = stumbles_before(id, problem, model)
        .unwrap_or_else(|| (problem.nginx_says.clone(), file.source.line(problem.noticed_at)));
    if noticed == file.source.line(at.start) {
        format!("nginx refuses the file: {says}")
    } else {
        format!("nginx refuses the file and points at line {noticed}: {says}")
    }
}

/// What nginx says, and in which line, when a brace that is missing or too
/// many has put a directive where it cannot be, and nginx reads that first.
fn stumbles_before(id: FileId, problem: &Problem, model: &Model<'_>) -> Option<(String, u32)> {
    if !matches!(problem.kind, ProblemKind::UnopenedBlock { .. } | ProblemKind::UnclosedBlock { .. }) {
        return None;
    }
    let of_file = model.misfits().filter(|(directive, _)| directive.file() == id);
    let misfits = of_file.map(|(directive, misfit)| (directive.terminator().span.start, misfit.says(directive.name())));
    let in_data = model.blocks_in_data(id).map(|head| (head.terminator().span.start, "unexpected \"{\"".to_owned()));
    let (offset, says) = misfits.chain(in_data).min_by_key(|(offset, _)| *offset)?;
    (offset < problem.noticed_at).then(|| (says, model.source(id).line(offset)))
}

/// A short text from the file in quotes.
fn quoted(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 60 {
        line = line.chars().take(60).chain(['…']).collect();
    }
    format!("\"{}\"", crate::source::printable(&line))
}
