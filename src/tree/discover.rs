//! Which files a directory offers, and which main file a fragment belongs to.

use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::files::Files;

const ENTRY: &str = "nginx.conf";

/// How far above a fragment its main file is looked for, in directories.
const HIGHEST: usize = 5;

/// Directories in which every file is taken for a configuration, whatever it
/// is called.
const FRAGMENT_DIRECTORIES: [&str; 8] = [
    "conf.d",
    "sites-available",
    "sites-enabled",
    "streams-enabled",
    "streams-available",
    "snippets",
    "vhosts",
    "http.d",
];

const EXTENSIONS: [&str; 4] = ["conf", "nginx", "nginxconf", "vhost"];

/// Endings of the copies that editors and package managers leave behind.
const LEFTOVER_ENDINGS: [&str; 17] = [
    "~",
    ".bak",
    ".backup",
    ".orig",
    ".old",
    ".save",
    ".swp",
    ".swo",
    ".rej",
    ".tmp",
    ".dpkg-old",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-bak",
    ".rpmsave",
    ".rpmnew",
    ".rpmorig",
];

/// The configurations in a directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Main files.
    pub entries: Vec<PathBuf>,
    /// Files that may be parts of one.
    pub fragments: Vec<PathBuf>,
    /// Directories that could not be looked into, with the reason.
    pub closed: Vec<(PathBuf, String)>,
}

/// Whether a file name is that of a copy left behind by an editor or a
/// package manager.
pub fn is_leftover_name(name: &str) -> bool {
    LEFTOVER_ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
        || name.contains(".ucf-")
        || (name.starts_with('#') && name.ends_with('#'))
        || name == "README"
        || name.starts_with("README.")
}

/// What a directory offers: its `nginx.conf`, or else every `nginx.conf`
/// further down and every other file that may be a part of a configuration.
pub fn configurations_below(directory: &Path) -> Discovered {
    let entry = directory.join(ENTRY);
    if entry.is_file() {
        return Discovered { entries: vec![entry], ..Discovered::default() };
    }
    let mut discovered = Discovered::default();
    let walk = WalkDir::new(directory).follow_links(false).sort_by_file_name();
    for found in walk.into_iter().filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match found {
            Ok(entry) if !entry.file_type().is_dir() => sort_in(&entry, &mut discovered),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(directory).to_path_buf();
                let reason = error.io_error().map_or_else(|| error.to_string(), |io| io.kind().to_string());
                discovered.closed.push((path, reason));
            }
        }
    }
    discovered
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

fn sort_in(entry: &DirEntry, discovered: &mut Discovered) {
    let path = entry.path();
    let name = entry.file_name().to_string_lossy();
    // A link counts as what it leads to; a dangling one is nothing to read.
    if !path.is_file() || is_leftover_name(&name) {
        return;
    }
    if name == ENTRY {
        discovered.entries.push(path.to_path_buf());
    } else if may_be_a_fragment(path) {
        discovered.fragments.push(path.to_path_buf());
    }
}

fn may_be_a_fragment(path: &Path) -> bool {
    let directory = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    EXTENSIONS.contains(&&*extension) || FRAGMENT_DIRECTORIES.contains(&&*directory)
}

/// The main files that may include a fragment, the nearest first.
pub fn entries_above(files: &dyn Files, fragment: &Path) -> Vec<PathBuf> {
    let directories = fragment.ancestors().skip(1).take(HIGHEST);
    let candidates = directories.map(|directory| directory.join(ENTRY));
    candidates.filter(|candidate| candidate != fragment && files.exists(candidate)).collect()
}

#[cfg(test)]
mod tests {
    use super::is_leftover_name;

    #[test]
    fn leftovers_are_known_by_their_names() {
        for name in
            ["a.conf~", "a.conf.bak", "a.conf.dpkg-old", "site.rpmsave", "a.conf.ucf-dist", "#a.conf#", "README"]
        {
            assert!(is_leftover_name(name), "{name}");
        }
        for name in ["a.conf", "default", "example.com", "backup.conf", "old.example.com", "~"] {
            assert!(!is_leftover_name(name), "{name}");
        }
    }
}
