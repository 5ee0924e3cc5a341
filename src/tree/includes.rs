//! What an `include` statement names.

use std::path::{Path, PathBuf};

use crate::source::FileId;
use crate::syntax::{Ending, NO_STATEMENT, ParsedFile, StatementId};

use super::files::Files;
use super::glob;
use super::places::{Place, Places};

/// In these blocks the word `include` is data.
const DATA_BLOCKS: [&str; 2] = ["split_clients", "charset_map"];

/// What an `include` led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The files it names; a pattern may name none.
    Files(Vec<FileId>),
    /// There is no such file.
    Missing(PathBuf),
    /// It names a directory.
    Directory(PathBuf),
    /// A file that exists and could not be read.
    Unread(PathBuf),
    /// It lies outside of what was given, or comes with the nginx package, or
    /// its path is filled in later.
    Elsewhere,
}

/// One `include` statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Include {
    /// The file it stands in.
    pub file: FileId,
    /// The statement.
    pub statement: StatementId,
    /// Whether its argument is a pattern.
    pub pattern: bool,
    /// What it led to.
    pub target: Target,
    /// Directories that a pattern matches beside files; nginx fails on them.
    pub directories: Vec<PathBuf>,
    /// Whether a file that it names could not be seen.
    pub incomplete: bool,
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
