//! The answer for people: one line a value, its origin beside it, the blocks
//! as a tree.

use std::io::{self, Write};

use crate::catalog::{Contexts, Inheritance};
use crate::model::{Block, Directive, InForce, Profile, Slot, earlier_defaults};

use super::place::{Place, Places, label, path, written};

/// Values begin in this column at the latest where the labels allow it, and
/// origins likewise.
const WIDEST: usize = 56;

/// A line of the table.
struct Line {
    indent: usize,
    left: String,
    value: String,
    right: String,
}

pub fn write(slot: &Slot, profile: &Profile, answers: &[Places<'_>], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}", slot.name, policy(slot))?;
    if let Some(note) = versions(slot, profile) {
        writeln!(out, "{note}")?;
    }
    let several = answers.len() > 1;
    let mut nothing = true;
    for places in answers {
        let chosen: Vec<&Place<'_>> = places.chosen().collect();
        if chosen.is_empty() {
            continue;
        }
        nothing = false;
        writeln!(out)?;
        if several {
            writeln!(out, "{}:", places.entry)?;
        }
        write_table(&table(slot, &chosen), out)?;
    }
    if nothing {
        writeln!(out, "\nnothing says it here, and it has no default; it stands in {}", contexts(slot))?;
    }
    Ok(())
}

/// The contexts in which a directive stands, in words.
pub fn contexts(slot: &Slot) -> String {
    let all = slot.records.iter().fold(Contexts::NONE, |all, record| all.union(record.contexts));
    all.to_string()
}

/// How it is inherited, in a sentence.
fn policy(slot: &Slot) -> String {
    let inheritance = slot.records.iter().map(|record| record.inheritance);
    // Where a directive has several meanings, the one that is inherited needs the words.
    let told = inheritance.max_by_key(|inheritance| *inheritance != Inheritance::NotApplicable);
    match told.unwrap_or(Inheritance::Unknown) {
        Inheritance::Override if slot.names.len() > 1 => {
            format!(
                "an inner block takes over what is said around it, unless it has {} itself",
                slot.names.join(" or ")
            )
        }
        Inheritance::Override => {
            "an inner block takes over what is said around it, unless it says something else".to_owned()
        }
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
        Inheritance::NotApplicable => format!("it stands in {} only; nothing inherits it", contexts(slot)),
        Inheritance::Unknown => "whether inner blocks take it over is not known".to_owned(),
    }
}

/// That the default is another one in older releases.
fn versions(slot: &Slot, profile: &Profile) -> Option<String> {
    let earlier = slot.records.iter().flat_map(|record| earlier_defaults(record, profile.version));
    let said: Vec<String> = earlier
        .map(|earlier| match earlier.values {
            [] => format!("none before nginx {}", earlier.before),
            values => format!("{} before nginx {}", values.join("; "), earlier.before),
        })
        .collect();
    (!said.is_empty()).then(|| format!("default: {}; --nginx-version says which one is meant", said.join(", ")))
}

fn table(slot: &Slot, chosen: &[&Place<'_>]) -> Vec<Line> {
    let compact = chosen.iter().all(|place| entries(slot, &place.in_force).len() <= 1);
    let mut lines = Vec::new();
    let mut named: Vec<Block<'_>> = Vec::new();
    for place in chosen {
        let path = path(place.block);
        for (depth, block) in path.iter().enumerate() {
            if !named.contains(block) {
                named.push(*block);
                lines.push(Line { indent: 2 * depth, left: label(*block), value: String::new(), right: String::new() });
            }
        }
        named.push(place.block);
        let indent = 2 * path.len();
        add_place(slot, place, indent, compact, &mut lines);
    }
    lines
}

fn add_place(slot: &Slot, place: &Place<'_>, indent: usize, compact: bool, lines: &mut Vec<Line>) {
    let mut entries = entries(slot, &place.in_force);
    let discarded = place.in_force.discarded.iter().map(|line| (value(slot, *line), origin(*line)));
    if compact {
        let (value, mut right) = entries.pop().unwrap_or_default();
        let instead: Vec<String> = discarded.map(|(value, origin)| format!("{value} ({origin})")).collect();
        if !instead.is_empty() {
            right = format!("{right}, not {}", instead.join(", "));
        }
        lines.push(Line { indent, left: label(place.block), value, right });
        return;
    }
    lines.push(Line { indent, left: label(place.block), value: String::new(), right: String::new() });
    let rows = entries.into_iter().map(|(value, origin)| (format!("  {value}"), origin));
    let rows = rows.chain(discarded.map(|(value, origin)| (format!("- {value}"), format!("{origin}, no longer here"))));
    lines.extend(rows.map(|(left, right)| Line { indent: indent + 2, left, value: String::new(), right }));
}

/// What is in force, each with its origin.
fn entries(slot: &Slot, in_force: &InForce<'_>) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> =
        in_force.directives.iter().map(|line| (value(slot, *line), origin(*line))).collect();
    entries.extend(in_force.defaults.iter().map(|text| ((*text).to_owned(), "default".to_owned())));
    if let Some(rival) = in_force.switched_off_by {
        entries.push(("off".to_owned(), format!("because of \"{}\" in {}", written(rival, true), origin(rival))));
    }
    if in_force.unseen {
        entries.push(("not known".to_owned(), "a part could not be seen".to_owned()));
    } else if entries.is_empty() {
        entries.push(("nothing".to_owned(), "no default".to_owned()));
    }
    entries
}

/// A line as it is written, with its name where that is not clear.
pub fn value(slot: &Slot, directive: Directive<'_>) -> String {
    written(directive, slot.names.len() > 1).into_owned()
}

fn origin(directive: Directive<'_>) -> String {
    let source = directive.model().source(directive.file());
    format!("{source}:{}", source.line(directive.place().location.span.start))
}

fn write_table(lines: &[Line], out: &mut impl Write) -> io::Result<()> {
    let width = |text: &str| text.chars().count();
    let left = |line: &Line| line.indent + width(&line.left);
    let has_more = |line: &&Line| !line.right.is_empty();
    let widest = |of: &dyn Fn(&Line) -> usize| lines.iter().filter(has_more).map(of).max().unwrap_or(0).min(WIDEST);
    let (left_width, value_width) = (widest(&left), widest(&|line| width(&line.value)));
    for line in lines {
        write!(out, "{:indent$}{}", "", line.left, indent = line.indent)?;
        if !line.right.is_empty() {
            write!(out, "{:gap$}", "", gap = left_width.saturating_sub(left(line)) + 2)?;
            if value_width > 0 {
                write!(out, "{}{:gap$}", line.value, "", gap = value_width.saturating_sub(width(&line.value)) + 2)?;
            }
            write!(out, "{}", line.right)?;
        }
        writeln!(out)?;
    }
    Ok(())
}
