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
    /// It is a pattern, and certainly names nothing.
    pub nothing: Option<Nothing>,
}

/// What there is where a pattern found nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nothing {
    /// The directory in which it looks.
    pub directory: PathBuf,
    /// Whether that exists.
    pub exists: bool,
    /// Whether this is the server itself, or its image: a checkout cannot hold
    /// a directory that is empty.
    pub live: bool,
    /// Names of files in it, or, where it does not exist, of the directories
    /// beside it that have files which the pattern would find. Hidden ones are
    /// left out, and of very many the last.
    pub names: Vec<String>,
}

/// So many names are enough to show what a pattern has missed.
const MOST_NAMES: usize = 16;

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
    /// See [`Include::nothing`].
    pub nothing: Option<Nothing>,
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
    let found =
        |paths, lenient| Wanted { statement, pattern, paths, unseen: false, packaged: None, lenient, nothing: None };
    let unseen = || Wanted { unseen: true, ..found(Vec::new(), true) };
    // A placeholder of envsubst is filled in before nginx sees the file.
    if argument.contains("${") {
        return unseen();
    }
    match places.place(argument) {
        Place::Outside => unseen(),
        Place::Here(path) => {
            let (paths, all) = paths(argument, &path, files);
            let nothing = if pattern && paths.is_empty() { nothing(&path, files, places.is_exact()) } else { None };
            Wanted { unseen: !all, nothing, ..found(paths, false) }
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

/// What there is in the directory of a pattern, if that is no pattern itself.
fn nothing(pattern: &Path, files: &dyn Files, live: bool) -> Option<Nothing> {
    let (directory, name) = (pattern.parent()?, pattern.file_name()?.to_string_lossy());
    if glob::is_pattern(&directory.to_string_lossy()) {
        return None;
    }
    let names_in = |directory: &Path| files.list(directory).unwrap_or_default();
    let is_directory = |path: &Path| files.list(path).is_ok();
    let exists = is_directory(directory);
    let inside = if exists { directory } else { directory.parent()? };
    let is_wanted = |other: &Path| match exists {
        true => !is_directory(other),
        false => names_in(other).iter().any(|found| glob::matches(&name, &found.to_string_lossy())),
    };
    let others = names_in(inside).into_iter().map(|other| other.to_string_lossy().into_owned());
    let visible = others.filter(|other| !other.starts_with('.') && is_wanted(&inside.join(other)));
    let names = visible.take(MOST_NAMES).collect();
    Some(Nothing { directory: directory.to_path_buf(), exists, live, names })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files::Memory;

    #[test]
    fn what_a_pattern_has_missed_is_known() {
        let files: Memory = [
            "etc/sites-enabled/default",
            "etc/sites-enabled/.keep",
            "etc/sites-enabled/old/a.conf",
            "etc/conf.d/a.conf",
            "etc/b",
        ]
        .into_iter()
        .map(|path| (path, ""))
        .collect();
        let found = |path: &str| nothing(Path::new(path), &files, true).map(|nothing| (nothing.exists, nothing.names));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(found("etc/sites-enabled/*.conf"), Some((true, names(&["default"]))));
        assert_eq!(found("etc/sites-enable/*"), Some((false, names(&["conf.d", "sites-enabled"]))));
        assert_eq!(found("etc/config.d/*.conf"), Some((false, names(&["conf.d"]))));
        assert_eq!(found("nowhere/sites/*.conf"), Some((false, names(&[]))));
        assert_eq!(found("etc/*/*.conf"), None);
    }
}
