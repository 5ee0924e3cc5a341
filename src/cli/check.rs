//! `nginx-lint check`: reads, judges, reports.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::engine::{self, Finding, Severity};
use crate::model::{Model, Profile};
use crate::report::{self, Format, Report, Shown, Summary};
use crate::rules;
use crate::triage::{self, Key};

use super::arguments::{CheckArguments, Colour, FormatArgument};
use super::input::{self, Input, Job};
use super::{Failure, Outcome, output};

pub fn run(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    check_destinations(arguments)?;
    let profile = input::profile(&arguments.input)?;
    let input = input::gather(&arguments.input)?;
    input.tell();
    let findings: Vec<Vec<Finding>> = input.jobs.iter().map(|job| judge(job, &profile)).collect();
    // A level that decides about success is a level to show.
    let level = arguments.min_severity.min(arguments.fail_on);
    let report = assemble(&input, &findings, level);
    write(arguments, &report)?;
    let outcome = outcome(&input, &report, arguments.fail_on);
    // The process ends now; giving back a large configuration piece by piece
    // would only take time.
    std::mem::forget(input);
    Ok(outcome)
}

fn judge(job: &Job, profile: &Profile) -> Vec<Finding> {
    let model = Model::new(&job.tree, job.outermost, profile.clone());
    let mut findings = engine::run(&model, rules::ALL);
    if let Some(only) = &job.only {
        findings.retain(|finding| only.contains(&finding.place.location.file));
    }
    findings
}

fn assemble<'a>(input: &'a Input, findings: &'a [Vec<Finding>], level: Severity) -> Report<'a> {
    let unread = input.unread.len() + input.problems.len();
    let mut summary = Summary { files: input.file_count(), unread, ..Summary::default() };
    let mut shown = Vec::new();
    // Two main files may share a snippet, and what is wrong in it is one thing.
    let mut known = HashSet::new();
    for (job, findings) in input.jobs.iter().zip(findings) {
        for finding in findings {
            let path = job.tree.file(finding.place.location.file).source.path();
            if !known.insert((path, finding.place.location.span, finding.rule.name, &finding.message)) {
                continue;
            }
            if finding.severity < level {
                summary.hidden += 1;
                continue;
            }
            summary.add(finding);
            shown.push(Shown { finding, tree: &job.tree, fingerprint: String::new() });
        }
    }
    let keys: Vec<Key> = shown.iter().map(|shown| triage::key_of(shown.finding, shown.tree)).collect();
    for (shown, fingerprint) in shown.iter_mut().zip(triage::fingerprints(&keys)) {
        shown.fingerprint = fingerprint;
    }
    Report { findings: shown, unread: &input.unread, summary }
}

/// Writes the report in each format to where it goes.
fn write(arguments: &CheckArguments, report: &Report<'_>) -> Result<(), Failure> {
    for FormatArgument { format, file } in &arguments.format {
        match file.as_ref().or(arguments.output.as_ref()) {
            Some(file) => write_file(*format, file, arguments.color, report)?,
            None => {
                let mut out = BufWriter::new(io::stdout().lock());
                report::write(report, *format, output::style(arguments.color), &mut out)?;
                out.flush()?;
            }
        }
    }
    Ok(())
}

fn write_file(format: Format, file: &Path, colour: Colour, report: &Report<'_>) -> Result<(), Failure> {
    let attempt = || {
        let mut out = BufWriter::new(File::create(file)?);
        report::write(report, format, output::style_of_file(colour), &mut out)?;
        out.flush()
    };
    // Not Failure::Output: a report that is not written is never fine.
    attempt().map_err(|error: io::Error| Failure::Message(format!("cannot write {}: {error}", file.display())))
}

/// Two reports in one place would be none.
fn check_destinations(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut taken: HashSet<Option<&Path>> = HashSet::new();
    for FormatArgument { file, .. } in &arguments.format {
        let destination = file.as_deref().or(arguments.output.as_deref());
        if !taken.insert(destination) {
            let place = destination.map_or("standard output".into(), |file| file.display().to_string());
            return Err(Failure::Message(format!(
                "two reports would go to {place}: write FORMAT=FILE for one of them"
            )));
        }
    }
    Ok(())
}

fn outcome(input: &Input, report: &Report<'_>, fail_on: Severity) -> Outcome {
    if !input.is_complete() {
        Outcome::Failed
    } else if report.findings.iter().any(|shown| shown.finding.severity >= fail_on) {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}
