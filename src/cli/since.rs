//! Which files changed since a revision, in the words of git.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree::{Disk, Files};

use super::Failure;
use super::arguments::InputArguments;
use super::input::is_stdin;

/// The files that differ from a revision, and those git does not know yet, by
/// their one true names.
///
/// # Errors
///
/// When there is no git, no repository, or no such revision.
pub fn changed_files(arguments: &InputArguments, revision: &str) -> Result<HashSet<PathBuf>, Failure> {
    let first = arguments.paths.first().map_or(Path::new("."), PathBuf::as_path);
    let here = if is_stdin(first) || first.as_os_str().is_empty() { Path::new(".") } else { first };
    let directory = if here.is_dir() {
        here
    } else {
        here.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
    };
    if revision.starts_with('-') {
        return Err(Failure::Message(format!("\"{revision}\" is no revision")));
    }
    let top = git(directory, &["rev-parse", "--show-toplevel"])?;
    let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches('\n'));
    let mut names = git(&top, &["diff", "--name-only", "--no-relative", "-z", revision, "--"])?;
    names.extend(git(&top, &["ls-files", "--others", "--exclude-standard", "-z"])?);
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| Disk.canonical(&top.join(path_of(name)))).collect())
}

fn git(directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new("git").arg("-C").arg(directory).args(arguments).output();
    let output = output.map_err(|error| Failure::Message(format!("--since asks git, which cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    let first = reason.lines().next().unwrap_or("it says nothing");
    Err(Failure::Message(format!("--since asks git, which fails: {first}")))
}

#[cfg(unix)]
fn path_of(name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(name))
}

#[cfg(not(unix))]
fn path_of(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::new(&*String::from_utf8_lossy(name)))
}
