//! Log formats, and what the arguments of logs say.

use rustc_hash::FxHashMap;

use crate::catalog::Family;
use crate::tree::NodeId;

use super::value::{parse_milliseconds, parse_number, parse_size};
use super::{Directive, Model, has_placeholder};

/// The log formats of `http {}` and of `stream {}`, by name in lower case:
/// the first of each name.
#[derive(Debug, Default)]
pub(super) struct LogFormats {
    first: FxHashMap<(Family, String), NodeId>,
    all: Vec<(Family, NodeId)>,
}

/// The buffer of an access log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogBuffer {
    /// Bytes.
    pub size: u64,
    /// Milliseconds; 0 if it is not written out by time.
    pub flush: u64,
    /// The level of compression; 0 for none.
    pub gzip: u64,
}

/// Why the parameters of an access log are refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogParameterError {
    /// This argument is not known.
    Unknown(usize),
    /// The size in this argument.
    BufferSize(usize),
    /// The time in this argument.
    FlushTime(usize),
    /// The level in this argument.
    CompressionLevel(usize),
    /// This argument gives a time, and no argument a buffer.
    NoBuffer(usize),
}

/// The size of a buffer that only `gzip` asks for.
const SIZE_FOR_GZIP: u64 = 64 * 1024;

impl LogBuffer {
    /// The buffer of an `access_log`; its size is 0 if there is none. Nothing
    /// if a placeholder hides a part of it.
    ///
    /// # Errors
    ///
    /// What is wrong with the first parameter that nginx does not take.
    pub fn of(directive: Directive<'_>) -> Result<Option<LogBuffer>, LogParameterError> {
        let mut buffer = LogBuffer { size: 0, flush: 0, gzip: 0 };
        let mut flushed_by = 0;
        let mut is_known = true;
        for (index, argument) in directive.arguments().enumerate().skip(2) {
            if has_placeholder(argument) {
                is_known = false;
            } else if let Some(size) = argument.strip_prefix("buffer=") {
                let size = parse_size(size).filter(|size| *size > 0);
                buffer.size = size.ok_or(LogParameterError::BufferSize(index))?;
            } else if let Some(time) = argument.strip_prefix("flush=") {
                let time = parse_milliseconds(time).filter(|time| *time > 0);
                buffer.flush = time.ok_or(LogParameterError::FlushTime(index))?;
                flushed_by = index;
            } else if argument == "gzip" {
                buffer.gzip = 1;
            } else if let Some(level) = argument.strip_prefix("gzip=") {
                let level = parse_number(level).filter(|level| (1..=9).contains(level));
                buffer.gzip = level.ok_or(LogParameterError::CompressionLevel(index))?;
            } else if !argument.starts_with("if=") {
                return Err(LogParameterError::Unknown(index));
            }
            if buffer.gzip > 0 && buffer.size == 0 {
                buffer.size = SIZE_FOR_GZIP;
            }
        }
        if is_known && buffer.flush > 0 && buffer.size == 0 {
            return Err(LogParameterError::NoBuffer(flushed_by));
        }
        Ok(is_known.then_some(buffer))
    }
}

impl<'t> Model<'t> {
    /// The first format of this name, in any case; `combined` is there without.
    pub fn log_format(&self, family: Family, name: &str) -> Option<Directive<'_>> {
        let formats = self.log_formats.get_or_init(|| self.find_log_formats());
        let first = formats.first.get(&(family, name.to_ascii_lowercase()));
        first.map(|node| self.directive(*node))
    }

    /// The log formats of `http {}` or `stream {}`, in order.
    pub fn log_formats(&self, family: Family) -> impl Iterator<Item = Directive<'_>> {
        let formats = self.log_formats.get_or_init(|| self.find_log_formats());
        let of_family = formats.all.iter().filter(move |(of, _)| *of == family);
        of_family.map(|(_, node)| self.directive(*node))
    }

    fn find_log_formats(&self) -> LogFormats {
        let mut formats = LogFormats::default();
        for directive in self.directives_named(&["log_format"]) {
            let (Some(known), Some(name)) = (directive.definition(), directive.argument(0)) else { continue };
            let key = (known.module.family, name.to_ascii_lowercase());
            formats.all.push((key.0, directive.id()));
            formats.first.entry(key).or_insert(directive.id());
        }
        formats
    }
}
