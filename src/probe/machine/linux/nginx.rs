//! The nginx that is installed, and the one that runs with this configuration.

use std::fs;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::facts::{Binary, Facts, Nginx};
use crate::model::Model;

use super::super::Sources;
use super::account::Accounts;
use super::missed::Missed;
use super::process::{self, Entry, Processes};
use super::{binary, unit, worker};

/// What nginx is built with unless it is told otherwise.
const DEFAULT_PREFIX: &str = "/usr/local/nginx";
const DEFAULT_CONFIGURATION: &str = "conf/nginx.conf";

/// Adds what is seen of nginx.
pub(super) fn look(
    sources: &Sources,
    accounts: &Accounts,
    models: &[&Model<'_>],
    facts: &mut Facts,
    missed: &mut Missed,
) {
    let processes = Processes::read(sources);
    let mut programs = Programs { sources, installed: binary::installed(sources), asked: FxHashMap::default() };
    let main = main_file(models);
    let mut found = main.as_deref().map(|main| find_master(&processes, &mut programs, main));
    if let Some(found) = found.as_mut().filter(|found| found.master.is_none() && may_have_no_master(models)) {
        found.runs = None;
    }
    let master = found.as_ref().and_then(|found| found.master);
    let mut nginx = Nginx {
        binary: match master {
            Some(master) => programs.of(master),
            None => programs.installed.clone(),
        },
        runs: found.as_ref().and_then(|found| found.runs),
        unit: unit::find(sources, master.map(Entry::directory).as_deref(), missed),
        configuration_directory: main.as_deref().and_then(directory_of),
        ..Nginx::default()
    };
    if master.is_some() && nginx.binary.is_none() {
        missed.add("the program of the nginx that runs", "it cannot be run to ask for its version");
    }
    if nginx.runs.is_none() && main.is_some() {
        missed.add("whether nginx runs with this configuration", "some process may be one, and cannot be looked at");
    }
    if let Some(master) = master {
        let mut process = process::facts(sources, master, missed);
        process.version = programs.version_of(master, &nginx, process.is_replaced);
        nginx.master = Some(process);
        let workers = processes.workers.iter().filter(|worker| worker.parent == master.pid);
        nginx.workers = workers.map(|worker| process::facts(sources, worker, missed)).collect();
    }
    nginx.prefix = prefix(sources, master, nginx.binary.as_ref(), main.as_deref());
    nginx.user = worker::user(sources, accounts, models, &nginx, &facts.observer, missed);
    facts.nginx = nginx;
}

/// The file that the configuration begins with, from the root on; none when
/// it is not known.
fn main_file(models: &[&Model<'_>]) -> Option<String> {
    let model = models.iter().find(|model| !model.is_fragment())?;
    let path = model.files().first()?.source.path();
    // Standard input has a name that is no path.
    let path = std::path::absolute(path).ok().filter(|_| !path.to_string_lossy().starts_with('<'))?;
    path.to_str().map(str::to_owned)
}

/// Whether the one process there is would go by another name.
fn may_have_no_master(models: &[&Model<'_>]) -> bool {
    models.iter().any(|model| model.main().directive("master_process").is_some())
}

fn directory_of(path: &str) -> Option<String> {
    Some(Path::new(path).parent()?.to_str()?.to_owned())
}

/// What came of looking for the process that reads this configuration.
struct Found<'p> {
    master: Option<&'p Entry>,
    runs: Option<bool>,
}

/// Of several, the one that was started last: the other is about to be
/// replaced by it.
fn find_master<'p>(processes: &'p Processes, programs: &mut Programs<'_>, main: &str) -> Found<'p> {
    let mut is_certain = processes.is_complete;
    let mut own: Vec<&Entry> = Vec::new();
    for master in &processes.masters {
        match programs.configuration_of(master) {
            Some(path) if process::is_same_file(programs.sources, main, master, &path) => own.push(master),
            Some(_) => {}
            None => is_certain = false,
        }
    }
    let master = own.into_iter().max_by_key(|master| (master.ticks, master.pid));
    let runs = if master.is_some() { Some(true) } else { is_certain.then_some(false) };
    Found { master, runs }
}

/// What programs say of themselves, each asked once.
struct Programs<'s> {
    sources: &'s Sources,
    installed: Option<Binary>,
    asked: FxHashMap<PathBuf, Option<Binary>>,
}

impl Programs<'_> {
    /// The program at the path that a master was started from: what would run
    /// after it. Where that path may not be known, the one that is installed.
    fn of(&mut self, master: &Entry) -> Option<Binary> {
        let Some(program) = process::program(self.sources, &master.directory()) else { return self.installed.clone() };
        let is_installed = |installed: &&Binary| Path::new(&installed.path) == program.path;
        if let Some(installed) = self.installed.as_ref().filter(is_installed) {
            return Some(installed.clone());
        }
        let sources = self.sources;
        let asked = self.asked.entry(program.path).or_insert_with_key(|path| {
            let place = sources.at(path);
            // It may be gone since it was started.
            let running = sources.at(format!("{}/exe", master.directory()));
            let place = if fs::metadata(&place).is_ok() { place } else { running };
            let is_trusted = binary::is_trusted(&place, owner_of(sources, master));
            is_trusted.then(|| binary::ask(&place, path)).flatten()
        });
        asked.clone()
    }

    /// The version of the program that a master runs, which may be gone from
    /// its path.
    fn version_of(&self, master: &Entry, nginx: &Nginx, is_replaced: Option<bool>) -> Option<String> {
        if is_replaced? {
            let program = self.sources.at(format!("{}/exe", master.directory()));
            let is_trusted = binary::is_trusted(&program, owner_of(self.sources, master));
            return is_trusted.then(|| binary::ask(&program, &program)).flatten().map(|binary| binary.version);
        }
        let program = process::program(self.sources, &master.directory())?;
        let own = nginx.binary.as_ref().filter(|binary| Path::new(&binary.path) == program.path);
        own.map(|binary| binary.version.clone())
    }

    /// The file that a master begins with.
    fn configuration_of(&mut self, master: &Entry) -> Option<String> {
        let arguments = master.arguments();
        let given = option(&arguments, "-c");
        let binary = self.of(master);
        let path = match (&given, &binary) {
            (Some(given), _) => given,
            (None, Some(binary)) => binary.option("--conf-path").unwrap_or(DEFAULT_CONFIGURATION),
            (None, None) => return None,
        };
        let prefix = given_prefix(self.sources, master).unwrap_or_else(|| binary.as_ref().map(built_in_prefix));
        below(prefix.as_deref(), path)
    }
}

fn owner_of(sources: &Sources, master: &Entry) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(sources.at(master.directory())).ok().map(|metadata| metadata.uid())
}

/// A path as nginx makes it one from the root on.
fn below(prefix: Option<&str>, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    Some(format!("{}/{path}", prefix?.trim_end_matches('/')))
}

fn built_in_prefix(binary: &Binary) -> String {
    binary.option("--prefix").unwrap_or(DEFAULT_PREFIX).to_owned()
}

/// The directory that a master was told its relative paths begin at; the inner
/// is none when that begins where it may not be known.
fn given_prefix(sources: &Sources, master: &Entry) -> Option<Option<String>> {
    let arguments = master.arguments();
    let given = Path::new(option(&arguments, "-p")?);
    let directory = || fs::read_link(sources.at(format!("{}/cwd", master.directory()))).ok();
    let path = if given.is_absolute() { Some(given.to_owned()) } else { directory().map(|path| path.join(given)) };
    // Without `.` and slashes that say nothing.
    let path = path.map(|path| path.components().collect::<PathBuf>());
    Some(path.and_then(|path| path.to_str().map(str::to_owned)))
}

/// The directory that nginx's relative paths begin at: what the master was
/// told, or what its program was built with. Without a master, that of the
/// program, if it is this configuration that it reads without being told.
fn prefix(sources: &Sources, master: Option<&Entry>, binary: Option<&Binary>, main: Option<&str>) -> Option<String> {
    if let Some(master) = master {
        return given_prefix(sources, master).unwrap_or_else(|| binary.map(built_in_prefix));
    }
    let built_in = built_in_prefix(binary?);
    let configuration = binary?.option("--conf-path").unwrap_or(DEFAULT_CONFIGURATION);
    let own = below(Some(&built_in), configuration)?;
    process::is_one_file(sources, main?, &own).then_some(built_in)
}

/// The last value of an option, which may stand right behind its letter.
fn option<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    let mut found = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(name) {
            Some("") => found = arguments.next().copied(),
            Some(value) => found = Some(value),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_command_line() {
        let table = [
            ("-c /a.conf", "-c", Some("/a.conf")),
            ("-p /x -c/b.conf -g daemon off;", "-c", Some("/b.conf")),
            ("-g daemon off;", "-c", None),
            ("-p", "-p", None),
        ];
        for (text, name, expected) in table {
            let arguments: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(option(&arguments, name), expected, "{text}");
        }
    }
}
