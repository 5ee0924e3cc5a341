//! `nginx-lint check`: reads, judges, mends if asked to, reports.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::Severity;
use crate::report::{Report, Shown, Summary};
use crate::source::FileId;
use crate::tree::{Disk, Files, Overlay};
use crate::triage::{self, Key};

use super::arguments::CheckArguments;
use super::baseline::{self, Known};
use super::fix::{Fixed, try_fixes};
use super::input::{self, Input};
use super::judge::{Judged, judge};
use super::progress::Progress;
use super::project::Project;
use super::since::changed_files;
use super::{Failure, Outcome, destination, facts};

pub fn run(arguments: &CheckArguments) -> Result<Outcome, Failure> {
    destination::check(&arguments.report)?;
    if (arguments.fix || arguments.diff) && arguments.input.paths.iter().any(|path| input::is_stdin(path)) {
        return Err(Failure::Message("standard input cannot be mended; name the file".to_owned()));
    }
    let mut project = Project::of(&arguments.input)?.for_wishes(&arguments.wishes)?.for_check(arguments);
    if let Some(file) = &arguments.facts {
        project.profile.facts = Some(Arc::new(facts::read(file)?));
    }
    let fail_on = project.fail_on.unwrap_or(Severity::Warning);
    // A level that decides about success is a level to show.
    let level = project.min_severity.unwrap_or(Severity::Warning).min(fail_on);
    // Read first: what is known must not be mended, or reported, by mistake.
    let baseline = project.baseline.as_deref().filter(|_| arguments.write_baseline.is_none());
    let mut known = baseline.map(Known::read).transpose()?;
    let changed = arguments.since.as_deref().map(|since| changed_files(&arguments.input, since)).transpose()?;
    let fixed = match arguments.fix || arguments.diff {
        true => Some(mend(arguments, &project, level, changed.as_ref(), known.as_ref())?),
        false => None,
    };
    if let Some(fixed) = fixed.as_ref().filter(|_| arguments.diff) {
        return show_changes(arguments, &project, fixed);
    }
    let unchanged = Overlay::new();
    let files = fixed.as_ref().map_or(&unchanged, |fixed| &fixed.files);
    let progress = Progress::start("reading and judging");
    let input = input::gather(&arguments.input, &project, files)?;
    let mut judged = judge(&input, &project, level);
    drop(progress);
    if let Some(changed) = &changed {
        only_in(changed, &input, &mut judged);
    }
    input.tell();
    let mut report = assemble(&input, &judged, level, known.as_mut());
    if let Some(known) = &known {
        known.tell();
    }
    if let Some(path) = &arguments.write_baseline {
        return write_baseline(path, &input, &report);
    }
    if arguments.report.format.iter().any(|argument| argument.format.has_fingerprints()) {
        add_fingerprints(&mut report.findings);
    }
    destination::write(&arguments.report, &report)?;
    let outcome = outcome(&input, &report, fail_on, arguments.report.exit_zero);
    // The process ends now; giving back a large configuration piece by piece
    // would only take time.
    std::mem::forget(input);
    Ok(outcome)
}

/// Finds out what fixes make of the files and, unless only the difference is
/// asked for, writes them.
fn mend(
    arguments: &CheckArguments,
    project: &Project,
    level: Severity,
    changed: Option<&HashSet<PathBuf>>,
    known: Option<&Known>,
) -> Result<Fixed, Failure> {
    // Each time all of them are known.
    let mut is_known = |keys: &[Key]| match known.cloned() {
        Some(mut known) => keys.iter().map(|key| known.take(key)).collect(),
        None => vec![false; keys.len()],
    };
    let fixed = try_fixes(arguments, project, level, changed, &mut is_known)?;
    for note in &fixed.notes {
        eprintln!("note: {note}");
    }
    if arguments.fix && fixed.count > 0 {
        fixed.write()?;
        eprintln!("note: mended {} in {}", counted(fixed.count, "finding"), counted(fixed.file_count(), "file"));
    }
    Ok(fixed)
}

pub fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn show_changes(arguments: &CheckArguments, project: &Project, fixed: &Fixed) -> Result<Outcome, Failure> {
    let input = input::gather(&arguments.input, project, &Overlay::new())?;
    input.tell();
    let mut out = BufWriter::new(io::stdout().lock());
    fixed.write_diff(&mut out)?;
    out.flush()?;
    Ok(match fixed.count {
        _ if !input.is_complete() => Outcome::Failed,
        0 => Outcome::Clean,
        _ => Outcome::Findings,
    })
}

/// Leaves what is found in these files.
fn only_in(changed: &HashSet<PathBuf>, input: &Input, judged: &mut [Judged]) {
    for (job, judged) in input.jobs.iter().zip(judged) {
        let mut is_changed: HashMap<FileId, bool> = HashMap::new();
        judged.findings.retain(|finding| {
            let file = finding.place.location.file;
            let path = || Disk.canonical(job.tree.file(file).source.path());
            *is_changed.entry(file).or_insert_with(|| changed.contains(&path()))
        });
    }
}

pub fn assemble<'a>(
    input: &'a Input,
    judged: &'a [Judged],
    level: Severity,
    mut baseline: Option<&mut Known>,
) -> Report<'a> {
    let unread = input.unread.len() + input.problems.len();
    let suppressed = judged.iter().map(|judged| judged.suppressed).sum();
    let mut summary = Summary { files: input.file_count(), unread, suppressed, ..Summary::default() };
    let mut shown = Vec::new();
    // Two main files may share a snippet, and what is wrong in it is one thing.
    let mut seen = HashSet::new();
    for (job, judged) in input.jobs.iter().zip(judged) {
        for finding in &judged.findings {
            let path = job.tree.file(finding.place.location.file).source.path();
            if !seen.insert((path, finding.place.location.span, finding.rule.name, &finding.message)) {
                continue;
            }
            if finding.severity < level {
                continue;
            }
            if baseline.as_mut().is_some_and(|known| known.take(&triage::key_of(finding, &job.tree))) {
                summary.baselined += 1;
                continue;
            }
            summary.add(finding);
            shown.push(Shown { finding, tree: &job.tree, fingerprint: String::new() });
        }
        let is_asked = |id: FileId| job.only.as_ref().is_none_or(|only| only.contains(&id));
        if let Some(known) = baseline.as_mut() {
            let files = (0..).map(FileId).zip(&job.tree.files).filter(|(id, _)| is_asked(*id));
            files.for_each(|(_, file)| known.was_judged(file.source.path()));
        }
    }
    Report { findings: shown, unread: &input.unread, summary, examined: None }
}

pub fn add_fingerprints(shown: &mut [Shown<'_>]) {
    let fingerprints = triage::fingerprints(&keys_of(shown));
    for (shown, fingerprint) in shown.iter_mut().zip(fingerprints) {
        shown.fingerprint = fingerprint;
    }
}

fn keys_of(shown: &[Shown<'_>]) -> Vec<Key> {
    shown.iter().map(|shown| triage::key_of(shown.finding, shown.tree)).collect()
}

/// Keeps what is found now as known. What could not be read is not.
fn write_baseline(path: &Path, input: &Input, report: &Report<'_>) -> Result<Outcome, Failure> {
    baseline::write(path, &keys_of(&report.findings))?;
    eprintln!("note: wrote {} to {}", counted(report.findings.len(), "finding"), path.display());
    Ok(if input.is_complete() { Outcome::Clean } else { Outcome::Failed })
}

pub fn outcome(input: &Input, report: &Report<'_>, fail_on: Severity, exit_zero: bool) -> Outcome {
    if !input.is_complete() {
        Outcome::Failed
    } else if !exit_zero && report.findings.iter().any(|shown| shown.finding.severity >= fail_on) {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}
