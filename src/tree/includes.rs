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
    /// outside of what was given, comes with the nginx package, or has a path
    /// that is filled in later.
    pub unseen: bool,
}

/// What to read for one `include`.
pub(super) struct Wanted {
    pub statement: StatementId,
    pub pattern: bool,
    /// The paths to read; none when it leads elsewhere.
    pub paths: Option<Vec<PathBuf>>,
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
    let elsewhere = Wanted { statement, pattern: glob::is_pattern(argument), paths: None, lenient: true };
    // A placeholder of envsubst is filled in before nginx sees the file.
    if argument.contains("${") {
        return elsewhere;
    }
    let (path, lenient) = match places.place(argument) {
        Place::Outside => return elsewhere,
        Place::Here(path) => (path, false),
        Place::Perhaps(path) => (path, true),
    };
    let mut paths = paths(argument, &path, files);
    if lenient && !paths.iter().any(|path| files.exists(path)) {
        let guesses = places.guesses(argument).map(|guess| self::paths(argument, &guess, files));
        paths = guesses.into_iter().find(|paths| paths.iter().any(|path| files.exists(path))).unwrap_or_default();
        if paths.is_empty() {
            return elsewhere;
        }
    }
    Wanted { paths: Some(paths), lenient, ..elsewhere }
}

fn paths(argument: &str, path: &Path, files: &dyn Files) -> Vec<PathBuf> {
    if glob::is_pattern(argument) { glob::expand(files, path) } else { vec![path.to_path_buf()] }
}
