//! From what was read to what is found there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::engine::{self, Finding, Severity};
use crate::model::Model;
use crate::rules;
use crate::source::{Location, Span};
use crate::triage::{self, Suppressions};

use super::input::{Input, Job};
use super::project::{Project, with_names};

/// What was found in one configuration.
pub struct Judged {
    /// What counts.
    pub findings: Vec<Finding>,
    /// How many findings comments take away.
    pub suppressed: usize,
}

/// Judges every configuration, in order; what is milder than `level` may be
/// left out.
pub fn judge(input: &Input, project: &Project, level: Severity) -> Vec<Judged> {
    let mut judged: Vec<Judged> = input.jobs.iter().map(|job| judge_one(job, project, level)).collect();
    settle_unused(&input.jobs, &mut judged);
    judged
}

fn judge_one(job: &Job, project: &Project, level: Severity) -> Judged {
    let model = Model::new(&job.tree, job.outermost, project.profile.clone());
    let mut asked = project.selection.rules(rules::ALL, level);
    // What nobody looked at is not judged, nor is a comment about it unused.
    asked.retain(|rule| project.profile.facts.is_some() || !rule.group.needs_facts());
    let mut findings = engine::run(&model, &asked, project.selection.mildest(level));
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
    if jobs.len() < 2 {
        return;
    }
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
            if !is_unused(finding) {
                return true;
            }
            let key = key(job, finding);
            said.get(&key).is_some_and(|count| *count == jobs.iter().filter(|job| has(job, &key.0)).count())
        });
    }
}
