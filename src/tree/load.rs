//! Reads a file and all that it includes, a round of files at a time, the
//! files of a round in parallel.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::source::{FileId, SourceFile};
use crate::syntax::ParsedFile;

use super::files::{Files, ReadError};
use super::includes::{self, Include, Wanted};
use super::places::Places;
use super::{Tree, Unread, expand};

/// The configuration that begins with `entry`.
///
/// # Errors
///
/// When the entry itself cannot be read. Everything else that cannot be found
/// or read is recorded in the tree.
pub fn load(files: &dyn Files, entry: &Path, places: &Places) -> Result<Tree, ReadError> {
    let first = ParsedFile::new(SourceFile::new(entry, files.read(entry)?));
    let mut loader = Loader { files, places, known: FxHashMap::default(), wanted: Vec::new(), tree: Tree::default() };
    loader.known.insert(entry.to_path_buf(), Ok(FileId(0)));
    loader.tree.files.push(first);
    loader.read_rounds();
    loader.resolve_includes();
    let mut tree = loader.tree;
    expand::expand(&mut tree);
    Ok(tree)
}

struct Loader<'a> {
    files: &'a dyn Files,
    places: &'a Places,
    known: FxHashMap<PathBuf, Result<FileId, ReadError>>,
    /// For each file, by its index, what its includes name.
    wanted: Vec<Vec<Wanted>>,
    tree: Tree,
}

impl Loader<'_> {
    fn read_rounds(&mut self) {
        while self.wanted.len() < self.tree.files.len() {
            let round = &self.tree.files[self.wanted.len()..];
            let wanted: Vec<Vec<Wanted>> =
                round.iter().map(|file| includes::wanted(file, self.files, self.places)).collect();
            let paths = self.unknown_paths(&wanted);
            self.wanted.extend(wanted);
            for (path, result) in self.read(&paths) {
                self.add(path, result);
            }
        }
    }

    fn unknown_paths(&self, wanted: &[Vec<Wanted>]) -> Vec<PathBuf> {
        let mut seen = rustc_hash::FxHashSet::default();
        let named = wanted.iter().flatten().flat_map(|wanted| &wanted.paths);
        named.filter(|path| !self.known.contains_key(*path) && seen.insert(*path)).cloned().collect()
    }

    fn read(&self, paths: &[PathBuf]) -> Vec<(PathBuf, Result<ParsedFile, ReadError>)> {
        let files = self.files;
        let read_one = |path: &PathBuf| {
            let parsed = files.read(path).map(|bytes| ParsedFile::new(SourceFile::new(path.clone(), bytes)));
            (path.clone(), parsed)
        };
        // Starting threads costs more than reading a handful of files.
        if paths.len() < 8 { paths.iter().map(read_one).collect() } else { paths.par_iter().map(read_one).collect() }
    }

    fn add(&mut self, path: PathBuf, result: Result<ParsedFile, ReadError>) {
        let known = result.map(|file| {
            self.tree.files.push(file);
            FileId(self.tree.files.len() as u32 - 1)
        });
        if let Err(reason) = &known
            && !matches!(reason, ReadError::Missing | ReadError::Directory)
        {
            self.tree.unread.push(Unread { path: path.clone(), reason: reason.clone() });
        }
        self.known.insert(path, known);
    }

    fn resolve_includes(&mut self) {
        for (index, wanted) in std::mem::take(&mut self.wanted).into_iter().enumerate() {
            let file = FileId(index as u32);
            let includes = wanted.into_iter().map(|wanted| self.include(file, wanted));
            let includes: Vec<Include> = includes.collect();
            self.tree.includes.extend(includes);
        }
    }

    fn include(&self, file: FileId, wanted: Wanted) -> Include {
        let mut include = Include {
            file,
            statement: wanted.statement,
            pattern: wanted.pattern,
            files: Vec::new(),
            missing: Vec::new(),
            directories: Vec::new(),
            unseen: wanted.unseen,
            packaged: wanted.packaged,
        };
        for path in wanted.paths {
            match self.known.get(&path) {
                Some(Ok(id)) => include.files.push(*id),
                Some(Err(ReadError::Directory)) => include.directories.push(path),
                Some(Err(ReadError::Missing)) | None if !wanted.lenient => include.missing.push(path),
                Some(Err(_)) | None => include.unseen = true,
            }
        }
        include
    }
}
