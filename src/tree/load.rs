//! Reads a file and all that it includes, a round of files at a time, the
//! files of a round in parallel.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::source::{FileId, SourceFile};
use crate::syntax::ParsedFile;

use super::files::{Files, ReadError};
use super::includes::{self, Include, Wanted};
use super::places::{Place, Places};
use super::{Tree, Unread, expand};

/// The configuration that begins with `entry`.
///
/// # Errors
///
/// When the entry itself cannot be read. Everything else that cannot be found
/// or read is recorded in the tree.
pub fn load(files: &dyn Files, entry: &Path, places: &Places) -> Result<Tree, ReadError> {
    let first = read(entry, files, places)?;
    let mut loader = Loader { files, places, known: FxHashMap::default(), wanted: Vec::new(), tree: Tree::default() };
    loader.add(entry.to_path_buf(), Ok(first));
    loader.read_rounds();
    loader.resolve_includes();
    let mut tree = loader.tree;
    tree.is_fragment = places.is_of_fragment();
    expand::expand(&mut tree);
    Ok(tree)
}

/// A file that was read, and what its includes name.
type Read = (ParsedFile, Vec<Wanted>);

fn read(path: &Path, files: &dyn Files, places: &Places) -> Result<Read, ReadError> {
    let bytes = match files.read(path) {
        Err(ReadError::Missing) => read_link(path, files, places)?,
        other => other?,
    };
    let file = ParsedFile::new(SourceFile::new(path, bytes));
    let wanted = includes::wanted(&file, files, places);
    Ok((file, wanted))
}

/// In a checkout, a link such as `sites-enabled/app` to
/// `/etc/nginx/sites-available/app` leads nowhere, but will when it is
/// deployed: its target is looked up like the path of an include.
fn read_link(path: &Path, files: &dyn Files, places: &Places) -> Result<Vec<u8>, ReadError> {
    let target = files.link_target(path).filter(|target| target.is_absolute());
    let target = target.filter(|_| !places.is_live()).ok_or(ReadError::Missing)?;
    match places.place(&target.to_string_lossy()) {
        Place::Here(path) => files.read(&path),
        Place::Perhaps(path) | Place::Packaged(path, _) => files.read(&path).map_err(|error| match error {
            ReadError::Missing => ReadError::Elsewhere,
            other => other,
        }),
        Place::Outside => Err(ReadError::Elsewhere),
    }
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
        let mut done = 0;
        while done < self.wanted.len() {
            let paths = self.unknown_paths(&self.wanted[done..]);
            done = self.wanted.len();
            for (path, result) in self.read_all(paths) {
                self.add(path, result);
            }
        }
    }

    fn unknown_paths(&self, wanted: &[Vec<Wanted>]) -> Vec<PathBuf> {
        let mut seen = FxHashSet::default();
        let named = wanted.iter().flatten().flat_map(|wanted| &wanted.paths);
        named.filter(|path| !self.known.contains_key(*path) && seen.insert(*path)).cloned().collect()
    }

    fn read_all(&self, paths: Vec<PathBuf>) -> Vec<(PathBuf, Result<Read, ReadError>)> {
        let read_one = |path: PathBuf| {
            let result = read(&path, self.files, self.places);
            (path, result)
        };
        // Starting threads costs more than reading a handful of files.
        if paths.len() < 8 {
            paths.into_iter().map(read_one).collect()
        } else {
            paths.into_par_iter().map(read_one).collect()
        }
    }

    fn add(&mut self, path: PathBuf, result: Result<Read, ReadError>) {
        let known = result.map(|(file, wanted)| {
            self.tree.files.push(file);
            self.wanted.push(wanted);
            FileId(self.tree.files.len() as u32 - 1)
        });
        if let Err(reason) = &known
            && !matches!(reason, ReadError::Missing | ReadError::Elsewhere | ReadError::Directory)
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
            nothing: wanted.nothing,
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
