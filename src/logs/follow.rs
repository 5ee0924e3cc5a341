//! Reads what is added to logs. It has no thread and does not wait: who calls
//! it does.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use super::Gatherer;
use super::lines::Splitter;
use super::read::{Kind, Source, open};

/// What is added is read in blocks of this size.
const BLOCK: usize = 64 * 1024;

/// Logs that are followed. One that is rotated is read to its end, and then
/// the new one from its beginning; one that is not there yet is waited for.
#[derive(Debug)]
pub struct Follower {
    files: Vec<Followed>,
    block: Vec<u8>,
}

#[derive(Debug)]
struct Followed {
    source: Source,
    open: Option<Open>,
    splitter: Splitter,
}

/// A file that is read, and how far.
#[derive(Debug)]
struct Open {
    file: File,
    identity: Identity,
    place: u64,
}

/// Device and number of a file, where the system has them.
type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {
    None
}

impl Follower {
    /// Follows logs from their present ends.
    pub fn new(sources: &[Source]) -> Follower {
        let files = sources.iter().map(|source| {
            let mut followed = Followed { source: source.clone(), open: None, splitter: Splitter::default() };
            followed.open = followed.open_file().ok().and_then(|mut open| {
                open.place = open.file.seek(SeekFrom::End(0)).ok()?;
                Some(open)
            });
            followed
        });
        Follower { files: files.collect(), block: vec![0; BLOCK] }
    }

    /// Reads what was added since, and says how many lines that were.
    ///
    /// # Errors
    ///
    /// The first error of reading, after all logs were read. A log that cannot
    /// be opened is tried again the next time.
    pub fn poll(&mut self, gatherer: &mut Gatherer) -> io::Result<u64> {
        let mut lines = 0;
        let mut first_error = None;
        for followed in &mut self.files {
            let outcome = followed.poll(gatherer, &mut self.block, &mut lines);
            first_error = first_error.or(outcome.err());
        }
        first_error.map_or(Ok(lines), Err)
    }
}

impl Followed {
    fn open_file(&self) -> io::Result<Open> {
        let file = open(&self.source.path)?;
        let identity = identity(&file.metadata()?);
        Ok(Open { file, identity, place: 0 })
    }

    fn poll(&mut self, gatherer: &mut Gatherer, block: &mut [u8], lines: &mut u64) -> io::Result<()> {
        self.read_on(gatherer, block, lines)?;
        let there = match std::fs::metadata(&self.source.path) {
            Ok(metadata) => identity(&metadata),
            // Moved away, and the new one is not there yet.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.open.as_ref().is_some_and(|open| open.identity == there) {
            return Ok(());
        }
        let Ok(next) = self.open_file() else { return Ok(()) };
        // Until now lines may have been added to the old one.
        self.read_on(gatherer, block, lines)?;
        let kind = &self.source.kind;
        self.splitter.finish(&mut |line| {
            *lines += 1;
            kind.take(gatherer, line);
        });
        self.open = Some(next);
        self.read_on(gatherer, block, lines)
    }

    /// Reads to the present end of what is open.
    fn read_on(&mut self, gatherer: &mut Gatherer, block: &mut [u8], lines: &mut u64) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.file.metadata()?.len() < open.place {
            // Emptied, and written anew.
            open.place = open.file.seek(SeekFrom::Start(0))?;
            self.splitter.clear();
        }
        let kind: &Kind = &self.source.kind;
        let mut take = |line: &[u8]| {
            *lines += 1;
            kind.take(gatherer, line);
        };
        loop {
            match open.file.read(block) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    open.place += length as u64;
                    self.splitter.push(&block[..length], &mut take);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
