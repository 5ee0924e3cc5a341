//! Processes, as `/proc` shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::unistd::{SysconfVar, sysconf};
use rayon::prelude::*;

use crate::facts::Process;

use super::super::Sources;
use super::missed::{Missed, in_words};
use super::read;

/// The bit of CAP_SYS_RESOURCE.
const MAY_RAISE_LIMITS: u64 = 1 << 24;

/// The bit of CAP_DAC_OVERRIDE.
const MAY_OVERRIDE_PERMISSIONS: u64 = 1 << 1;

/// How the titles of nginx's processes begin.
const MASTER: &str = "nginx: master process";
const WORKER: &str = "nginx: worker process";

/// What is made of nginx and shows what it was started with in another way.
const OTHER_MASTER: &str = "angie: master process";

/// A process of an nginx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// Its number.
    pub pid: u32,
    /// The process that started it.
    pub parent: u32,
    /// What it calls itself.
    pub title: String,
    /// When it started, in ticks of the clock since the machine did.
    pub ticks: u64,
}

/// The processes of all nginx of this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Processes {
    /// The masters.
    pub masters: Vec<Entry>,
    /// The workers that take requests.
    pub workers: Vec<Entry>,
    /// Whether every process could be looked at, and none of them is an nginx
    /// of which it cannot be told what it reads.
    pub is_complete: bool,
}

/// All numbers of processes, in order; none when they may not be listed.
pub(super) fn numbers(sources: &Sources) -> Option<Vec<u32>> {
    let entries = fs::read_dir(sources.at("/proc")).ok()?.filter_map(Result::ok);
    let mut pids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Some(pids)
}

impl Processes {
    /// Looks through all processes.
    pub fn read(sources: &Sources) -> Processes {
        let Some(pids) = numbers(sources) else { return Processes::default() };
        let titles: Vec<(u32, Option<String>)> = pids.par_iter().map(|pid| (*pid, title_of(sources, *pid))).collect();
        let mut processes = Processes {
            // Where only one's own processes are shown, the first is not.
            is_complete: pids.contains(&1) && titles.iter().all(|(_, title)| title.is_some()),
            ..Processes::default()
        };
        for (pid, title) in titles {
            let title = title.unwrap_or_default();
            if title.starts_with(OTHER_MASTER) {
                processes.is_complete = false;
            } else if title.starts_with(MASTER) {
                // One in a container has files of its own, or shares ours.
                let is_ours = is_of_this_namespace(sources, pid);
                processes.is_complete &= is_ours;
                processes.masters.extend(entry(sources, pid, title).filter(|_| is_ours));
            } else if title.starts_with(WORKER) && !title.ends_with("is shutting down") {
                processes.workers.extend(entry(sources, pid, title));
            }
        }
        processes
    }
}

impl Entry {
    /// What the master was started with, behind its name.
    pub fn arguments(&self) -> Vec<&str> {
        self.title.strip_prefix(MASTER).unwrap_or_default().split_whitespace().skip(1).collect()
    }

    /// Its directory.
    pub fn directory(&self) -> String {
        format!("/proc/{}", self.pid)
    }
}

/// Empty when it has none, or is gone; none when it may not be known.
fn title_of(sources: &Sources, pid: u32) -> Option<String> {
    match read::text(sources, format!("/proc/{pid}/cmdline")) {
        Ok(title) => Some(title.trim_matches('\0').replace('\0', " ").trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => None,
        Err(_) => Some(String::new()),
    }
}

/// Whether it is not one of a container that is seen from outside: such a
/// process has a number in there too.
fn is_of_this_namespace(sources: &Sources, pid: u32) -> bool {
    let status = read::text(sources, format!("/proc/{pid}/status")).unwrap_or_default();
    read::field(&status, "NSpid").is_none_or(|numbers| numbers.split_whitespace().count() < 2)
}

fn entry(sources: &Sources, pid: u32, title: String) -> Option<Entry> {
    let stat = read::text(sources, format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; behind it are the
    // state, which is the third field, and so on.
    let (_, rest) = stat.rsplit_once(')')?;
    let field = |number: usize| rest.split_whitespace().nth(number - 3);
    let (parent, ticks) = (field(4)?.parse().ok()?, field(22)?.parse().ok()?);
    Some(Entry { pid, parent, title, ticks })
}

/// What is to be known of a process.
pub(super) fn facts(sources: &Sources, entry: &Entry, missed: &mut Missed) -> Process {
    let directory = entry.directory();
    let status = read::text(sources, format!("{directory}/status")).unwrap_or_default();
    let (open_files_soft, open_files_hard) = open_files(sources, &directory, missed).unzip();
    Process {
        pid: entry.pid,
        started_at: started_at(sources, entry.ticks),
        open_files_soft,
        open_files_hard,
        files_open: files_open(sources, &directory, missed),
        is_replaced: program(sources, &directory).map(|program| program.is_replaced),
        version: None,
        uid: uid_of(&status),
        may_raise_limits: capabilities(&status).map(|bits| bits & MAY_RAISE_LIMITS != 0),
    }
}

/// The second number is that of the user it acts for.
fn uid_of(status: &str) -> Option<u32> {
    read::field(status, "Uid")?.split_whitespace().nth(1)?.parse().ok()
}

fn capabilities(status: &str) -> Option<u64> {
    u64::from_str_radix(read::field(status, "CapEff")?, 16).ok()
}

/// Whether permissions of files do not bind root: in a process that runs as
/// root, or in our own. Containers may take this from it.
pub(super) fn may_override_permissions(sources: &Sources, pid: Option<u32>) -> bool {
    let process = pid.map_or("self".to_owned(), |pid| pid.to_string());
    let status = read::text(sources, format!("/proc/{process}/status")).unwrap_or_default();
    let is_of_root = uid_of(&status).is_none_or(|uid| uid == 0);
    capabilities(&status).is_none_or(|bits| !is_of_root || bits & MAY_OVERRIDE_PERMISSIONS != 0)
}

/// The groups of a process, its own first.
pub(super) fn groups(sources: &Sources, pid: u32) -> Option<Vec<u32>> {
    let status = read::text(sources, format!("/proc/{pid}/status")).ok()?;
    let own: u32 = read::field(&status, "Gid")?.split_whitespace().nth(1)?.parse().ok()?;
    let others = read::field(&status, "Groups")?.split_whitespace().filter_map(|group| group.parse().ok());
    Some(std::iter::once(own).chain(others.filter(|group| *group != own)).collect())
}

fn started_at(sources: &Sources, ticks: u64) -> Option<i64> {
    let stat = read::text(sources, "/proc/stat").ok()?;
    let boot: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().filter(|ticks| *ticks > 0).unwrap_or(100);
    boot.checked_add(i64::try_from(ticks / u64::try_from(per_second).ok()?).ok()?)
}

/// `Max open files 1024 524288 files`: what holds now, and what it may become.
fn open_files(sources: &Sources, directory: &str, missed: &mut Missed) -> Option<(u64, u64)> {
    let text = read::text_or_missed(sources, &format!("{directory}/limits"), missed)?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let number = |word: &str| if word == "unlimited" { Some(u64::MAX) } else { word.parse().ok() };
    let mut words = line.split_whitespace();
    Some((number(words.next()?)?, number(words.next()?)?))
}

fn files_open(sources: &Sources, directory: &str, missed: &mut Missed) -> Option<u64> {
    match fs::read_dir(sources.at(format!("{directory}/fd"))) {
        Ok(entries) => u64::try_from(entries.count()).ok(),
        Err(error) => {
            if error.kind() == std::io::ErrorKind::PermissionDenied {
                missed.add("open files of the processes of nginx", in_words(&error));
            }
            None
        }
    }
}

/// The program of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    /// Its path.
    pub path: PathBuf,
    /// It is not at that path any more.
    pub is_replaced: bool,
}

/// The program of a process; none when it may not be known.
pub(super) fn program(sources: &Sources, directory: &str) -> Option<Program> {
    let path = fs::read_link(sources.at(format!("{directory}/exe"))).ok()?;
    let text = path.to_str()?;
    Some(match text.strip_suffix(" (deleted)") {
        Some(path) => Program { path: PathBuf::from(path), is_replaced: true },
        None => Program { path: PathBuf::from(text), is_replaced: false },
    })
}

/// Whether both are one file, the second as a process sees it, which may have
/// a file system of its own.
pub(super) fn is_same_file(sources: &Sources, ours: &str, entry: &Entry, theirs: &str) -> bool {
    let seen_by_it = format!("{}/root{theirs}", entry.directory());
    if fs::metadata(sources.at(&seen_by_it)).is_ok() {
        return is_one_file(sources, ours, &seen_by_it);
    }
    is_one_file(sources, ours, theirs)
}

/// Whether both paths lead to one file, or are the same if there is none.
pub(super) fn is_one_file(sources: &Sources, one: &str, other: &str) -> bool {
    let identity = |path: &str| fs::metadata(sources.at(path)).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    let (first, second) = (identity(one), identity(other));
    if first.is_some() || second.is_some() { first == second } else { one == other }
}
