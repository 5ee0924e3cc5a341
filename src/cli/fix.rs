//! `--fix` and `--diff`: what fixes would make of the files, tried in memory
//! and judged again before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::engine::{Edit, Finding, Severity};
use crate::fix;
use crate::source::Span;
use crate::tree::{Disk, Files, Overlay};
use crate::triage::{self, Key};

use super::Failure;
use super::arguments::CheckArguments;
use super::input::{self, Input, Job};
use super::judge::{Judged, judge};
use super::project::Project;

/// So often fixes are looked for again in what fixes made.
const MOST_ROUNDS: usize = 10;

/// What fixes made.
#[derive(Default)]
pub struct Fixed {
    /// The files as they would be.
    pub files: Overlay,
    /// How many findings were mended.
    pub count: usize,
    /// By what name the user knows each file that changed.
    names: BTreeMap<PathBuf, PathBuf>,
    /// Why some fixes were not applied.
    pub notes: Vec<String>,
}

/// A fix, and the files that it would change by their one true names.
struct Candidate {
    key: Key,
    edits: BTreeMap<PathBuf, FileEdits>,
}

struct FileEdits {
    name: PathBuf,
    bytes: Vec<u8>,
    edits: Vec<Edit>,
}

/// Finds out what fixes make of the files. Nothing is written.
///
/// # Errors
///
/// When there is nothing to judge.
pub fn try_fixes(
    arguments: &CheckArguments,
    project: &Project,
    level: Severity,
    changed: Option<&HashSet<PathBuf>>,
    is_known: &mut dyn FnMut(&[Key]) -> Vec<bool>,
) -> Result<Fixed, Failure> {
    let mut fixer = Fixer {
        arguments,
        project,
        level,
        changed,
        roots: roots(arguments),
        rejected: HashSet::new(),
        fixed: Fixed::default(),
    };
    for _ in 0..MOST_ROUNDS {
        if !fixer.round(is_known)? {
            return Ok(fixer.fixed);
        }
    }
    fixer.fixed.notes.push(format!("fixes went on making new findings; stopped after {MOST_ROUNDS} rounds"));
    Ok(fixer.fixed)
}

struct Fixer<'a> {
    arguments: &'a CheckArguments,
    project: &'a Project,
    level: Severity,
    /// Only findings in these files are mended, if any are named.
    changed: Option<&'a HashSet<PathBuf>>,
    /// Only files below these may change.
    roots: Vec<PathBuf>,
    rejected: HashSet<Key>,
    fixed: Fixed,
}

impl Fixer<'_> {
    /// Applies what can be applied at once; false when there is nothing.
    fn round(&mut self, is_known: &mut dyn FnMut(&[Key]) -> Vec<bool>) -> Result<bool, Failure> {
        let (input, judged) = self.look(&self.fixed.files)?;
        let candidates = self.candidates(&input, &judged, is_known);
        let chosen = without_overlaps(candidates);
        if chosen.is_empty() {
            return Ok(false);
        }
        let before = refusals(&input, &judged);
        let good = self.sift(chosen, &before)?;
        if good.is_empty() {
            // All that could be tried was rejected; others may remain.
            return Ok(true);
        }
        self.fixed.count += good.len();
        for candidate in &good {
            self.fixed.names.extend(candidate.edits.iter().map(|(path, file)| (path.clone(), file.name.clone())));
        }
        self.fixed.files = applied(&self.fixed.files, &good);
        Ok(true)
    }

    fn look(&self, files: &Overlay) -> Result<(Input, Vec<Judged>), Failure> {
        let input = input::gather(&self.arguments.input, self.project, files)?;
        let judged = judge(&input, self.project, self.level);
        Ok((input, judged))
    }

    fn candidates(
        &mut self,
        input: &Input,
        judged: &[Judged],
        is_known: &mut dyn FnMut(&[Key]) -> Vec<bool>,
    ) -> Vec<Candidate> {
        let all: Vec<(&Job, &Finding)> = input
            .jobs
            .iter()
            .zip(judged)
            .flat_map(|(job, judged)| judged.findings.iter().map(move |finding| (job, finding)))
            .filter(|(_, finding)| finding.severity >= self.level)
            .filter(|(job, finding)| {
                let path = || Disk.canonical(job.tree.file(finding.place.location.file).source.path());
                self.changed.is_none_or(|changed| changed.contains(&path()))
            })
            .collect();
        let keys: Vec<Key> = all.iter().map(|(job, finding)| triage::key_of(finding, &job.tree)).collect();
        let known = is_known(&keys);
        let mut candidates = Vec::new();
        for (((job, finding), key), known) in all.into_iter().zip(keys).zip(known) {
            let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe || self.arguments.unsafe_fixes) else {
                continue;
            };
            if known || self.rejected.contains(&key) {
                continue;
            }
            let candidate = Candidate { edits: edits_by_file(job, &fix.edits), key };
            match self.why_not(job, &candidate) {
                None => candidates.push(candidate),
                Some(reason) => self.reject(candidate, &reason),
            }
        }
        candidates
    }

    /// Why a fix may not be applied, whatever it would make.
    fn why_not(&self, job: &Job, candidate: &Candidate) -> Option<String> {
        if job.is_copy {
            return Some("it was not read from the file itself".to_owned());
        }
        let outside = candidate.edits.keys().find(|path| !self.roots.iter().any(|root| path.starts_with(root)));
        outside.map(|path| format!("{} lies outside of what was given", path.display()))
    }

    fn reject(&mut self, candidate: Candidate, reason: &str) {
        let Key { path, rule, text } = &candidate.key;
        self.fixed.notes.push(format!("{path}: {rule} is not mended in \"{text}\": {reason}"));
        self.rejected.insert(candidate.key);
    }

    /// Those after which nginx refuses nothing that it did not refuse before,
    /// found by halving what is tried together.
    fn sift(&mut self, candidates: Vec<Candidate>, before: &Refusals) -> Result<Vec<Candidate>, Failure> {
        let files = applied(&self.fixed.files, &candidates);
        let (input, judged) = self.look(&files)?;
        let Some(worse) = first_new(before, &refusals(&input, &judged)) else { return Ok(candidates) };
        let mut first = candidates;
        if first.len() < 2 {
            for candidate in first {
                self.reject(candidate, &format!("nginx would then refuse the file: {worse}"));
            }
            return Ok(Vec::new());
        }
        let second = first.split_off(first.len() / 2);
        let mut good = self.sift(first, before)?;
        let second = self.sift(second, before)?;
        if good.is_empty() {
            return Ok(second);
        }
        // What is good by itself need not be good together: the rest is tried
        // again in the next round.
        let count = good.len();
        good.extend(second);
        let (input, judged) = self.look(&applied(&self.fixed.files, &good))?;
        if first_new(before, &refusals(&input, &judged)).is_some() {
            good.truncate(count);
        }
        Ok(good)
    }
}

/// The directories in which files may be changed.
fn roots(arguments: &CheckArguments) -> Vec<PathBuf> {
    let of = |path: &Path| {
        let path = Disk.canonical(path);
        if path.is_dir() { path } else { path.parent().map(Path::to_path_buf).unwrap_or(path) }
    };
    let paths = &arguments.input.paths;
    if paths.is_empty() {
        return input::default_entry().into_iter().map(of).collect();
    }
    paths.iter().map(|path| of(path)).collect()
}

fn edits_by_file(job: &Job, edits: &[Edit]) -> BTreeMap<PathBuf, FileEdits> {
    let mut files: BTreeMap<PathBuf, FileEdits> = BTreeMap::new();
    for edit in edits {
        let source = &job.tree.file(edit.location.file).source;
        let file = files.entry(Disk.canonical(source.path())).or_insert_with(|| FileEdits {
            name: source.path().to_path_buf(),
            bytes: source.bytes().to_vec(),
            edits: Vec::new(),
        });
        file.edits.push(edit.clone());
    }
    files
}

/// Leaves out what touches the bytes of one before it; it comes again in the
/// next round, if it is still there. The same edit twice is one.
fn without_overlaps(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut taken: HashMap<PathBuf, Taken> = HashMap::new();
    let mut chosen = Vec::new();
    for candidate in candidates {
        let clashes = candidate.edits.iter().any(|(path, file)| {
            taken.get(path).is_some_and(|taken| file.edits.iter().any(|edit| taken.clashes_with(edit)))
        });
        if clashes {
            continue;
        }
        for (path, file) in &candidate.edits {
            let taken = taken.entry(path.clone()).or_default();
            file.edits.iter().for_each(|edit| taken.take(edit));
        }
        chosen.push(candidate);
    }
    chosen
}

/// The edits that are chosen for a file, by where they begin. None touches
/// another one but those of one fix.
#[derive(Default)]
struct Taken {
    edits: BTreeMap<u32, (Span, String)>,
}

impl Taken {
    fn take(&mut self, edit: &Edit) {
        let span = edit.location.span;
        let end = self.edits.get(&span.start).map_or(span.end, |(known, _)| known.end.max(span.end));
        self.edits.insert(span.start, (Span { start: span.start, end }, edit.text.clone()));
    }

    /// Whether an edit touches one of these; the same edit is none.
    fn clashes_with(&self, edit: &Edit) -> bool {
        let own = edit.location.span;
        let before = self.edits.range(..=own.end).next_back();
        before.is_some_and(|(_, (span, text))| {
            let same = own == *span && edit.text == *text;
            !same && own.start <= span.end
        })
    }
}

fn applied(files: &Overlay, candidates: &[Candidate]) -> Overlay {
    let mut edits: BTreeMap<&Path, (&[u8], Vec<Edit>)> = BTreeMap::new();
    for (path, file) in candidates.iter().flat_map(|candidate| &candidate.edits) {
        edits.entry(path).or_insert_with(|| (&file.bytes, Vec::new())).1.extend(file.edits.iter().cloned());
    }
    let mut files = files.clone();
    for (path, (bytes, edits)) in edits {
        // Edits that clash were left out; others cannot fail.
        if let Ok(bytes) = fix::apply(bytes, &edits) {
            files.change(path, bytes);
        }
    }
    files
}

/// What nginx refuses, and how often: by file, rule and text of the message.
type Refusals = HashMap<(PathBuf, String), usize>;

fn refusals(input: &Input, judged: &[Judged]) -> Refusals {
    let mut refusals = Refusals::new();
    for (job, judged) in input.jobs.iter().zip(judged) {
        for finding in judged.findings.iter().filter(|finding| finding.refused) {
            let path = job.tree.file(finding.place.location.file).source.path().to_path_buf();
            *refusals.entry((path, finding.message.clone())).or_default() += 1;
        }
    }
    refusals
}

fn first_new(before: &Refusals, after: &Refusals) -> Option<String> {
    let is_new = |(key, count): &(&(PathBuf, String), &usize)| **count > before.get(*key).copied().unwrap_or_default();
    after.iter().filter(is_new).map(|((_, message), _)| message.clone()).min()
}

impl Fixed {
    /// Writes the files.
    ///
    /// # Errors
    ///
    /// When one cannot be written; those before it are.
    pub fn write(&self) -> Result<(), Failure> {
        for (path, bytes) in self.files.changed() {
            let name = self.name(path);
            fix::write_whole(path, bytes)
                .map_err(|error| Failure::Message(format!("cannot write {}: {error}", name.display())))?;
        }
        Ok(())
    }

    /// Shows what would change.
    ///
    /// # Errors
    ///
    /// Those of the writer, and when a file is gone meanwhile.
    pub fn write_diff(&self, out: &mut dyn Write) -> io::Result<()> {
        for (path, bytes) in self.files.changed() {
            let old = std::fs::read(path)?;
            let name = self.name(path).to_string_lossy().into_owned();
            let diff = TextDiff::from_lines(old.as_slice(), bytes);
            diff.unified_diff().header(&name, &name).to_writer(&mut *out)?;
        }
        Ok(())
    }

    /// How many files would change.
    pub fn file_count(&self) -> usize {
        self.files.changed().count()
    }

    fn name<'a>(&'a self, path: &'a Path) -> &'a Path {
        self.names.get(path).map_or(path, PathBuf::as_path)
    }
}
