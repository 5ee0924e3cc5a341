//! The answer for people: one line a value, its origin beside it, the blocks
//! as a tree.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::catalog::{self, Contexts, Inheritance};
use crate::model::{Block, BlockId, Directive, InForce, Profile, Slot, earlier_defaults};

use super::place::{Place, Places, inheritance, label, path, records, written};

/// A table with longer lines has a line for each value.
const WIDEST: usize = 120;

/// Stands before what does not count any more.
const DISCARDED: &str = "- ";

/// Blanks between columns.
const GAP: usize = 2;

/// A line of the table.
struct Line {
    indent: usize,
    left: String,
    value: String,
    right: String,
}

impl Line {
    fn heading(indent: usize, left: String) -> Line {
        Line { indent, left, value: String::new(), right: String::new() }
    }

    fn has_more(&self) -> bool {
        !self.value.is_empty() || !self.right.is_empty()
    }
}

/// How wide the columns are.
struct Layout {
    left: usize,
    value: usize,
    total: usize,
}

pub fn write(slot: &Slot, profile: &Profile, answers: &[Places<'_>], out: &mut impl Write) -> io::Result<()> {
    let records = records(slot, answers);
    writeln!(out, "{}: {}", slot.name, policy(slot, &records))?;
    if let Some(note) = versions(&records, profile) {
        writeln!(out, "{note}")?;
    }
    let tables: Vec<(&Places<'_>, Vec<Line>)> =
        answers.iter().filter_map(|places| Some((places, lines_of(slot, places)?))).collect();
    if tables.iter().flat_map(|(_, lines)| lines).any(|line| line.left.starts_with(DISCARDED)) {
        writeln!(out, "\"-\" stands before what counts around a block, but not in it")?;
    }
    for (places, lines) in &tables {
        writeln!(out)?;
        if tables.len() > 1 {
            writeln!(out, "{}:", places.entry)?;
        }
        write_table(lines, out)?;
    }
    if tables.is_empty() {
        writeln!(out, "\nnothing says it here; it stands in {}", contexts(slot))?;
    }
    Ok(())
}

/// The contexts in which a directive stands, in words.
pub fn contexts(slot: &Slot) -> String {
    contexts_of(&slot.records)
}

fn contexts_of(records: &[&catalog::Directive]) -> String {
    let all = records.iter().fold(Contexts::NONE, |all, record| all.union(record.contexts));
    all.to_string()
}

/// How it is inherited, in a sentence.
fn policy(slot: &Slot, records: &[&catalog::Directive]) -> String {
    match inheritance(records) {
        Inheritance::Override if slot.names.len() > 1 => {
            format!("{} in an inner block replaces whichever counts around it", slot.names.join(" or "))
        }
        Inheritance::Override => "what an inner block says replaces what counts around it".to_owned(),
        Inheritance::ReplaceAll => {
            format!("one {} in an inner block discards all of those around it", slot.names.join(" or "))
        }
        Inheritance::None => "it acts only where it stands; inner blocks do not take it over".to_owned(),
        Inheritance::Sequence => {
            "each is carried out where it stands, those of the server before those of a location".to_owned()
        }
        Inheritance::IntoIf => "it acts only where it stands; of the blocks inside, only an \"if\" keeps it".to_owned(),
        Inheritance::IntoUnnamed => {
            "it acts only where it stands; of the blocks inside, \"if\" and \"limit_except\" keep it".to_owned()
        }
        Inheritance::NotApplicable => {
            format!("it stands in {} only; nothing inherits it", contexts_of(records))
        }
        Inheritance::Unknown => "whether inner blocks take it over is not known".to_owned(),
    }
}

/// That the default is another one in older releases.
fn versions(records: &[&catalog::Directive], profile: &Profile) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for earlier in records.iter().flat_map(|record| earlier_defaults(record, profile.version)) {
        let values = if earlier.values.is_empty() { "none".to_owned() } else { earlier.values.join(", ") };
        let one = format!("before nginx {}: {values}", earlier.before);
        if !said.contains(&one) {
            said.push(one);
        }
    }
    (!said.is_empty()).then(|| format!("default {} (--nginx-version says which nginx is meant)", said.join("; ")))
}

/// The lines of a table; none when there is nothing to show.
fn lines_of(slot: &Slot, places: &Places<'_>) -> Option<Vec<Line>> {
    let chosen: Vec<&Place<'_>> = places.chosen().collect();
    if chosen.is_empty() {
        return None;
    }
    let compact = compact_table(slot, &chosen).filter(|lines| layout(lines).total <= WIDEST);
    Some(compact.unwrap_or_else(|| table(slot, &chosen)))
}

/// A line a place; none when some place has several values.
fn compact_table(slot: &Slot, chosen: &[&Place<'_>]) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    let mut named = HashSet::new();
    for place in chosen {
        let indent = add_headings(place.block, &mut named, &mut lines);
        let mut entries = entries(slot, &place.in_force);
        if entries.len() > 1 {
            return None;
        }
        let (value, origin) = entries.pop().unwrap_or_default();
        let instead = place
            .in_force
            .discarded
            .iter()
            .map(|line| format!("instead of {} ({})", shown(slot, *line), origin_of(*line)));
        let right: Vec<String> = Some(origin).into_iter().filter(|text| !text.is_empty()).chain(instead).collect();
        lines.push(Line { indent, left: label(place.block), value, right: right.join(", ") });
    }
    Some(lines)
}

/// A line a value.
fn table(slot: &Slot, chosen: &[&Place<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut named = HashSet::new();
    for place in chosen {
        let indent = add_headings(place.block, &mut named, &mut lines);
        lines.push(Line::heading(indent, label(place.block)));
        let row = |left, right| Line { indent: indent + 2, left, value: String::new(), right };
        lines.extend(
            entries(slot, &place.in_force).into_iter().map(|(value, origin)| row(format!("  {value}"), origin)),
        );
        let discarded = place.in_force.discarded.iter();
        lines.extend(discarded.map(|line| row(format!("{DISCARDED}{}", shown(slot, *line)), origin_of(*line))));
    }
    lines
}

/// Names the blocks around a place that were not named yet. Returns how far
/// the place is indented.
fn add_headings(block: Block<'_>, named: &mut HashSet<BlockId>, lines: &mut Vec<Line>) -> usize {
    let path = path(block);
    for (depth, outer) in path.iter().enumerate() {
        if named.insert(outer.id()) {
            lines.push(Line::heading(2 * depth, label(*outer)));
        }
    }
    named.insert(block.id());
    2 * path.len()
}

/// What is in force, each with its origin.
fn entries(slot: &Slot, in_force: &InForce<'_>) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> =
        in_force.directives.iter().map(|line| (shown(slot, *line), origin_of(*line))).collect();
    entries.extend(in_force.defaults.iter().map(|text| ((*text).to_owned(), "default".to_owned())));
    if let Some(rival) = in_force.switched_off_by {
        entries.push(("off".to_owned(), format!("because of \"{}\" in {}", written(rival, true), origin_of(rival))));
    }
    match entries.last_mut() {
        Some((_, origin)) if in_force.unseen => origin.push_str("; a part that could not be seen may say more"),
        Some(_) => {}
        None if in_force.unseen => entries.push(("not known".to_owned(), "a part could not be seen".to_owned())),
        None => entries.push(("nothing".to_owned(), String::new())),
    }
    entries
}

/// A line as it is written, with its name where that is not clear.
fn shown(slot: &Slot, directive: Directive<'_>) -> String {
    written(directive, slot.names.len() > 1).into_owned()
}

fn origin_of(directive: Directive<'_>) -> String {
    let source = directive.model().source(directive.file());
    format!("{source}:{}", source.line(directive.place().location.span.start))
}

fn layout(lines: &[Line]) -> Layout {
    let widest = |of: &dyn Fn(&Line) -> usize| lines.iter().filter(|line| line.has_more()).map(of).max().unwrap_or(0);
    let left = widest(&|line| line.indent + width(&line.left));
    let value = widest(&|line| width(&line.value));
    Layout { left, value, total: left + value + widest(&|line| width(&line.right)) + 2 * GAP }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn write_table(lines: &[Line], out: &mut impl Write) -> io::Result<()> {
    let layout = layout(lines);
    for line in lines {
        let mut text = format!("{:indent$}{}", "", line.left, indent = line.indent);
        if line.has_more() {
            pad(&mut text, layout.left + GAP);
            text.push_str(&line.value);
            if layout.value > 0 {
                pad(&mut text, layout.left + layout.value + 2 * GAP);
            }
            text.push_str(&line.right);
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

fn pad(text: &mut String, column: usize) {
    let missing = column.saturating_sub(width(text));
    text.extend(std::iter::repeat_n(' ', missing));
}
