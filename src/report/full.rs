//! Findings with the lines they are about, drawn by miette.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles,
};
use owo_colors::OwoColorize;

use crate::engine::{Evidence, Finding, Severity};
use crate::source::{FileId, Location, SourceFile, Span};

use super::excerpt::{Excerpt, Mark};
use super::{Report, Shown};

/// So many includes are shown on the way to a finding.
const CHAIN: usize = 6;

/// What the output can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// Colours.
    pub colour: bool,
    /// Characters for drawing lines.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}

/// Writes the findings, each followed by a blank line, and a last line that
/// sums up.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(style);
    for shown in &report.findings {
        write_finding(shown, &handler, style, out)?;
        writeln!(out)?;
    }
    write_summary(report, style, out)
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if style.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if style.colour { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false).with_context_lines(1)
}

fn write_finding(
    shown: &Shown<'_>,
    handler: &GraphicalReportHandler,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let finding = shown.finding;
    writeln!(out, "{}", headline(finding, style))?;
    draw(handler, Excerpt::new(&marks(finding), |file| shown.source(file)), out)?;
    for (word, text) in footers(shown) {
        write_footer(word, &text, style, out)?;
    }
    Ok(())
}

/// Writes one thing that is wrong in a file that is not judged, and where.
///
/// # Errors
///
/// Those of the writer.
pub fn write_problem(
    source: &SourceFile,
    span: Span,
    message: &str,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let word = if style.colour { "error".red().bold().to_string() } else { "error".to_owned() };
    writeln!(out, "{word}: {message}")?;
    let location = Location { file: FileId(0), span };
    let mark = Mark { location, text: None, primary: true };
    draw(&handler(style), Excerpt::new(&[mark], |_| source), out)
}

/// Draws the lines of an excerpt.
fn draw(handler: &GraphicalReportHandler, excerpt: Excerpt, out: &mut dyn Write) -> io::Result<()> {
    let mut drawn = String::new();
    handler.render_report(&mut drawn, &Drawing { excerpt }).map_err(io::Error::other)?;
    // miette begins with a heading, which ours stands for.
    let body = drawn.find('\n').map_or("", |feed| &drawn[feed + 1..]).trim_start_matches('\n');
    out.write_all(body.as_bytes())
}

fn headline(finding: &Finding, style: Style) -> String {
    let tag = format!("{}[{}]", finding.severity, finding.rule.name);
    let message = &finding.message;
    match (style.colour, finding.severity) {
        (false, _) => format!("{tag}: {message}"),
        (true, Severity::Error) => format!("{}: {}", tag.red().bold(), message.bold()),
        (true, Severity::Warning) => format!("{}: {}", tag.yellow().bold(), message.bold()),
        (true, Severity::Info) => format!("{}: {}", tag.cyan().bold(), message.bold()),
    }
}

fn marks(finding: &Finding) -> Vec<Mark<'_>> {
    let own = Mark { location: finding.place.location, text: finding.label.as_deref(), primary: true };
    let others = finding.labels.iter();
    let others = others.map(|label| Mark { location: label.location, text: Some(&label.text), primary: false });
    std::iter::once(own).chain(others).collect()
}

fn footers(shown: &Shown<'_>) -> Vec<(&'static str, String)> {
    let finding = shown.finding;
    let mut footers = Vec::new();
    let chain = include_chain(shown);
    if !chain.is_empty() {
        let times = if finding.count > 1 { format!(", and {} more", finding.count - 1) } else { String::new() };
        footers.push(("from", format!("{chain}{times}")));
    }
    footers.extend(finding.evidence.as_ref().map(|evidence| ("log", evidence_in_words(evidence))));
    footers.extend(finding.note.clone().map(|note| ("note", note)));
    footers.extend(finding.help.clone().map(|help| ("help", help)));
    footers.extend(finding.url().map(|url| ("link", url.to_owned())));
    footers
}

/// `3 times from … to …, clients: …, requests: …`.
fn evidence_in_words(evidence: &Evidence) -> String {
    let mut text = match evidence.count {
        1 => format!("once, at {}", evidence.first),
        count => format!("{count} times from {} to {}", evidence.first, evidence.last),
    };
    for (word, tallies) in [("from", &evidence.clients), ("for", &evidence.requests)] {
        let tallies: Vec<String> = tallies.iter().map(|tally| format!("{} ({})", tally.value, tally.count)).collect();
        if !tallies.is_empty() {
            text.push_str(&format!("\n{word} {}", tallies.join(", ")));
        }
    }
    text
}

/// The includes on the way, of a long chain the ends.
fn include_chain(shown: &Shown<'_>) -> String {
    let step = |(source, line): (&SourceFile, u32)| format!("{source}:{line}");
    let mut chain: Vec<String> = shown.included_from().take(CHAIN).map(step).collect();
    let more = shown.included_from().skip(CHAIN).count();
    if more > 0 {
        chain.push(format!("{more} more"));
    }
    chain.join(" from ")
}

fn write_footer(word: &str, text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let lead = if style.colour { format!("  {}: ", word.cyan()) } else { format!("  {word}: ") };
    let indent = " ".repeat(word.len() + 4);
    let width = style.width.saturating_sub(indent.len()).max(20);
    for (index, line) in text.lines().flat_map(|line| textwrap::wrap(line, width)).enumerate() {
        writeln!(out, "{}{line}", if index == 0 { &lead } else { &indent })?;
    }
    Ok(())
}

fn write_summary(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(examined) = &report.examined else { return writeln!(out, "{}", report.summary.line()) };
    let machine = match (examined.has_machine(), examined.facts.not_examined.is_empty()) {
        (false, _) => "in the logs",
        (true, true) => "on this machine",
        (true, false) => "in what could be seen of this machine",
    };
    writeln!(out, "{} and {machine}", report.summary.line())?;
    for (word, text) in examined.in_words() {
        write_footer(word, &text, style, out)?;
    }
    Ok(())
}

/// The part of a finding that miette draws.
struct Drawing {
    excerpt: Excerpt,
}

impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawing")
    }
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-")
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.excerpt.labels.iter().cloned()))
    }
}
