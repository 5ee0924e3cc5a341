//! The way to a file, directory by directory, as the kernel goes it: links are
//! followed, and each directory must let one through.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use rustix::fs::lgetxattr;
use rustix::io::Errno;

use crate::facts::{FileKind, User};

use super::super::Sources;

/// So many links the kernel follows.
const MOST_LINKS: usize = 40;

/// Where an access control list of a file is kept.
const ACCESS_CONTROL_LIST: &str = "system.posix_acl_access";

/// What somebody wants to do.
pub(super) const READ: u32 = 0o4;
pub(super) const WRITE: u32 = 0o2;
pub(super) const ENTER: u32 = 0o1;

/// Somebody who goes there.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// The user.
    pub user: User,
    /// Permissions do not bind it, as is usual for root.
    pub is_above_permissions: bool,
}

/// Something of the file system.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it is, without links.
    pub path: PathBuf,
    /// What the system says of it.
    pub metadata: Metadata,
    /// Where it leads, if it is a link.
    link: Option<PathBuf>,
    /// The real path, for the access control list.
    real: PathBuf,
    has_list: OnceLock<bool>,
}

impl Node {
    /// What it is.
    pub fn kind(&self) -> FileKind {
        let kind = self.metadata.file_type();
        match () {
            () if kind.is_file() => FileKind::File,
            () if kind.is_dir() => FileKind::Directory,
            () if kind.is_socket() => FileKind::Socket,
            () => FileKind::Other,
        }
    }

    /// Whether its permissions let somebody do this; none when a list that is
    /// not read here decides.
    pub fn lets(&self, who: &Who, wanted: u32) -> Option<bool> {
        let mode = self.metadata.permissions().mode();
        if who.is_above_permissions {
            return Some(true);
        }
        let allowed = if self.metadata.uid() == who.user.uid {
            mode >> 6
        } else if self.has_list() {
            return None;
        } else if who.user.groups.contains(&self.metadata.gid()) {
            mode >> 3
        } else {
            mode
        };
        Some(allowed & wanted == wanted)
    }

    /// Whether it has an access control list.
    pub fn has_list(&self) -> bool {
        *self.has_list.get_or_init(|| {
            // None, or a file system without: an error.
            let mut list = [0_u8; 4096];
            let length = lgetxattr(&self.real, ACCESS_CONTROL_LIST, &mut list[..]);
            length.is_ok_and(|length| length > 0) || length == Err(Errno::RANGE)
        })
    }
}

/// What came of going there.
#[derive(Debug)]
pub(super) enum End {
    /// It is this.
    Found(Arc<Node>),
    /// Nothing is there.
    Missing,
    /// Each process has its own there, such as `/dev/stderr`.
    Own,
    /// It may not be looked at.
    Hidden(io::Error),
}

/// A way to a file.
#[derive(Debug)]
pub(super) struct Way {
    /// The directories that were gone through.
    pub directories: Vec<Arc<Node>>,
    /// What is at its end.
    pub end: End,
}

impl Way {
    /// The first directory that does not let a user through.
    pub fn stops(&self, who: &Who) -> Option<&Node> {
        let mut directories = self.directories.iter().map(Arc::as_ref);
        directories.find(|directory| directory.lets(who, ENTER) == Some(false))
    }

    /// The first directory of which that is not known.
    pub fn unknown(&self, who: &Who) -> Option<&Node> {
        self.directories.iter().map(Arc::as_ref).find(|directory| directory.lets(who, ENTER).is_none())
    }
}

/// The file system; directories are looked at once.
#[derive(Debug)]
pub(super) struct Walker<'s> {
    sources: &'s Sources,
    directories: Mutex<FxHashMap<PathBuf, Arc<Node>>>,
}

impl<'s> Walker<'s> {
    /// That of a machine.
    pub fn new(sources: &'s Sources) -> Walker<'s> {
        Walker { sources, directories: Mutex::default() }
    }

    /// Goes to an absolute path.
    pub fn go(&self, path: &Path) -> Way {
        let mut directories = Vec::new();
        let end = self.go_through(path, &mut directories).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => End::Missing,
            _ => End::Hidden(error),
        });
        Way { directories, end }
    }

    fn go_through(&self, path: &Path, directories: &mut Vec<Arc<Node>>) -> io::Result<End> {
        let mut rest: VecDeque<OsString> = parts(path).collect();
        let mut here = self.node(Path::new("/"))?;
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            if here.kind() != FileKind::Directory {
                return Ok(End::Missing);
            }
            directories.push(Arc::clone(&here));
            let next = if part == ".." {
                here.path.parent().unwrap_or(Path::new("/")).to_owned()
            } else {
                here.path.join(&part)
            };
            let node = self.node(&next)?;
            let Some(link) = &node.link else {
                here = node;
                continue;
            };
            if is_of_each_process(&node.path) {
                return Ok(End::Own);
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(io::Error::other("too many links"));
            }
            for part in parts(link).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(part);
            }
            if link.is_absolute() {
                here = self.node(Path::new("/"))?;
            }
        }
        Ok(End::Found(here))
    }

    fn node(&self, path: &Path) -> io::Result<Arc<Node>> {
        let known = self.directories.lock().unwrap_or_else(PoisonError::into_inner).get(path).map(Arc::clone);
        if let Some(node) = known {
            return Ok(node);
        }
        let real = self.sources.at(path);
        // The root is what it is, by whatever name.
        let metadata = if path == Path::new("/") { fs::metadata(&real) } else { fs::symlink_metadata(&real) }?;
        let link = if metadata.is_symlink() { Some(fs::read_link(&real)?) } else { None };
        let is_file = metadata.is_file();
        let node = Arc::new(Node { path: path.to_owned(), metadata, link, real, has_list: OnceLock::new() });
        if !is_file {
            let mut directories = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
            directories.insert(path.to_owned(), Arc::clone(&node));
        }
        Ok(node)
    }
}

/// `/proc/1/fd/2`: such a link may lead to what has no path.
fn is_of_each_process(path: &Path) -> bool {
    path.starts_with("/proc") && path.parent().is_some_and(|parent| parent.ends_with("fd"))
}

/// The parts of a path, `.` and the root left out.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}
