//! The file of findings that were there before: read, applied, written.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::fix::write_whole;
use crate::triage::{Baseline, Key};

use super::Failure;

/// A baseline and where it lies.
#[derive(Clone)]
pub struct Known {
    path: PathBuf,
    baseline: Baseline,
    judged: HashSet<String>,
}

impl Known {
    /// Reads a baseline.
    ///
    /// # Errors
    ///
    /// When it cannot be read: findings would come back, or be missed, unseen.
    pub fn read(path: &Path) -> Result<Known, Failure> {
        let fail = |reason: String| Failure::Message(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let baseline = Baseline::parse(&text).map_err(|error| fail(error.to_string()))?;
        Ok(Known { path: path.to_path_buf(), baseline, judged: HashSet::new() })
    }

    /// Whether a finding is known.
    pub fn take(&mut self, key: &Key) -> bool {
        let key = beside(&self.path, key);
        self.baseline.take(&key)
    }

    /// A file was looked at as a whole.
    pub fn was_judged(&mut self, path: &Path) {
        let path = relative(&self.path, &path.to_string_lossy());
        self.judged.insert(path);
    }

    /// Says on stderr what no longer occurs.
    pub fn tell(&self) {
        let gone = self.baseline.left_over(|path| self.judged.contains(path));
        if gone > 0 {
            let here = std::env::current_dir().unwrap_or_default();
            let path = self.path.strip_prefix(here).unwrap_or(&self.path).display();
            let what = if gone == 1 {
                "1 finding no longer occurs".to_owned()
            } else {
                format!("{gone} findings no longer occur")
            };
            eprintln!("note: {path}: {what}; --write-baseline {path} takes what is gone out of it");
        }
    }
}

/// Writes the findings that are there now.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(path: &Path, keys: &[Key]) -> Result<(), Failure> {
    let keys: Vec<Key> = keys.iter().map(|key| beside(path, key)).collect();
    let text = Baseline::of(&keys).text().map_err(|error| Failure::Message(error.to_string()))?;
    let written = match path.exists() {
        true => write_whole(path, text.as_bytes()),
        false => std::fs::write(path, text),
    };
    written.map_err(|error: io::Error| Failure::Message(format!("cannot write {}: {error}", path.display())))
}

fn beside(baseline: &Path, key: &Key) -> Key {
    Key { path: relative(baseline, &key.path), ..key.clone() }
}

/// A path as seen from the directory of the baseline, so that it does not
/// matter from where the command is run.
fn relative(baseline: &Path, path: &str) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let directory = absolute(baseline).parent().map(Path::to_path_buf).unwrap_or_default();
    match absolute(Path::new(path)).strip_prefix(&directory) {
        Ok(below) => below.to_string_lossy().into_owned(),
        Err(_) => path.to_owned(),
    }
}
