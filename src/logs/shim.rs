//! x
#![allow(missing_docs)]
use super::Gatherer;
use std::path::{Path, PathBuf};
#[derive(Clone, Debug)]
pub struct AccessFormat;
impl AccessFormat {
    pub const JSON: &'static str = "x";
    pub fn parse(_: &str) -> Option<AccessFormat> {
        None
    }
}
#[derive(Clone, Debug)]
pub enum SourceKind {
    Error,
    Access(AccessFormat),
}
impl SourceKind {
    pub fn of_error_log(_: &Path) -> SourceKind {
        SourceKind::Error
    }
}
#[derive(Clone, Debug)]
pub struct Source {
    pub path: PathBuf,
    pub kind: SourceKind,
}
pub fn rotated(_: &Path) -> Vec<PathBuf> {
    Vec::new()
}
pub fn since_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
pub fn read(sources: &[Source], _since: Option<&str>, gatherer: &mut Gatherer) {
    for s in sources {
        for l in std::fs::read(&s.path).unwrap_or_default().split(|b| *b == b'\n') {
            gatherer.add_line(l)
        }
    }
}
#[derive(Debug)]
pub struct Follower;
impl Follower {
    pub fn new(_: Vec<Source>) -> Follower {
        Follower
    }
    pub fn poll(&mut self, _: &mut Gatherer) -> std::io::Result<u64> {
        Ok(0)
    }
}
