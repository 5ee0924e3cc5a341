//! The output of `nginx -T`: all files of a configuration, one after another,
//! each behind a line that names it.

use std::path::{Path, PathBuf};

use super::files::Memory;

const MARKER: &[u8] = b"# configuration file ";

/// What a dump holds.
#[derive(Debug)]
pub struct Dump {
    /// The main file.
    pub entry: PathBuf,
    /// All files.
    pub files: Memory,
}

/// Takes a dump apart; none when the bytes are not one.
///
/// nginx writes a blank line behind every file; its own messages may stand in
/// front when standard error went to the same place.
pub fn split_dump(bytes: &[u8]) -> Option<Dump> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while lines.next_if(|line| line.starts_with(b"nginx: ") || *line == b"\n").is_some() {}
    let entry = named_by(lines.peek()?)?;
    let mut files = Memory::default();
    let mut path = entry.clone();
    let mut content: Vec<u8> = Vec::new();
    for line in lines.skip(1) {
        if let Some(next) = named_by(line) {
            finish(&mut files, &path, &mut content);
            path = next;
        } else {
            content.extend_from_slice(line);
        }
    }
    finish(&mut files, &path, &mut content);
    Some(Dump { entry, files })
}

fn finish(files: &mut Memory, path: &Path, content: &mut Vec<u8>) {
    let mut content = std::mem::take(content);
    if content.last() == Some(&b'\n') {
        content.pop();
    }
    files.insert(path, content);
}

/// The path in `# configuration file PATH:`.
fn named_by(line: &[u8]) -> Option<PathBuf> {
    let path = line.strip_prefix(MARKER)?.trim_ascii_end().strip_suffix(b":")?;
    let path = String::from_utf8_lossy(path);
    path.starts_with('/').then(|| PathBuf::from(path.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Files;

    #[test]
    fn a_dump_is_taken_apart_into_the_files_as_they_were() {
        let dump = b"nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n\
            # configuration file /etc/nginx/nginx.conf:\nhttp {\n}\n\n\
            # configuration file /etc/nginx/a.conf:\nlast line without end\n";
        let dump = split_dump(dump).expect("a dump");
        assert_eq!(dump.entry, Path::new("/etc/nginx/nginx.conf"));
        assert_eq!(dump.files.read(Path::new("/etc/nginx/nginx.conf")), Ok(b"http {\n}\n".to_vec()));
        assert_eq!(dump.files.read(Path::new("/etc/nginx/a.conf")), Ok(b"last line without end".to_vec()));
        assert!(split_dump(b"http {\n}\n").is_none());
        assert!(split_dump(b"").is_none());
    }
}
