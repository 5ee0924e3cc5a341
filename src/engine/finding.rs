//! What a rule has to say.

use crate::model::{Directive, Place};
use crate::source::{Location, Span};

use super::rule::{Rule, Severity};

/// Another place that has to do with a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Where.
    pub location: Location,
    /// What is there.
    pub text: String,
}

/// A replacement of some bytes of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes.
    pub location: Location,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// Replaces a place by a text.
    pub fn replace(location: Location, text: impl Into<String>) -> Edit {
        Edit { location, text: text.into() }
    }

    /// Puts a directive on a line of its own behind another one and the
    /// comment at the end of its line.
    pub fn add_line_behind(directive: Directive<'_>, line: &str) -> Edit {
        let Location { file, span } = directive.whole();
        let source = directive.model().source(file);
        let end_of_line = source.line_span(source.line(span.end)).end;
        let rest = source.slice(Span { start: span.end, end: end_of_line }).trim();
        let end = if rest.is_empty() || rest.starts_with('#') { end_of_line } else { span.end };
        let location = Location { file, span: Span { start: end, end } };
        Edit { location, text: format!("\n{}{line}", directive.indentation()) }
    }
}

/// What would mend it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// Behaviour can only come closer to what the configuration says.
    pub safe: bool,
    /// The edits, none overlapping another.
    pub edits: Vec<Edit>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that has it; set when it is handed in.
    pub rule: &'static Rule,
    /// How bad it is.
    pub severity: Severity,
    /// nginx would not load the configuration.
    pub refused: bool,
    /// The place to look at.
    pub place: Place,
    /// What the place itself is labelled with, if the message is not enough.
    pub label: Option<String>,
    /// What is in this file, with its values.
    pub message: String,
    /// Why it matters: the outcome.
    pub note: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places.
    pub labels: Vec<Label>,
    /// What would mend it.
    pub fix: Option<Fix>,
    /// How often it was found at this place, in files included more than once.
    pub count: usize,
}

/// Findings of one rule in the making.
#[derive(Debug)]
pub struct Findings {
    rule: &'static Rule,
    list: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(rule: &'static Rule) -> Findings {
        Findings { rule, list: Vec::new() }
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        self.list
    }

    pub(super) fn set_rule(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    /// Adds a finding; the handle that comes back takes the rest of it.
    pub fn add(&mut self, place: Place, message: impl Into<String>) -> &mut Finding {
        self.list.push(Finding {
            rule: self.rule,
            severity: self.rule.severity,
            refused: self.rule.refused,
            place,
            label: None,
            message: message.into(),
            note: None,
            help: None,
            labels: Vec::new(),
            fix: None,
            count: 1,
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }
}

impl Finding {
    /// Why it matters.
    pub fn note(&mut self, note: impl Into<String>) -> &mut Finding {
        self.note = Some(note.into());
        self
    }

    /// What to write instead.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Finding {
        self.help = Some(help.into());
        self
    }

    /// What the place itself is labelled with.
    pub fn here(&mut self, text: impl Into<String>) -> &mut Finding {
        self.label = Some(text.into());
        self
    }

    /// Another place that has to do with it.
    pub fn label(&mut self, place: Place, text: impl Into<String>) -> &mut Finding {
        self.labels.push(Label { location: place.location, text: text.into() });
        self
    }

    /// What would mend it.
    pub fn fix(&mut self, safe: bool, title: impl Into<String>, edits: Vec<Edit>) -> &mut Finding {
        self.fix = Some(Fix { title: title.into(), safe, edits });
        self
    }

    /// A milder severity than the rule's own.
    pub fn severity(&mut self, severity: Severity) -> &mut Finding {
        self.severity = severity;
        self
    }

    /// nginx loads the configuration all the same.
    pub fn not_refused(&mut self) -> &mut Finding {
        self.refused = false;
        self
    }
}
