//! The nginx that runs, held against the configuration: how many files its
//! workers may open, and whether it has read what is written.

use crate::catalog::Version;
use crate::facts::Process;
use crate::source::FileId;

use super::{Directive, Effective, Model, parse_number};

/// Clocks of file systems and of processes may differ by so many seconds.
const TOLERANCE: i64 = 2;

/// How many files a worker may open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkerFiles {
    /// So many.
    pub limit: u64,
    /// Of the worker with the least room: so many are open now.
    pub open: Option<u64>,
    /// Where that is known from.
    pub known_from: KnownFrom,
}

/// Where a limit is known from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownFrom {
    /// From the workers that run.
    Workers,
    /// From the configuration.
    Directive,
    /// From the unit that starts nginx.
    Unit,
}

/// A file of the configuration that was changed after nginx had read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unloaded<'m> {
    /// The file.
    pub file: FileId,
    /// Its path.
    pub path: &'m str,
    /// When it was changed, in seconds since 1970.
    pub modified: i64,
    /// When the newest worker started.
    pub loaded: i64,
}

impl Model<'_> {
    /// `worker_rlimit_nofile` and its number.
    pub fn worker_file_limit(&self) -> Option<(Directive<'_>, u64)> {
        let directive = self.main().effective("worker_rlimit_nofile").directive()?;
        let number = directive.argument(0).and_then(parse_number).filter(|_| directive.is_read())?;
        Some((directive, number))
    }

    /// How many files a worker may open: what those that run may, else what
    /// the configuration or the unit says; none when nobody looked.
    pub fn worker_files(&self) -> Option<WorkerFiles> {
        let nginx = &self.facts()?.nginx;
        let room = |worker: &Process| Some((worker.open_files_soft?, worker.files_open));
        let measured = nginx.workers.iter().filter_map(room);
        let tightest = measured.min_by_key(|(limit, open)| limit.saturating_sub(open.unwrap_or(0)));
        if let Some((limit, open)) = tightest {
            return Some(WorkerFiles { limit, open, known_from: KnownFrom::Workers });
        }
        if let Some((_, limit)) = self.worker_file_limit() {
            return Some(WorkerFiles { limit, open: None, known_from: KnownFrom::Directive });
        }
        let limit = nginx.unit.as_ref()?.limit_nofile.filter(|limit| *limit > 0)?;
        let is_default = self.main().effective("worker_rlimit_nofile") == Effective::Default;
        is_default.then_some(WorkerFiles { limit, open: None, known_from: KnownFrom::Unit })
    }

    /// When the nginx that runs read its configuration, in seconds since 1970:
    /// when the newest of its workers started.
    pub fn loaded_at(&self) -> Option<i64> {
        let nginx = &self.facts()?.nginx;
        let newest = nginx.workers.iter().filter_map(|worker| worker.started_at).max();
        newest.or_else(|| nginx.master.as_ref()?.started_at).filter(|_| nginx.runs == Some(true))
    }

    /// The file of the configuration that was changed last, if that was after
    /// nginx had read it.
    pub fn unloaded_file(&self) -> Option<Unloaded<'_>> {
        let loaded = self.loaded_at()?;
        let files = (0..self.files().len() as u32).map(FileId).filter_map(|file| {
            let (path, fact) = self.fact_of_source(file)?;
            let modified = fact.modified.filter(|modified| *modified > loaded.saturating_add(TOLERANCE))?;
            Some(Unloaded { file, path, modified, loaded })
        });
        files.max_by_key(|found| found.modified)
    }

    /// The release of the program that would be started, and of the one that
    /// runs, as far as they are known.
    pub fn releases_seen(&self) -> (Option<Version>, Option<Version>) {
        let Some(facts) = self.facts() else { return (None, None) };
        let installed = facts.nginx.binary.as_ref().and_then(|binary| binary.version.parse().ok());
        let running = facts.nginx.master.as_ref().and_then(|master| master.version.as_deref()?.parse().ok());
        (installed, running)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Facts, FileFact, Unit};
    use crate::tree::{self, Memory, Places};

    fn with_model<T>(text: &str, facts: Facts, ask: impl FnOnce(&Model<'_>) -> T) -> T {
        let entry = Path::new("/etc/nginx/nginx.conf");
        let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
        ask(&Model::new(&tree, Context::Main, profile))
    }

    fn worker(open_files_soft: Option<u64>, files_open: Option<u64>) -> Process {
        Process { open_files_soft, files_open, ..Process::default() }
    }

    #[test]
    fn the_limit_of_files_is_that_of_the_workers_first() {
        let table = [
            ("", vec![worker(Some(1024), Some(3)), worker(Some(1024), Some(900))], 4096, Some((1024, Some(900)))),
            ("worker_rlimit_nofile 2048;", vec![worker(Some(1024), None)], 4096, Some((1024, None))),
            ("worker_rlimit_nofile 2048;", vec![worker(None, None)], 4096, Some((2048, None))),
            ("", vec![], 4096, Some((4096, None))),
            ("worker_rlimit_nofile ${FILES};", vec![], 4096, None),
            ("", vec![], 0, None),
        ];
        for (text, workers, of_unit, expected) in table {
            let mut facts = Facts::default();
            facts.nginx.workers = workers;
            facts.nginx.unit = Some(Unit { limit_nofile: Some(of_unit), ..Unit::default() });
            let found = with_model(text, facts, |model| model.worker_files().map(|found| (found.limit, found.open)));
            assert_eq!(found, expected, "{text} {of_unit}");
        }
    }

    #[test]
    fn a_file_is_unloaded_when_it_is_newer_than_the_newest_worker() {
        let table =
            [(Some(true), 100, false), (Some(true), 202, false), (Some(true), 203, true), (Some(false), 203, false)];
        for (runs, modified, expected) in table {
            let mut facts = Facts::default();
            facts.nginx.runs = runs;
            let started = |at| Process { started_at: Some(at), ..Process::default() };
            facts.nginx.workers = vec![started(100), started(200)];
            let fact = FileFact { modified: Some(modified), ..FileFact::default() };
            facts.files.insert("/etc/nginx/nginx.conf".to_owned(), fact);
            let found = with_model("events {}", facts, |model| model.unloaded_file().is_some());
            assert_eq!(found, expected, "{runs:?} {modified}");
        }
    }
}
