//! Which processes have which sockets.

use std::fs;
use std::io;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::Sources;
use super::missed::Missed;
use super::{process, read};

/// The most files of one process that are looked at: what listens is opened
/// early, and connections come later.
const MOST_FILES: usize = 20_000;

/// A process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Owner {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// For each of these sockets, the process of the lowest number that has it.
pub(super) fn of_sockets(sources: &Sources, inodes: &FxHashSet<u64>, missed: &mut Missed) -> FxHashMap<u64, Owner> {
    let pids = process::numbers(sources).unwrap_or_default();
    let held: Vec<(u32, io::Result<Vec<u64>>)> =
        pids.par_iter().map(|pid| (*pid, sockets_of(sources, *pid, inodes))).collect();
    let mut owners: FxHashMap<u64, Owner> = FxHashMap::default();
    let mut is_denied = false;
    for (pid, sockets) in held {
        is_denied |= sockets.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        for inode in sockets.unwrap_or_default() {
            owners.entry(inode).or_insert_with(|| Owner { pid, name: name_of(sources, pid) });
        }
    }
    if is_denied && owners.len() < inodes.len() {
        missed.add("names of other users' processes", "permission denied");
    }
    owners
}

fn sockets_of(sources: &Sources, pid: u32, inodes: &FxHashSet<u64>) -> io::Result<Vec<u64>> {
    let files = fs::read_dir(sources.at(format!("/proc/{pid}/fd")))?.take(MOST_FILES).filter_map(Result::ok);
    let inode = |path: std::path::PathBuf| path.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    let sockets = files.filter_map(|file| fs::read_link(file.path()).ok()).filter_map(inode);
    Ok(sockets.filter(|inode| inodes.contains(inode)).collect())
}

fn name_of(sources: &Sources, pid: u32) -> String {
    let name = read::text(sources, format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end_matches('\n').to_owned()
}
