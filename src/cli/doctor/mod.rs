//! `nginx-lint doctor`: looks at the machine and its logs, judges what it saw
//! together with the configuration, and says what hurts most first.

mod follow;
mod logs;
mod order;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Finding, Severity};
use crate::facts::Facts;
use crate::logs::{Follower, Gatherer};
use crate::model::Model;
use crate::probe;
use crate::report::{Examined, Report};
use crate::source::one_line;
use crate::tree::Overlay;

use super::arguments::DoctorArguments;
use super::check::{add_fingerprints, assemble, outcome};
use super::input::{self, Input, is_stdin};
use super::judge::{Judged, judge};
use super::progress::Steps;
use super::project::Project;
use super::{Failure, Outcome, destination, facts};

pub fn run(arguments: &DoctorArguments) -> Result<Outcome, Failure> {
    destination::check(&arguments.report)?;
    if arguments.input.paths.iter().any(|path| is_stdin(path)) {
        return Err(Failure::Message("what is on standard input is of no machine; name the file".to_owned()));
    }
    let mut project = Project::of(&arguments.input)?.for_wishes(&arguments.wishes)?;
    let fail_on = project.fail_on.unwrap_or(Severity::Warning);
    let level = project.min_severity.unwrap_or(Severity::Warning).min(fail_on);
    let input = input::gather(&arguments.input, &project, &Overlay::new())?;
    input.tell();
    if input.jobs.is_empty() {
        return Ok(Outcome::Failed);
    }
    let mut seen = if arguments.offline { probe::nothing() } else { look(arguments, &input, &project) };
    let sources = logs::sources(arguments, &input, &project, &mut seen);
    // From now on, so that nothing is missed between reading and following.
    let follower = arguments.follow.then(|| Follower::new(&sources));
    let steps = Steps::start();
    steps.set("reading logs", 0, 0);
    seen.log = Some(logs::read(arguments, &sources));
    drop(steps);
    logs::note_unread(arguments, &mut seen);
    let unread = logs::tell_unread(arguments, &seen);
    if let Some(file) = &arguments.facts {
        facts::write(file, &seen)?;
    }
    let seen = Arc::new(seen);
    project.profile.facts = Some(Arc::clone(&seen));
    let judged = judge_for_now(arguments, &input, &project, level);
    let mut report = assemble(&input, &judged, level, None);
    order::sort(&mut report.findings, &seen);
    report.examined = Some(Examined { facts: &seen });
    tell_not_examined(arguments, &seen);
    if arguments.report.format.iter().any(|argument| argument.format.has_fingerprints()) {
        add_fingerprints(&mut report.findings);
    }
    destination::write(&arguments.report, &report)?;
    if let Some(follower) = follower {
        follow::follow(arguments, &input, project, level, follower)?;
    }
    let outcome = outcome(&input, &report, fail_on, arguments.report.exit_zero);
    Ok(if unread { outcome.max(Outcome::Failed) } else { outcome })
}

/// Looks at all that the configurations name.
fn look(arguments: &DoctorArguments, input: &Input, project: &Project) -> Facts {
    let models: Vec<Model<'_>> =
        input.jobs.iter().map(|job| Model::new(&job.tree, job.outermost, project.profile.clone())).collect();
    let models: Vec<&Model<'_>> = models.iter().collect();
    let options = probe::Options { connect_cap: Duration::from_secs(arguments.connect_cap), requests: arguments.http };
    let steps = Steps::start();
    probe::look(&models, &options, &|what, done, total| steps.set(what, done, total))
}

/// What the machine and the logs say, and of the rest only what certainly
/// breaks traffic: for all else there is `check`.
fn judge_for_now(arguments: &DoctorArguments, input: &Input, project: &Project, level: Severity) -> Vec<Judged> {
    let mut judged = judge(input, project, level);
    let is_asked = !arguments.wishes.select.is_empty();
    let is_urgent = |finding: &Finding| {
        let is_now = finding.rule.group.needs_facts() || finding.evidence.is_some();
        is_now || finding.severity == Severity::Error || is_asked
    };
    let mut left_out = 0;
    for judged in &mut judged {
        left_out += judged.findings.iter().filter(|finding| finding.severity >= level && !is_urgent(finding)).count();
        judged.findings.retain(is_urgent);
    }
    if left_out > 0 {
        let what = if left_out == 1 { "1 thing".to_owned() } else { format!("{left_out} things") };
        eprintln!("note: nginx-lint check has {what} more to say about the configuration");
    }
    judged
}

/// Says on stderr what was not looked at, where the report does not.
fn tell_not_examined(arguments: &DoctorArguments, seen: &Facts) {
    let is_in_report = |argument: &super::arguments::FormatArgument| argument.format.has_examined();
    if arguments.report.format.iter().any(is_in_report) && !arguments.report.statistics {
        return;
    }
    for missed in &seen.not_examined {
        eprintln!("note: not examined: {}: {}", one_line(&missed.what), one_line(&missed.why));
    }
}

/// All that a report needs; for those who make one again and again.
fn report_of<'a>(input: &'a Input, judged: &'a [Judged], level: Severity, seen: &Facts) -> Report<'a> {
    let mut report = assemble(input, judged, level, None);
    order::sort(&mut report.findings, seen);
    report
}

/// What the logs came to.
fn finish(gatherer: &Gatherer) -> crate::facts::Log {
    gatherer.clone().finish()
}
