//! `nginx-lint check`: reads, judges, reports.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::engine::{self, Finding, Severity};
use crate::model::Model;
use crate::report::{self, Format, Report, Shown, Summary};
use crate::rules;
use crate::source::{Location, Span};
use crate::triage::{self, Key, Suppressions};

use super::arguments::{CheckArguments, Colour, FormatArgument};
use super::input::{self, Input, Job};
use super::project::{Project, with_names};
use super::{Failure, Outcome, output};

pub fn run(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    check_destinations(arguments)?;
    let project = Project::of(&arguments.input)?.for_check(arguments)?;
    let input = input::gather(&arguments.input, &project)?;
    input.tell();
    let mut judged: Vec<Judged> = input.jobs.iter().map(|job| judge(job, &project)).collect();
    settle_unused(&input.jobs, &mut judged);
    let fail_on = project.fail_on.unwrap_or(Severity::Warning);
    // A level that decides about success is a level to show.
    let level = project.min_severity.unwrap_or(Severity::Warning).min(fail_on);
    let report = assemble(&input, &judged, level);
    write(arguments, &report)?;
    let outcome = outcome(&input, &report, fail_on);
    // The process ends now; giving back a large configuration piece by piece
    // would only take time.
    std::mem::forget(input);
    Ok(outcome)
}

/// What was found in one configuration.
struct Judged {
    findings: Vec<Finding>,
    suppressed: usize,
}

fn judge(job: &Job, project: &Project) -> Judged {
    let model = Model::new(&job.tree, job.outermost, project.profile.clone());
    let asked = project.selection.rules(rules::ALL);
    let mut findings = engine::run(&model, &asked);
    let suppressed = with_names(|names| {
        let suppressions = Suppressions {
            unused: rules::UNUSED_SUPPRESSION,
            invalid: rules::INVALID_SUPPRESSION,
            names,
            asked: &asked,
            today: triage::today(),
        };
        suppressions.apply(&model, &mut findings)
    });
    if let Some(only) = &job.only {
        findings.retain(|finding| only.contains(&finding.place.location.file));
    }
    findings.retain_mut(|finding| {
        let path = job.tree.file(finding.place.location.file).source.path();
        project.selection.admit(finding, path)
    });
    Judged { findings, suppressed }
}

/// A comment in a file of two configurations ignores nothing only if it does
/// so in both.
fn settle_unused(jobs: &[Job], judged: &mut [Judged]) {
    let is_unused = |finding: &Finding| finding.rule.name == rules::UNUSED_SUPPRESSION.name;
    let key = |job: &Job, finding: &Finding| {
        let Location { file, span } = finding.place.location;
        (job.tree.file(file).source.path().to_path_buf(), span)
    };
    let mut said: HashMap<(PathBuf, Span), usize> = HashMap::new();
    for (job, judged) in jobs.iter().zip(&*judged) {
        for finding in judged.findings.iter().filter(|finding| is_unused(finding)) {
            *said.entry(key(job, finding)).or_default() += 1;
        }
    }
    let has = |job: &&Job, path: &Path| job.tree.files.iter().any(|file| file.source.path() == path);
    for (job, judged) in jobs.iter().zip(judged) {
        judged.findings.retain(|finding| {
            let key = key(job, finding);
            !is_unused(finding)
                || said.get(&key).is_some_and(|count| *count == jobs.iter().filter(|job| has(job, &key.0)).count())
        });
    }
}

fn assemble<'a>(input: &'a Input, judged: &'a [Judged], level: Severity) -> Report<'a> {
    let unread = input.unread.len() + input.problems.len();
    let suppressed = judged.iter().map(|judged| judged.suppressed).sum();
    let mut summary = Summary { files: input.file_count(), unread, suppressed, ..Summary::default() };
    let mut shown = Vec::new();
    // Two main files may share a snippet, and what is wrong in it is one thing.
    let mut known = HashSet::new();
    for (job, judged) in input.jobs.iter().zip(judged) {
        for finding in &judged.findings {
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
