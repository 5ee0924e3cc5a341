//! The one function that writes a user's file.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Gives a file that exists other bytes: all of them or none, whatever
/// happens on the way. It keeps its mode and owner; a link stays a link, and
/// what it names is changed.
///
/// # Errors
///
/// When the file or its directory cannot be written. The file is then as it
/// was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let metadata = fs::metadata(&path)?;
    if metadata.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it may not be written"));
    }
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = NamedTempFile::with_prefix_in(".nginx-lint-", directory)?;
    file.write_all(bytes)?;
    keep_owner(file.path(), &metadata)?;
    fs::set_permissions(file.path(), metadata.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn keep_owner(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let own = fs::metadata(path)?;
    if (own.uid(), own.gid()) == (metadata.uid(), metadata.gid()) {
        return Ok(());
    }
    chown(path, Some(metadata.uid()), Some(metadata.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_a_link() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("site.conf");
        let link = directory.path().join("enabled.conf");
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        symlink("site.conf", &link).expect("linked");
        write_whole(&link, b"new\xff").expect("written");
        assert_eq!(fs::read(&file).expect("read"), b"new\xff");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 2, "nothing is left behind");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).expect("set");
        assert!(write_whole(&link, b"newer").is_err());
        assert_eq!(fs::read(&file).expect("read"), b"new\xff");
        assert!(write_whole(&directory.path().join("none.conf"), b"").is_err());
    }
}
