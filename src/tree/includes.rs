//! What an `include` statement names.

use std::path::{Path, PathBuf};

use crate::source::FileId;
use crate::syntax::{Ending, NO_STATEMENT, ParsedFile, StatementId};

use super::files::Files;
use super::glob;
use super::places::{Place, Places};

/// In these blocks the word `include` is data.
const DATA_BLOCKS: [&str; 2] = ["split_clients", "charset_map"];

/// One `include` statement and what it led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Include {
    /// The file it stands in.
    pub file: FileId,
    /// The statement.
    pub statement: StatementId,
    /// Whether its argument is a pattern.
    pub pattern: bool,
    /// The files it names; a pattern may name none.
    pub files: Vec<FileId>,
    /// Paths at which there is no file: a plain path, or a link that a pattern
    /// found and that leads nowhere.
    pub missing: Vec<PathBuf>,
    /// Paths that are directories; nginx fails on them.
    pub directories: Vec<PathBuf>,
    /// Something it names could not be seen: it could not be read, lies
    /// outside of what was given, or has a path that is filled in later.
    pub unseen: bool,
    /// The file comes with the nginx package: an entry of
    /// [`super::PACKAGED`].
    pub packaged: Option<usize>,
}

/// What to read for one `include`.
pub(super) struct Wanted {
    pub statement: StatementId,
    pub pattern: bool,
    /// The paths to read.
    pub paths: Vec<PathBuf>,
    /// Something it names is out of sight.
    pub unseen: bool,
    /// See [`Include::packaged`].
    pub packaged: Option<usize>,
    /// A path that does not exist is not known to be missing.
    pub lenient: bool,
}

/// The `include` statements of a file and the paths they name.
pub(super) fn wanted(file: &ParsedFile, files: &dyn Files, places: &Places) -> Vec<Wanted> {
    (0..file.syntax.statements.len() as StatementId)
        .filter_map(|statement| Some((statement, argument(file, statement)?)))
        .map(|(statement, argument)| resolve(statement, argument, files, places))
        .collect()
}

fn argument(file: &ParsedFile, id: StatementId) -> Option<&str> {
    let statement = file.statement(id);
    if statement.word_count != 2 || statement.ending == Ending::Block || file.name(id) != "include" {
        return None;
    }
    let is_data = statement.parent != NO_STATEMENT && DATA_BLOCKS.contains(&file.name(statement.parent));
    (!is_data).then(|| file.value(&file.words(id)[1]))
}

fn resolve(statement: StatementId, argument: &str, files: &dyn Files, places: &Places) -> Wanted {
    let pattern = glob::is_pattern(argument);
    let found = |paths, lenient| Wanted { statement, pattern, paths, unseen: false, packaged: None, lenient };
    let unseen = || Wanted { unseen: true, ..found(Vec::new(), true) };
    // A placeholder of envsubst is filled in before nginx sees the file.
    if argument.contains("${") {
        return unseen();
    }
    match places.place(argument) {
        Place::Outside => unseen(),
        Place::Here(path) => {
            let (paths, all) = paths(argument, &path, files);
            Wanted { unseen: !all, ..found(paths, false) }
        }
        Place::Packaged(path, index) => match existing(argument, &path, files, places) {
            Some(paths) => found(paths, true),
            None => Wanted { packaged: Some(index), ..found(Vec::new(), true) },
        },
        Place::Perhaps(path) => match existing(argument, &path, files, places) {
            Some(paths) => found(paths, true),
            None => unseen(),
        },
    }
}

/// The paths that exist, at the place itself or, for a fragment, where its
/// main file may be.
fn existing(argument: &str, path: &Path, files: &dyn Files, places: &Places) -> Option<Vec<PathBuf>> {
    let candidates = std::iter::once(path.to_path_buf()).chain(places.guesses(argument));
    candidates
        .map(|candidate| paths(argument, &candidate, files).0)
        .find(|paths| paths.iter().any(|path| files.exists(path)))
}

/// The paths that an argument names, and whether these are all.
fn paths(argument: &str, path: &Path, files: &dyn Files) -> (Vec<PathBuf>, bool) {
    if glob::is_pattern(argument) { glob::expand(files, path) } else { (vec![path.to_path_buf()], true) }
}
