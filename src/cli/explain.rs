//! `nginx-lint explain RULE`.

use std::io::{self, Write};

use crate::rules;

use super::arguments::ExplainArguments;
use super::{Failure, Outcome};

pub fn run(arguments: &ExplainArguments) -> Result<Outcome, Failure> {
    let Some(rule) = rules::find(&arguments.rule) else {
        return Err(Failure::Message(unknown(&arguments.rule)));
    };
    let mut out = io::stdout().lock();
    out.write_all(rule.page.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Clean)
}

fn unknown(name: &str) -> String {
    let nearest = rules::ALL.iter().map(|rule| rule.name).min_by_key(|known| distance(known, name));
    match nearest.filter(|known| distance(known, name) <= known.len() / 3) {
        Some(nearest) => format!("there is no rule \"{name}\"; did you mean {nearest}?"),
        None => format!("there is no rule \"{name}\"; nginx-lint rules lists them all"),
    }
}

/// How many letters to add, drop or change (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[other.len()]
}
