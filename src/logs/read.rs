//! Reads files of logs: plain ones and packed ones, whole or from a time on.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::facts::LogFile;

use super::access::AccessFormat;
use super::line::time_and_rest;
use super::lines::{LONGEST, Splitter, unwrapped};
use super::time::{self, Time};
use super::{Gatherer, php_fpm};

/// A file is read in blocks of this size.
const BLOCK: usize = 1024 * 1024;

/// Files packed by others are told by their first bytes.
const PACKED: [(&[u8], &str); 4] =
    [(b"\x1f\x9d", "compress"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")];

const GZIP: &[u8] = b"\x1f\x8b";

/// A log, and what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub kind: Kind,
}

/// What is in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The error log of nginx.
    Error,
    /// An access log in this format.
    Access(AccessFormat),
    /// The log of php-fpm.
    PhpFpm,
}

impl Kind {
    /// Takes a line; its time, if it has one and is not too old.
    pub(super) fn take(&self, gatherer: &mut Gatherer, line: &[u8]) -> Option<Time> {
        match self {
            Kind::Error | Kind::PhpFpm => gatherer.take_line(line),
            Kind::Access(format) => gatherer.take_access_line(format, line),
        }
    }

    /// Why nothing can be told from such a log, if so.
    fn problem(&self) -> Option<&'static str> {
        match self {
            Kind::Access(format) => format.problem(),
            Kind::Error | Kind::PhpFpm => None,
        }
    }

    fn time_of(&self, line: &[u8]) -> Option<Time> {
        let line = &*unwrapped(line);
        match self {
            Kind::Error => time_and_rest(line).map(|(time, _)| time),
            Kind::PhpFpm => php_fpm::parse(line).map(|(time, _)| time),
            Kind::Access(format) => format.time_of(line),
        }
    }
}

/// Reads logs, from a time on such as `2026-11-21 23:46:01` if one is given.
/// What cannot be read is told in [`LogFile::problem`].
pub fn read(sources: &[Source], since: Option<&str>, gatherer: &mut Gatherer) {
    gatherer.since = since.and_then(time::of_text);
    for source in sources {
        let mut file = LogFile { path: source.path.to_string_lossy().into_owned(), ..LogFile::default() };
        file.problem = match source.kind.problem() {
            Some(problem) => Some(problem.to_owned()),
            None => read_file(source, gatherer, &mut file).err().map(|error| in_words(&error)),
        };
        gatherer.files.push(file);
    }
    gatherer.since = None;
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "not there".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::UnexpectedEof => "it ends in the middle of what gzip packed".to_owned(),
        _ => error.to_string(),
    }
}

/// Opens a file. A pipe or a terminal, as a container has for its log, would
/// be waited for.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    File::open(path)
}

fn read_file(source: &Source, gatherer: &mut Gatherer, told: &mut LogFile) -> io::Result<()> {
    let mut file = open(&source.path)?;
    let mut magic = Vec::new();
    file.by_ref().take(8).read_to_end(&mut magic)?;
    if let Some((_, packer)) = PACKED.iter().find(|(begins, _)| magic.starts_with(begins)) {
        return Err(io::Error::other(format!("it is packed by {packer}; only gzip is read")));
    }
    if gatherer.since.is_some_and(|since| is_older(&file, &since)) {
        return Ok(());
    }
    file.rewind()?;
    if magic.starts_with(GZIP) {
        let unpacked = MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, file));
        return read_lines(unpacked, &source.kind, gatherer, told);
    }
    if let Some(since) = gatherer.since {
        seek_to(&mut file, &source.kind, &since)?;
    }
    read_lines(file, &source.kind, gatherer, told)
}

/// Whether nothing was written into a file since long before a time. A day
/// and more of difference is needed: the clock of who wrote the times may be
/// in another zone.
fn is_older(file: &File, since: &Time) -> bool {
    let day = std::time::Duration::from_secs(26 * 60 * 60);
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let latest = written.and_then(|written| written.checked_add(day)).and_then(time::of_system);
    latest.is_some_and(|latest| latest < *since)
}

fn read_lines(mut from: impl Read, kind: &Kind, gatherer: &mut Gatherer, told: &mut LogFile) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut splitter = Splitter::default();
    let LogFile { bytes, lines, first, last, .. } = told;
    let (mut earliest, mut latest): (Option<Time>, Option<Time>) = (None, None);
    let mut take = |line: &[u8]| {
        *lines += 1;
        if let Some(time) = kind.take(gatherer, line) {
            earliest = earliest.or(Some(time));
            latest = Some(time);
        }
    };
    let outcome = loop {
        match from.read(&mut block) {
            Ok(0) => break Ok(()),
            Ok(length) => {
                *bytes += length as u64;
                splitter.push(&block[..length], &mut take);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    splitter.finish(&mut take);
    *first = earliest.as_ref().map(time::to_text);
    *last = latest.as_ref().map(time::to_text);
    outcome
}

/// Goes to where lines of this time may begin: lines are sorted by time, but
/// for those that workers write at the same moment. In doubt it is earlier.
fn seek_to(file: &mut File, kind: &Kind, since: &Time) -> io::Result<()> {
    let block = BLOCK as u64;
    let (mut before, mut after) = (0, file.metadata()?.len());
    while after - before > block {
        let middle = before + (after - before) / 2;
        match time_after(file, kind, middle)? {
            Some(time) if time < *since => before = middle,
            _ => after = middle,
        }
    }
    // Not into the middle of a line: what is left of it is no line.
    file.seek(SeekFrom::Start(before.saturating_sub(block)))?;
    Ok(())
}

/// The time of the first line behind a place of a file that has one.
fn time_after(file: &mut File, kind: &Kind, place: u64) -> io::Result<Option<Time>> {
    file.seek(SeekFrom::Start(place))?;
    let mut bytes = Vec::new();
    file.by_ref().take(4 * LONGEST as u64).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n').skip(1);
    Ok(lines.into_iter().find_map(|line| kind.time_of(line)))
}

/// The older files of a log that logrotate keeps beside it, the oldest first:
/// `error.log.2.gz`, `error.log.1`, `error.log-20261121`.
pub fn rotated(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { return Vec::new() };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<(Age, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let own = entry.file_name();
            let age = age_of(own.to_string_lossy().strip_prefix(&name)?)?;
            Some((age, path.with_file_name(own)))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// Sorts from old to young.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Dated(String),
    Numbered(std::cmp::Reverse<u32>),
}

/// How old a file is, by what follows the name of the log in its name.
fn age_of(suffix: &str) -> Option<Age> {
    let unpacked = [".gz", ".bz2", ".xz", ".zst"].into_iter().find_map(|packed| suffix.strip_suffix(packed));
    let suffix = unpacked.unwrap_or(suffix);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = suffix.strip_prefix('.').filter(|number| is_digits(number)) {
        return number.parse().ok().map(|number| Age::Numbered(std::cmp::Reverse(number)));
    }
    // The date, with the hour or the seconds since 1970 where it is asked for.
    let date = suffix.strip_prefix('-')?;
    let is_date = date.len() >= "20261121".len() && date.split('-').all(is_digits);
    is_date.then(|| Age::Dated(date.to_owned()))
}
