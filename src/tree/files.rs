//! Where files come from: the disk, or memory (a dump, stdin, tests).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::source::LARGEST_FILE;

/// Why a file could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("no such file or directory")]
    Missing,
    /// It is a link to a path outside of what was given.
    #[error("leads outside of what was given")]
    Elsewhere,
    /// It is a directory.
    #[error("is a directory")]
    Directory,
    /// It is a pipe, a socket or a device; reading it could wait for ever.
    #[error("is a pipe or device, not a file; standard input is read with -")]
    NotRegular,
    /// This user may not.
    #[error("permission denied")]
    Denied,
    /// It is larger than [`LARGEST_FILE`].
    #[error("is larger than {} MiB", LARGEST_FILE / 1024 / 1024)]
    TooLarge,
    /// Anything else, in the words of the system.
    #[error("{0}")]
    Other(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
            io::ErrorKind::PermissionDenied => ReadError::Denied,
            io::ErrorKind::IsADirectory => ReadError::Directory,
            _ => ReadError::Other(error.to_string()),
        }
    }
}

/// The files a configuration is made of.
pub trait Files: Sync {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError>;

    /// The names in a directory in byte order, `.` and `..` left out.
    fn list(&self, directory: &Path) -> Result<Vec<OsString>, ReadError>;

    /// Whether anything of this name exists.
    fn exists(&self, path: &Path) -> bool;

    /// Where a link leads; none for everything else.
    fn link_target(&self, path: &Path) -> Option<PathBuf>;

    /// The one true name of a file, or the path itself where there is none.
    fn canonical(&self, path: &Path) -> PathBuf;
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// Files in front of others: what they would be with some of them changed.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// New bytes, by the one true names of files on the disk.
    changed: BTreeMap<PathBuf, Vec<u8>>,
}

impl Overlay {
    /// The disk as it is.
    pub fn new() -> Overlay {
        Overlay::default()
    }

    /// Gives a file other bytes.
    pub fn change(&mut self, path: &Path, bytes: Vec<u8>) {
        self.changed.insert(Disk.canonical(path), bytes);
    }

    /// The files that were given other bytes.
    pub fn changed(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        self.changed.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()))
    }
}

impl Files for Overlay {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        if self.changed.is_empty() {
            return Disk.read(path);
        }
        match self.changed.get(&Disk.canonical(path)) {
            Some(bytes) => Ok(bytes.clone()),
            None => Disk.read(path),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<OsString>, ReadError> {
        Disk.list(directory)
    }

    fn exists(&self, path: &Path) -> bool {
        Disk.exists(path)
    }

    fn link_target(&self, path: &Path) -> Option<PathBuf> {
        Disk.link_target(path)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        Disk.canonical(path)
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        // A pipe would make `open` wait, so its kind is asked for first.
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(ReadError::Directory);
        }
        if !metadata.is_file() {
            return Err(ReadError::NotRegular);
        }
        if metadata.len() > LARGEST_FILE {
            return Err(ReadError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
        // A file that grows while it is read stays within the limit too.
        fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_FILE { Err(ReadError::TooLarge) } else { Ok(bytes) }
    }

    fn list(&self, directory: &Path) -> Result<Vec<OsString>, ReadError> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    fn link_target(&self, path: &Path) -> Option<PathBuf> {
        fs::read_link(path).ok()
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

/// Files that are only in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    /// Puts a file at a path, in the place of an earlier one.
    pub fn insert(&mut self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(normal(path.as_ref()), bytes.into());
    }

    /// The paths in byte order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// The files in a directory and further down: they follow each other.
    fn below<'a>(&'a self, directory: &'a Path) -> impl Iterator<Item = &'a Path> {
        let from = self.files.range(directory.to_path_buf()..).map(|(path, _)| path.as_path());
        from.take_while(move |path| path.starts_with(directory)).filter(move |path| *path != directory)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.below(path).next().is_some()
    }
}

impl<P: AsRef<Path>, B: Into<Vec<u8>>> FromIterator<(P, B)> for Memory {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Memory {
        let mut memory = Memory::default();
        for (path, bytes) in files {
            memory.insert(path, bytes);
        }
        memory
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let path = normal(path);
        match self.files.get(&path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.is_directory(&path) => Err(ReadError::Directory),
            None => Err(ReadError::Missing),
        }
    }

    fn list(&self, directory: &Path) -> Result<Vec<OsString>, ReadError> {
        let directory = normal(directory);
        let inside = self.below(&directory).filter_map(|file| file.strip_prefix(&directory).ok()?.components().next());
        let names: BTreeSet<OsString> = inside.map(|first| first.as_os_str().to_owned()).collect();
        if names.is_empty() { Err(ReadError::Missing) } else { Ok(names.into_iter().collect()) }
    }

    fn exists(&self, path: &Path) -> bool {
        let path = normal(path);
        self.files.contains_key(&path) || self.is_directory(&path)
    }

    fn link_target(&self, _path: &Path) -> Option<PathBuf> {
        None
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        normal(path)
    }
}

/// A path without `.`, and with `..` resolved by name.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(result.components().next_back(), Some(Component::Normal(_))) => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}
