//! What a rule has to say.

use crate::catalog::{Context, Version};
use crate::facts::Tally;
use crate::model::{Directive, OLDEST_RELEASE, Place, Seen, Target, Together};
use crate::source::{Location, Span};

use serde::Serialize;

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

    /// Takes a directive out, with its line when nothing else stands there. A
    /// comment stays.
    pub fn remove(directive: Directive<'_>) -> Edit {
        let Location { file, span } = directive.whole();
        let source = directive.model().source(file);
        let first = source.line_span(source.line(span.start));
        let last = source.line(span.end.saturating_sub(1).max(span.start));
        let end = source.line_span(last).end;
        let is_blank = |start: u32, end: u32| source.slice(Span { start, end }).trim().is_empty();
        let is_first = is_blank(first.start, span.start);
        let next = source.line_span(last + 1).start;
        let behind = source.slice(Span { start: span.end, end });
        let blanks = behind.len() - behind.trim_start().len();
        let span = match is_first {
            true if is_blank(span.end, end) => Span { start: first.start, end: next.max(end) },
            true => Span { end: span.end + blanks as u32, ..span },
            false => {
                let before = source.slice(Span { start: first.start, end: span.start });
                Span { start: first.start + before.trim_end().len() as u32, ..span }
            }
        };
        Edit { location: Location { file, span }, text: String::new() }
    }

    /// Writes another value for the first argument; none where it is not
    /// written as a whole.
    pub fn replace_value(directive: Directive<'_>, value: &str) -> Option<Edit> {
        directive.editable_argument(0).map(|location| Edit::replace(location, value))
    }

    /// Sets a setting of a target's module, named without its prefix, where the
    /// target stands; none in an `if`, where that is not allowed, and in a file
    /// whose other places may have it already.
    pub fn set_beside(target: Target<'_>, setting: &str, value: &str) -> Option<Edit> {
        let name = format!("{}_{setting}", target.protocol.prefix());
        let block = target.block();
        if let Some(own) = block.directive(&name) {
            return Edit::replace_value(own, value);
        }
        let is_allowed = block.is(Context::Location) || block.is(Context::StreamServer);
        let fits = is_allowed && target.directive.is_included_once();
        fits.then(|| Edit::add_line_behind(target.directive, &format!("{name} {value};")))
    }

    /// Puts one more argument behind the last one.
    pub fn add_argument(directive: Directive<'_>, argument: &str) -> Edit {
        let Location { file, span } = directive.place().location;
        let end = Span { start: span.end, end: span.end };
        Edit { location: Location { file, span: end }, text: format!(" {argument}") }
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

    /// Removes an argument and the blanks in front of it; none where there is
    /// a comment between it and the word in front.
    pub fn remove_argument(directive: Directive<'_>, index: usize) -> Option<Edit> {
        let words = directive.words();
        let (before, word) = (words.get(index)?, words.get(index + 1)?);
        let file = directive.file();
        let between = Span { start: before.span.end, end: word.span.start };
        let is_blank = directive.model().source(file).slice(between).trim().is_empty();
        let location = Location { file, span: Span { start: between.start, end: word.span.end } };
        is_blank.then(|| Edit::replace(location, ""))
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

/// What nginx says of the same thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Its message, without level and place.
    pub text: String,
    /// The place it names, if it names one.
    pub names: Option<Location>,
    /// The first release that says it.
    pub since: Option<Version>,
    /// The first release that no longer says it.
    pub before: Option<Version>,
}

impl Verdict {
    fn silent() -> Verdict {
        Verdict { text: String::new(), names: None, since: None, before: None }
    }

    /// Whether some release says it that reads configurations for `target`;
    /// any release from [`OLDEST_RELEASE`] on when that is open.
    pub(super) fn is_said(&self, target: Option<Version>) -> bool {
        let late_enough = self.since.is_none_or(|since| target.is_none_or(|target| target >= since));
        let early_enough = self.before.is_none_or(|before| target.unwrap_or(OLDEST_RELEASE) < before);
        late_enough && early_enough
    }

    /// Whether every such release says it.
    pub(super) fn is_certain(&self, target: Option<Version>) -> bool {
        let from_the_start = self.since.is_none_or(|since| target.unwrap_or(OLDEST_RELEASE) >= since);
        let to_the_end = self.before.is_none_or(|before| target.is_some_and(|target| target < before));
        from_the_start && to_the_end
    }
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
    /// What nginx says of it when it reads the configuration; part of the note
    /// once the finding is handed in.
    pub verdict: Option<Verdict>,
    /// Why it matters: the outcome.
    pub note: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places.
    pub labels: Vec<Label>,
    /// What would mend it.
    pub fix: Option<Fix>,
    /// Documentation that is more to the point than the rule's.
    pub link: Option<String>,
    /// How often it was found at this place, in files included more than once.
    pub count: usize,
    /// What the logs say of it.
    pub evidence: Option<Evidence>,
}

/// How often the logs have it, and for whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Evidence {
    /// So often.
    pub count: u64,
    /// When first, as the log has it.
    pub first: String,
    /// When last.
    pub last: String,
    /// The clients with most of them.
    pub clients: Vec<Tally>,
    /// The requests with most of them.
    pub requests: Vec<Tally>,
}

/// Findings of one rule in the making.
#[derive(Debug)]
pub struct Findings {
    rule: &'static Rule,
    least: Severity,
    list: Vec<Finding>,
}

impl Findings {
    /// None yet, and none milder than `least` are asked for.
    pub fn new(rule: &'static Rule, least: Severity) -> Findings {
        Findings { rule, least, list: Vec::new() }
    }

    /// Whether findings of this severity are asked for: a rule that has to work
    /// for milder ones can spare that.
    pub fn want(&self, severity: Severity) -> bool {
        severity >= self.least
    }

    /// All of them.
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }

    /// The next ones are of this rule.
    pub fn set_rule(&mut self, rule: &'static Rule) {
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
            verdict: None,
            note: None,
            help: None,
            labels: Vec::new(),
            fix: None,
            link: None,
            count: 1,
            evidence: None,
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }
}

impl Finding {
    /// What nginx says of it: when it refuses the configuration, or, in a
    /// finding that is not [`Finding::refused`], as a warning. The note says
    /// so in front of anything else.
    pub fn nginx_says(&mut self, text: impl Into<String>) -> &mut Finding {
        self.verdict = Some(Verdict { text: text.into(), names: None, since: None, before: None });
        self
    }

    /// The place nginx names with that; the note says which line it is when it
    /// is not the finding's own.
    pub fn nginx_names(&mut self, location: Location) -> &mut Finding {
        self.verdict.get_or_insert_with(Verdict::silent).names = Some(location);
        self
    }

    /// Only nginx from this release on says it. When the release is not known,
    /// the finding becomes a warning that says the boundary; when the release
    /// is older, it is dropped.
    pub fn since(&mut self, version: Version) -> &mut Finding {
        self.verdict.get_or_insert_with(Verdict::silent).since = Some(version);
        self
    }

    /// Only nginx before this release says it; otherwise as [`Finding::since`].
    pub fn before(&mut self, version: Version) -> &mut Finding {
        self.verdict.get_or_insert_with(Verdict::silent).before = Some(version);
        self
    }

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
        let label = Label { location: place.location, text: text.into() };
        // A line of a file that is included twice is one place.
        if self.labels.last() != Some(&label) {
            self.labels.push(label);
        }
        self
    }

    /// What the logs say of it; all that is said comes together.
    pub fn seen(&mut self, seen: &Seen<'_>) -> &mut Finding {
        let evidence = self.evidence.get_or_insert_with(|| Evidence {
            count: 0,
            first: seen.first.to_owned(),
            last: seen.last.to_owned(),
            clients: Vec::new(),
            requests: Vec::new(),
        });
        evidence.count = evidence.count.saturating_add(seen.count);
        evidence.first = evidence.first.as_str().min(seen.first).to_owned();
        evidence.last = evidence.last.as_str().max(seen.last).to_owned();
        add_tallies(&mut evidence.clients, &seen.clients);
        add_tallies(&mut evidence.requests, &seen.requests);
        self
    }

    /// What the logs say of it, with the other servers of the group that it is
    /// about, and what passes the requests on.
    pub fn seen_together(&mut self, together: &Together<'_>) -> &mut Finding {
        let own = self.place.location;
        let is_elsewhere = |place: &Place| place.location != own;
        let servers = together.group_servers();
        let servers = servers.iter().map(|server| server.place_of_argument(0));
        let is_one_of_them = servers.clone().any(|place| place.location == own);
        for place in servers.filter(is_elsewhere).take(LABELS) {
            self.label(place, if is_one_of_them { "this server, too" } else { "the server" });
        }
        let targets = together.targets().into_iter().map(|target| target.directive.place_of_argument(0));
        for place in targets.filter(is_elsewhere).take(LABELS) {
            self.label(place, "passes the requests on");
        }
        for seen in &together.seen {
            self.seen(seen);
        }
        self
    }

    /// What would mend it.
    pub fn fix(&mut self, safe: bool, title: impl Into<String>, edits: Vec<Edit>) -> &mut Finding {
        self.fix = Some(Fix { title: title.into(), safe, edits });
        self
    }

    /// Links to what nginx says of a directive, if there is documentation.
    pub fn about(&mut self, directive: Directive<'_>) -> &mut Finding {
        self.link = directive.definitions().find_map(|definition| definition.url()).or(self.link.take());
        self
    }

    /// The link that reports show.
    pub fn url(&self) -> Option<&str> {
        self.link.as_deref().or(self.rule.url())
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

/// So many clients and requests are shown.
const TALLIES: usize = 5;

/// So many other places of a kind are shown with what the logs say.
const LABELS: usize = 3;

fn add_tallies(own: &mut Vec<Tally>, others: &[Tally]) {
    for other in others {
        match own.iter_mut().find(|tally| tally.value == other.value) {
            Some(tally) => tally.count = tally.count.saturating_add(other.count),
            None => own.push(other.clone()),
        }
    }
    own.sort_by_key(|tally| std::cmp::Reverse(tally.count));
    own.truncate(TALLIES);
}
