//! `nginx-lint check`: reads, judges, reports.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::config::Config;

use crate::engine::{self, Finding, Severity};
use crate::model::{Model, Profile};
use crate::report::{self, Report, Shown, Summary};
use crate::rules;
use crate::source::one_line;

use super::arguments::{CheckArguments, Format};
use super::input::{self, Input, Job, is_stdin};
use super::{Failure, Outcome, output};

pub fn run(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    let profile = profile(arguments)?;
    let input = input::gather(arguments)?;
    for notice in &input.notices {
        eprintln!("note: {}", one_line(notice));
    }
    for problem in &input.problems {
        eprintln!("error: {}", one_line(problem));
    }
    for unread in &input.unread {
        eprintln!("error: {}: {}", one_line(&unread.path.to_string_lossy()), unread.reason);
    }
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

/// What the command line says of nginx; else what the project's file says.
fn profile(arguments: &CheckArguments) -> Result<Profile, Failure> {
    let here = Path::new(".");
    let first = arguments.paths.first().map_or(here, PathBuf::as_path);
    let file = arguments.config.clone().or_else(|| Config::find(if is_stdin(first) { here } else { first }));
    let config = file.map(|file| Config::read(&file)).transpose();
    let nginx = config.map_err(|error| Failure::Message(error.to_string()))?.unwrap_or_default().nginx;
    Ok(Profile {
        version: arguments.nginx_version.or(nginx.version),
        modules: arguments.nginx_modules.clone().or(nginx.modules),
    })
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
    if !input.unread.is_empty() || !input.problems.is_empty() {
        Outcome::Failed
    } else if report.findings.iter().any(|shown| shown.finding.severity >= fail_on) {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}
