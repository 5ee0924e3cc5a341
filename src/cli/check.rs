//! `nginx-lint check`: reads, judges, reports.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};

use crate::engine::{self, Finding, Severity};
use crate::model::{Model, Profile};
use crate::report::{self, Report, Shown, Summary};
use crate::rules;

use super::arguments::{CheckArguments, Format};
use super::input::{self, Input, Job};
use super::{Failure, Outcome, output};

pub fn run(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    let profile = input::profile(&arguments.input)?;
    let input = input::gather(&arguments.input)?;
    input.tell();
    // A level that decides about success is a level to show.
    let level = arguments.min_severity.min(arguments.fail_on);
    let findings: Vec<Vec<Finding>> = input.jobs.iter().map(|job| judge(job, &profile, level)).collect();
    let report = assemble(&input, &findings, level);
    write(arguments, &report)?;
    let outcome = outcome(&input, &report, arguments.fail_on);
    // The process ends now; giving back a large configuration piece by piece
    // would only take time.
    std::mem::forget(input);
    Ok(outcome)
}

fn judge(job: &Job, profile: &Profile, level: Severity) -> Vec<Finding> {
    let model = Model::new(&job.tree, job.outermost, profile.clone());
    let mut findings = engine::run(&model, rules::ALL, level);
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
                continue;
            }
            summary.add(finding);
            shown.push(Shown { finding, tree: &job.tree });
        }
    }
    Report { findings: shown, unread: &input.unread, summary }
}

fn write(arguments: &CheckArguments, report: &Report<'_>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.format {
        Format::Full => report::write_full(report, output::style(arguments.color), &mut out)?,
        Format::Concise => report::write_concise(report, &mut out)?,
        Format::Json => report::write_json(report, &mut out)?,
    }
    out.flush()
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
