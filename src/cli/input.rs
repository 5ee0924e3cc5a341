//! From the paths on the command line to whole configurations.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::catalog::Context;
use crate::model::{looks_like_nginx, marked_context, outermost_context};
use crate::report::Unread;
use crate::source::{FileId, LARGEST_FILE, SourceFile, one_line};
use crate::syntax::ParsedFile;
use crate::tree::{
    self, Disk, Files, Overlay, Places, ReadError, Tree, configurations_below, entries_above, split_dump,
};

use super::Failure;
use super::arguments::InputArguments;
use super::project::Project;

/// What stands for standard input in findings.
const STDIN: &str = "<stdin>";

/// Arguments that mean standard input.
const STDIN_ARGUMENTS: [&str; 2] = ["-", "/dev/stdin"];

/// The main files looked for when none is named.
const DEFAULT_ENTRIES: [&str; 2] = ["nginx.conf", "/etc/nginx/nginx.conf"];

/// One configuration to judge.
pub struct Job {
    /// It.
    pub tree: Tree,
    /// What its first file stands in.
    pub outermost: Context,
    /// The files that were asked about, if not all.
    pub only: Option<Vec<FileId>>,
    /// Its first file.
    entry: PathBuf,
    /// Whether it was taken from standard input or a dump, and has no files
    /// that could be written.
    pub is_copy: bool,
}

/// Everything to judge, and what stood in the way.
#[derive(Default)]
pub struct Input {
    /// In the order of the arguments.
    pub jobs: Vec<Job>,
    /// Files that could not be read.
    pub unread: Vec<Unread>,
    /// Other reasons for which the work is incomplete.
    pub problems: Vec<String>,
    /// What a user may want to know.
    pub notices: Vec<String>,
}

impl Input {
    /// How many different files were read.
    pub fn file_count(&self) -> usize {
        let files = self.jobs.iter().flat_map(|job| {
            let all = job.tree.files.iter().map(|file| file.source.path());
            let asked = job.only.as_ref().map(|only| only.iter().map(|id| job.tree.file(*id).source.path()));
            let (all, asked) = if asked.is_some() { (None, asked) } else { (Some(all), None) };
            all.into_iter().flatten().chain(asked.into_iter().flatten())
        });
        files.collect::<HashSet<&Path>>().len()
    }

    /// Whether all that was asked about could be read.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.problems.is_empty()
    }

    /// Says on stderr what stood in the way.
    pub fn tell(&self) {
        for notice in &self.notices {
            eprintln!("note: {}", one_line(notice));
        }
        for problem in &self.problems {
            eprintln!("error: {}", one_line(problem));
        }
        for unread in &self.unread {
            eprintln!("error: {}: {}", one_line(&unread.path.to_string_lossy()), unread.reason);
        }
    }
}

/// Reads what the arguments name, as `files` has it.
///
/// # Errors
///
/// When there is nothing at all to judge.
pub fn gather(arguments: &InputArguments, project: &Project, files: &Overlay) -> Result<Input, Failure> {
    let mut gatherer = Gatherer { project, files, input: Input::default(), known: HashSet::new(), known_jobs: 0 };
    if arguments.paths.is_empty() {
        gatherer.add_default()?;
    }
    for path in &arguments.paths {
        gatherer.add(path);
    }
    Ok(gatherer.finish())
}

/// The main file that is judged when none is named.
pub fn default_entry() -> Option<&'static Path> {
    DEFAULT_ENTRIES.iter().map(Path::new).find(|path| path.is_file())
}

/// Whether an argument means standard input.
pub fn is_stdin(path: &Path) -> bool {
    STDIN_ARGUMENTS.iter().any(|name| path == Path::new(name))
}

struct Gatherer<'a> {
    project: &'a Project,
    files: &'a Overlay,
    input: Input,
    /// The true names of the files of the first `known_jobs` jobs.
    known: HashSet<PathBuf>,
    known_jobs: usize,
}

impl Gatherer<'_> {
    fn add_default(&mut self) -> Result<(), Failure> {
        let Some(entry) = default_entry() else {
            let names = DEFAULT_ENTRIES.join(" nor ");
            return Err(Failure::Message(format!("neither {names} exists; say which file or directory to check")));
        };
        self.add_file(entry);
        Ok(())
    }

    fn add(&mut self, path: &Path) {
        if is_stdin(path) {
            self.add_stdin();
        } else if path.is_dir() {
            self.add_directory(path);
        } else {
            self.add_file(path);
        }
    }

    fn add_stdin(&mut self) {
        let mut bytes = Vec::new();
        if let Err(error) = io::stdin().lock().take(LARGEST_FILE + 1).read_to_end(&mut bytes) {
            return self.cannot_read(Path::new(STDIN), &ReadError::from(error));
        }
        if bytes.len() as u64 > LARGEST_FILE {
            return self.cannot_read(Path::new(STDIN), &ReadError::TooLarge);
        }
        if bytes.trim_ascii().is_empty() {
            return self.input.problems.push("standard input is empty; there is nothing to check".to_owned());
        }
        if !self.add_dump(&bytes) {
            let files = WithStdin { bytes };
            let outermost = self.outermost(&ParsedFile::new(SourceFile::new(STDIN, files.bytes.clone())));
            self.load(&files, Path::new(STDIN), outermost);
        }
    }

    fn add_dump(&mut self, bytes: &[u8]) -> bool {
        let Some(dump) = split_dump(bytes) else { return false };
        match tree::load(&dump.files, &dump.entry, &Places::of_dump(&dump.entry)) {
            Ok(tree) => self.push(tree, Context::Main, dump.entry, true),
            Err(error) => self.cannot_read(&dump.entry, &error),
        }
        true
    }

    fn add_directory(&mut self, directory: &Path) {
        let discovered = configurations_below(directory);
        for (path, reason) in discovered.closed {
            self.input.unread.push(Unread { path, reason });
        }
        let nothing = discovered.entries.is_empty() && discovered.fragments.is_empty();
        for entry in discovered.entries {
            self.add_file(&entry);
        }
        let fragments = self.read_fragments(&discovered.fragments);
        let found = !fragments.is_empty();
        // Whole configurations first: the other files may be parts of one.
        let (whole, parts): (Vec<_>, Vec<_>) =
            fragments.into_iter().partition(|(_, file)| outermost_context(file) == Context::Main);
        for (path, file) in whole.into_iter().chain(parts) {
            if !self.is_known(&path) {
                self.add_parsed(&path, &file);
            }
        }
        if nothing || (!found && self.input.jobs.is_empty() && self.input.unread.is_empty()) {
            let shown = directory.display();
            self.input.problems.push(format!("{shown}: no nginx configuration found in this directory"));
        }
    }

    /// Files that were found, not named: some may be something else altogether.
    fn read_fragments(&mut self, paths: &[PathBuf]) -> Vec<(PathBuf, ParsedFile)> {
        let mut files = Vec::new();
        for path in paths {
            match self.files.read(path).map(|bytes| ParsedFile::new(SourceFile::new(path, bytes))) {
                Ok(file) if looks_like_nginx(&file) => files.push((path.clone(), file)),
                Ok(_) => {
                    self.input.notices.push(format!("{}: skipped, this is no nginx configuration", path.display()))
                }
                Err(error) => self.cannot_read(path, &error),
            }
        }
        files
    }

    /// Whether a file is a part of a configuration that is judged anyway.
    fn is_known(&mut self, path: &Path) -> bool {
        for job in &self.input.jobs[self.known_jobs..] {
            self.known.extend(job.tree.files.iter().map(|file| Disk.canonical(file.source.path())));
        }
        self.known_jobs = self.input.jobs.len();
        self.known.contains(&Disk.canonical(path))
    }

    fn add_file(&mut self, path: &Path) {
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.cannot_read(path, &error),
        };
        if self.add_dump(&bytes) {
            return;
        }
        self.add_parsed(path, &ParsedFile::new(SourceFile::new(path, bytes)));
    }

    fn add_parsed(&mut self, path: &Path, file: &ParsedFile) {
        if outermost_context(file) == Context::Main && marked_context(file).is_none() {
            self.load(self.files, path, Context::Main);
        } else {
            self.add_fragment(path, file);
        }
    }

    fn add_fragment(&mut self, path: &Path, file: &ParsedFile) {
        if !self.add_within_its_configuration(path) {
            let outermost = self.outermost(file);
            self.load(self.files, path, outermost);
        }
    }

    /// Judges a fragment as a part of the nearest main file above it that
    /// includes it, if there is one.
    fn add_within_its_configuration(&mut self, path: &Path) -> bool {
        let canonical = Disk.canonical(path);
        for entry in entries_above(&Disk, &absolute(path)) {
            let entry = in_the_words_of(path, &entry);
            let index = self.input.jobs.iter().position(|job| job.entry == entry && job.outermost == Context::Main);
            let job = match index {
                Some(index) => Some(index),
                None => self.load_candidate(&entry),
            };
            let Some(index) = job else { continue };
            let job = &mut self.input.jobs[index];
            let files = job.tree.files.iter().enumerate();
            let found = files.filter(|(_, file)| Disk.canonical(file.source.path()) == canonical);
            let found: Vec<FileId> = found.map(|(index, _)| FileId(index as u32)).collect();
            if !found.is_empty() {
                if let Some(only) = &mut job.only {
                    only.extend(found);
                }
                return true;
            }
        }
        false
    }

    /// Loads a main file nothing was asked about yet.
    fn load_candidate(&mut self, entry: &Path) -> Option<usize> {
        let tree = tree::load(self.files, entry, &self.places(entry)).ok()?;
        if outermost_context(&tree.files[0]) != Context::Main {
            return None;
        }
        self.input.jobs.push(Job {
            tree,
            outermost: Context::Main,
            only: Some(Vec::new()),
            entry: entry.to_path_buf(),
            is_copy: false,
        });
        Some(self.input.jobs.len() - 1)
    }

    /// What a fragment says it stands in, or what fits it.
    fn outermost(&mut self, file: &ParsedFile) -> Context {
        match marked_context(file) {
            Some(Ok(context)) => context,
            Some(Err(unknown)) => {
                let line = file.source.line(unknown.span.start);
                self.input.problems.push(format!("{}:{line}: {unknown}", file.source));
                outermost_context(file)
            }
            None => outermost_context(file),
        }
    }

    fn load(&mut self, files: &dyn Files, entry: &Path, outermost: Context) {
        let places = match outermost {
            Context::Main => self.places(entry),
            _ => self.with_maps(Places::of_fragment(entry, &absolute(entry))),
        };
        match tree::load(files, entry, &places) {
            Ok(tree) => self.push(tree, outermost, entry.to_path_buf(), entry == Path::new(STDIN)),
            Err(error) => self.cannot_read(entry, &error),
        }
    }

    fn places(&self, entry: &Path) -> Places {
        self.with_maps(Places::of_entry(entry, &Disk.canonical(&absolute(entry))))
    }

    fn with_maps(&self, places: Places) -> Places {
        let places = match &self.project.root {
            Some(root) => places.with_root(root),
            None => places,
        };
        self.project.map.iter().fold(places, |places, (from, to)| places.with_map(from, to))
    }

    fn push(&mut self, tree: Tree, outermost: Context, entry: PathBuf, is_copy: bool) {
        self.input.jobs.push(Job { tree, outermost, only: None, entry, is_copy });
    }

    fn cannot_read(&mut self, path: &Path, error: &ReadError) {
        self.input.unread.push(Unread { path: path.to_path_buf(), reason: error.to_string() });
    }

    /// Drops the main files that turned out to include nothing that was asked
    /// about, and gathers what the others could not read.
    fn finish(mut self) -> Input {
        self.input.jobs.retain(|job| job.only.as_ref().is_none_or(|only| !only.is_empty()));
        let unread = self.input.jobs.iter().flat_map(|job| &job.tree.unread);
        let unread: Vec<Unread> =
            unread.map(|unread| Unread { path: unread.path.clone(), reason: unread.reason.to_string() }).collect();
        self.input.unread.extend(unread);
        self.input
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// A path above `given` as the user would write it: relative if `given` is and
/// the path lies below the current directory.
fn in_the_words_of(given: &Path, above: &Path) -> PathBuf {
    if given.is_absolute() {
        return above.to_path_buf();
    }
    let here = std::env::current_dir().unwrap_or_default();
    above.strip_prefix(&here).map_or_else(|_| above.to_path_buf(), Path::to_path_buf)
}

/// The disk, with standard input beside it.
struct WithStdin {
    bytes: Vec<u8>,
}

impl Files for WithStdin {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        if path == Path::new(STDIN) { Ok(self.bytes.clone()) } else { Disk.read(path) }
    }

    fn list(&self, directory: &Path) -> Result<Vec<OsString>, ReadError> {
        Disk.list(directory)
    }

    fn exists(&self, path: &Path) -> bool {
        path == Path::new(STDIN) || Disk.exists(path)
    }

    fn link_target(&self, path: &Path) -> Option<PathBuf> {
        Disk.link_target(path)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        Disk.canonical(path)
    }
}
