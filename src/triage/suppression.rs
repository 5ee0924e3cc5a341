//! Findings that a comment in the file says to ignore, and comments that
//! ignore nothing.

use chrono::NaiveDate;

use crate::catalog::Context;
use crate::config::Names;
use crate::engine::{Edit, Finding, Findings, Rule, Severity};
use crate::model::Model;
use crate::source::{FileId, Location, Span};
use crate::syntax::{ParsedFile, StatementId};

use super::directive::{self, Ignore};
use super::selection::means;

/// What is needed to judge comments.
#[derive(Clone, Copy, Debug)]
pub struct Suppressions<'a> {
    /// The rule about comments that ignore nothing.
    pub unused: &'static Rule,
    /// The rule about comments that cannot hold.
    pub invalid: &'static Rule,
    /// The names that rules can be meant by.
    pub names: &'a Names<'a>,
    /// The rules that were asked.
    pub asked: &'a [&'static Rule],
    /// Today.
    pub today: NaiveDate,
}

/// A comment that holds, and what it covers.
struct Suppression {
    file: FileId,
    comment: Span,
    ignore: Ignore,
    covered: Span,
    /// For each name, whether it ignored something.
    used: Vec<bool>,
}

/// The day it is.
pub fn today() -> NaiveDate {
    chrono::Local::now().date_naive()
}

impl Suppressions<'_> {
    /// Takes away the findings that comments say to ignore, and adds what is
    /// wrong with the comments. Gives how many were taken away.
    pub fn apply(&self, model: &Model<'_>, findings: &mut Vec<Finding>) -> usize {
        let mut complaints = Findings::new(self.invalid, Severity::Info);
        let mut suppressions = self.gather(model, &mut complaints);
        let before = findings.len();
        findings.retain(|finding| !suppressions.iter_mut().any(|suppression| self.covers(suppression, finding)));
        let suppressed = before - findings.len();
        if knows_everything(model) {
            complaints.set_rule(self.unused);
            for suppression in &suppressions {
                self.complain_of_unused(model, suppression, &mut complaints);
            }
        }
        findings.extend(complaints.into_list());
        suppressed
    }

    fn gather(&self, model: &Model<'_>, complaints: &mut Findings) -> Vec<Suppression> {
        let mut suppressions = Vec::new();
        for (id, file) in (0..).map(FileId).zip(model.files()) {
            for comment in &file.syntax.comments {
                let text = file.source.slice(*comment);
                if directive::is_for_us(text) {
                    suppressions.extend(self.read(model, id, file, *comment, complaints));
                }
            }
        }
        suppressions
    }

    /// The suppression in a comment, unless something is wrong with it.
    fn read(
        &self,
        model: &Model<'_>,
        id: FileId,
        file: &ParsedFile,
        comment: Span,
        complaints: &mut Findings,
    ) -> Option<Suppression> {
        let mut complain = |span: Span, message: String, help: &str| {
            complaints.add(model.place_in_file(id, span), message).help(help);
        };
        let ignore = match directive::parse(file.source.slice(comment))? {
            Ok(ignore) => ignore,
            Err(misspelt) => {
                complain(
                    comment,
                    format!("this comment ignores nothing: {misspelt}"),
                    "such as: # nginx-lint: ignore[timeout-zero] the backend never answers",
                );
                return None;
            }
        };
        for (name, range) in &ignore.names {
            if !self.names.has(name) {
                let start = comment.start as usize;
                let span = Span::new(start + range.start, start + range.end);
                complain(span, self.names.unknown(name), "nginx-lint rules lists the rules");
            }
        }
        if !ignore.has_reason {
            let message = "this comment does not say why the finding is ignored";
            complain(
                comment,
                message.to_owned(),
                "write the reason behind the brackets, for whoever reads the file next",
            );
            return None;
        }
        if let Some(until) = ignore.until.filter(|until| *until < self.today) {
            complain(
                comment,
                format!("this comment held until {until}, and ignores nothing any more"),
                "mend what it ignored, or give it another date",
            );
            return None;
        }
        let covered = if ignore.of_file {
            if !is_at_the_top(file, comment) {
                let message = "\"ignore-file\" stands behind the first directive, and ignores nothing".to_owned();
                complain(comment, message, "write it at the top of the file");
                return None;
            }
            Span::new(0, file.source.bytes().len())
        } else {
            covered_by(file, comment)
        };
        let used = vec![false; ignore.names.len()];
        Some(Suppression { file: id, comment, ignore, covered, used })
    }

    fn covers(&self, suppression: &mut Suppression, finding: &Finding) -> bool {
        let Location { file, span } = finding.place.location;
        let inside = file == suppression.file
            && suppression.covered.start <= span.start
            && span.start < suppression.covered.end.max(suppression.covered.start + 1);
        let mut covers = false;
        if inside {
            for ((name, _), used) in suppression.ignore.names.iter().zip(&mut suppression.used) {
                if means(name, finding.rule) {
                    *used = true;
                    covers = true;
                }
            }
        }
        covers
    }

    fn complain_of_unused(&self, model: &Model<'_>, suppression: &Suppression, complaints: &mut Findings) {
        let names = &suppression.ignore.names;
        let is_unused = |index: usize| {
            let was_asked = self.asked.iter().any(|rule| means(&names[index].0, rule));
            !suppression.used[index] && was_asked
        };
        let unused: Vec<usize> = (0..names.len()).filter(|index| is_unused(*index)).collect();
        if unused.is_empty() {
            return;
        }
        let list: Vec<&str> = unused.iter().map(|index| names[*index].0.as_str()).collect();
        let place = model.place_in_file(suppression.file, suppression.comment);
        let finding = complaints.add(place, format!("nothing here to ignore: {} finds nothing", list.join(", ")));
        finding.note("what it was written for is gone, or stands elsewhere; left alone it may hide the next mistake");
        finding.help("remove the comment, or the name in it");
        if unused.len() == names.len() {
            let edit = without_comment(&model.files()[suppression.file.0 as usize], suppression);
            finding.fix(true, "remove the comment", vec![edit]);
        }
    }
}

/// Whether a rule that found nothing has seen everything there is: in a part
/// of a configuration it may find something when it sees the whole.
fn knows_everything(model: &Model<'_>) -> bool {
    let outermost = model.main();
    outermost.is(Context::Main) && !model.is_fragment() && !model.blocks().any(|block| block.is_unseen())
}

fn is_at_the_top(file: &ParsedFile, comment: Span) -> bool {
    file.syntax.statements.is_empty() || comment.start < file.words(0)[0].span.start
}

/// At the end of a line, the statements that stand on it, of a block its head;
/// on a line of its own, the statement that follows, with its block.
fn covered_by(file: &ParsedFile, comment: Span) -> Span {
    let source = &file.source;
    let line = source.line_span(source.line(comment.start));
    let before = source.slice(Span { start: line.start, end: comment.start });
    let statements = 0..file.syntax.statements.len() as StatementId;
    if before.trim().is_empty() {
        let next = statements.into_iter().find(|id| file.words(*id)[0].span.start > comment.start);
        return next.map_or(Span { start: comment.end, end: comment.end }, |id| file.whole_span(id));
    }
    let head = |id: StatementId| Span {
        start: file.words(id)[0].span.start,
        end: file.statement(id).terminator.max(file.head_span(id).end),
    };
    let touching = statements.map(head).filter(|head| head.start < comment.start && head.end >= line.start);
    touching.fold(Span { start: comment.start, end: comment.start }, |covered, head| Span {
        start: covered.start.min(head.start),
        end: covered.end.max(head.end),
    })
}

/// Takes the comment away, with the blanks before it; with its line, if that
/// holds nothing else.
fn without_comment(file: &ParsedFile, suppression: &Suppression) -> Edit {
    let source = &file.source;
    let number = source.line(suppression.comment.start);
    let line = source.line_span(number);
    let before = source.slice(Span { start: line.start, end: suppression.comment.start });
    let alone = before.trim().is_empty();
    let start = if alone { line.start } else { line.start + before.trim_end().len() as u32 };
    let end = if alone && number < source.line_count() { source.line_span(number + 1).start } else { line.end };
    Edit::replace(Location { file: suppression.file, span: Span { start, end } }, "")
}
