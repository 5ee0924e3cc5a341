//! Files, directories and sockets of the file system.

use serde::{Deserialize, Serialize};

/// What is at a path.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileFact {
    /// Links are followed.
    pub kind: FileKind,
    /// Permissions, such as `0o660`.
    pub mode: Option<u32>,
    /// The owner's name, or number.
    pub owner: Option<String>,
    /// The group's name, or number.
    pub group: Option<String>,
    /// When it was changed last, in seconds since 1970.
    pub modified: Option<i64>,
    /// Whether the user that the workers run as may read it; of a directory,
    /// may list and enter it.
    pub worker_reads: Option<bool>,
    /// Whether that user may write to it; of a directory, may create files in
    /// it; of a socket, may connect to it.
    pub worker_writes: Option<bool>,
    /// The first directory on the way that this user may not enter.
    pub worker_stops_at: Option<String>,
    /// So many bytes are free for it on its file system.
    pub free_bytes: Option<u64>,
    /// So many bytes its file system has.
    pub total_bytes: Option<u64>,
    /// So many more files its file system takes; none where it does not count.
    pub free_files: Option<u64>,
}

/// The kinds of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Nothing is there.
    Missing,
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A socket.
    Socket,
    /// A device, a pipe.
    Other,
    /// It could not be looked at.
    #[default]
    Unknown,
}
