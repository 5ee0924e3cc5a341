//! `nginx-lint explain RULE`.

use std::io::{self, Write};

use crate::catalog::nearest;
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
    match nearest(name, rules::ALL.iter().map(|rule| rule.name)) {
        Some(nearest) => format!("there is no rule \"{name}\"; did you mean {nearest}?"),
        None => format!("there is no rule \"{name}\"; nginx-lint rules lists them all"),
    }
}
