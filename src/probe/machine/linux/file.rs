//! The files that the configuration names, and what the workers may do there.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::sys::statvfs::{FsFlags, statvfs};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::facts::{Facts, FileFact, FileKind, NotExamined};

use super::super::super::Progress;
use super::super::Sources;
use super::account::Accounts;
use super::missed::{Missed, in_words};
use super::process;
use super::walk::{ENTER, End, Node, READ, WRITE, Walker, Way, Who};

/// So many files are looked at between two signs of life.
const STEP: usize = 256;

/// Adds what is at each of these paths.
pub(super) fn look(
    sources: &Sources,
    accounts: &Accounts,
    paths: &BTreeSet<String>,
    progress: Progress<'_>,
    facts: &mut Facts,
    missed: &mut Missed,
) {
    let who = facts.nginx.user.clone().map(|user| {
        let worker = facts.nginx.workers.first().map(|worker| worker.pid);
        Who { is_above_permissions: user.uid == 0 && process::may_override_permissions(sources, worker), user }
    });
    let looker = Looker { sources, accounts, walker: Walker::new(sources), who, spaces: Mutex::default() };
    let done = AtomicUsize::new(0);
    let paths: Vec<&String> = paths.iter().collect();
    let looked: Vec<Looked> = paths
        .par_iter()
        .map(|path| {
            let count = done.fetch_add(1, Ordering::Relaxed);
            if count.is_multiple_of(STEP) {
                progress("reading files", count, paths.len());
            }
            looker.look(path)
        })
        .collect();
    for (path, looked) in paths.into_iter().zip(looked) {
        facts.files.insert(path.clone(), looked.fact);
        missed.entries.extend(looked.missed);
    }
}

/// What is known of a path, and what is not.
#[derive(Default)]
struct Looked {
    fact: FileFact,
    missed: Option<NotExamined>,
}

/// Room on a file system.
#[derive(Clone, Copy, Debug)]
struct Space {
    free_bytes: u64,
    total_bytes: u64,
    free_files: Option<u64>,
    is_read_only: bool,
}

struct Looker<'s> {
    sources: &'s Sources,
    accounts: &'s Accounts,
    walker: Walker<'s>,
    who: Option<Who>,
    /// By device.
    spaces: Mutex<FxHashMap<u64, Option<Space>>>,
}

impl Looker<'_> {
    fn look(&self, path: &str) -> Looked {
        let way = self.walker.go(Path::new(path));
        let mut looked = match &way.end {
            End::Found(node) => self.describe(path, node, &way),
            End::Missing => Looked { fact: FileFact { kind: FileKind::Missing, ..FileFact::default() }, missed: None },
            End::Own => Looked { fact: FileFact { kind: FileKind::Other, ..FileFact::default() }, missed: None },
            End::Hidden(error) => Looked {
                fact: FileFact::default(),
                missed: Some(NotExamined { what: path.to_owned(), why: in_words(error) }),
            },
        };
        // What stands in front of such a file is of the process too.
        let who = self.who.as_ref().filter(|_| !matches!(way.end, End::Own));
        let stops = who.and_then(|who| way.stops(who));
        looked.fact.worker_stops_at = stops.map(|directory| directory.path.to_string_lossy().into_owned());
        looked
    }

    fn describe(&self, path: &str, node: &Node, way: &Way) -> Looked {
        let metadata = &node.metadata;
        let space = self.space(node);
        let mut fact = FileFact {
            kind: node.kind(),
            mode: Some(metadata.permissions().mode() & 0o7777),
            owner: Some(self.accounts.name_of_user(metadata.uid())),
            group: Some(self.accounts.name_of_group(metadata.gid())),
            modified: Some(metadata.mtime()),
            free_bytes: space.map(|space| space.free_bytes),
            total_bytes: space.map(|space| space.total_bytes),
            free_files: space.and_then(|space| space.free_files),
            ..FileFact::default()
        };
        let Some(who) = &self.who else { return Looked { fact, missed: None } };
        if way.stops(who).is_some() {
            (fact.worker_reads, fact.worker_writes) = (Some(false), Some(false));
            return Looked { fact, missed: None };
        }
        let is_known = way.unknown(who).is_none();
        if is_known {
            let enter = if fact.kind == FileKind::Directory { ENTER } else { 0 };
            fact.worker_reads = node.lets(who, READ | enter);
            fact.worker_writes = node.lets(who, WRITE | enter);
            let is_socket = fact.kind == FileKind::Socket;
            if !is_socket && space.is_some_and(|space| space.is_read_only) {
                fact.worker_writes = Some(false);
            }
        }
        let missed = fact.worker_reads.is_none().then(|| NotExamined {
            what: format!("what {} may do with {path}", who.user.name),
            why: "it has an access control list".to_owned(),
        });
        Looked { fact, missed }
    }

    fn space(&self, node: &Node) -> Option<Space> {
        let device = node.metadata.dev();
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        *spaces.entry(device).or_insert_with(|| space_at(&self.sources.at(&node.path)))
    }
}

/// What is kept for root is not free.
fn space_at(path: &Path) -> Option<Space> {
    let found = statvfs(path).ok()?;
    let block = found.fragment_size();
    Some(Space {
        free_bytes: found.blocks_available().saturating_mul(block),
        total_bytes: found.blocks().saturating_mul(block),
        free_files: (found.files() > 0).then(|| found.files_available()),
        is_read_only: found.flags().contains(FsFlags::ST_RDONLY),
    })
}
