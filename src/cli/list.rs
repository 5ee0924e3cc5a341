//! `nginx-lint rules`.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::engine::{Equivalent, FixKind, Group, Rule, Severity};
use crate::rules;

use super::arguments::{ListFormat, RulesArguments};
use super::{Failure, Outcome};

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    group: Group,
    severity: Severity,
    refused: bool,
    fix: FixKind,
    nginx_versions: String,
    summary: String,
    references: &'static [&'static str],
    equivalents: &'static [Equivalent],
}

pub fn run(arguments: &RulesArguments) -> Result<Outcome, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.format {
        ListFormat::Text => write_text(&mut out)?,
        ListFormat::Json => write_json(&mut out)?,
    }
    out.flush()?;
    Ok(Outcome::Clean)
}

fn write_text(out: &mut impl Write) -> io::Result<()> {
    let widest = rules::ALL.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules::ALL {
        let summary = rule.page().summary;
        let others: Vec<String> = rule.equivalents.iter().map(|it| format!("{}: {}", it.tool, it.name)).collect();
        let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
        writeln!(out, "{:widest$}  {:8}  {:7}  {summary}{others}", rule.name, rule.group.name(), rule.severity)?;
    }
    Ok(())
}

fn write_json(out: &mut impl Write) -> io::Result<()> {
    let listed: Vec<Listed> = rules::ALL.iter().map(|rule| listed(rule)).collect();
    serde_json::to_writer_pretty(&mut *out, &listed)?;
    writeln!(out)
}

fn listed(rule: &Rule) -> Listed {
    Listed {
        name: rule.name,
        group: rule.group,
        severity: rule.severity,
        refused: rule.refused,
        fix: rule.fix,
        nginx_versions: rule.versions.to_string(),
        summary: rule.page().summary,
        references: rule.references,
        equivalents: rule.equivalents,
    }
}
