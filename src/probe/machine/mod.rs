//! The machine: its limits, processes and files.
//!
//! All of it is read below one root directory, so that tests can lay out a
//! machine of their own.

#[cfg(target_os = "linux")]
mod linux;

use std::path::{Path, PathBuf};

use crate::facts::Facts;
use crate::model::Model;

use super::Progress;

/// Where the machine is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sources {
    /// Every path is looked up below it: `/` is this machine.
    pub root: PathBuf,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources { root: PathBuf::from("/") }
    }
}

impl Sources {
    /// Where an absolute path is.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether it is the machine that this runs on, and the system may be
    /// asked too.
    pub fn are_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }
}

/// Adds what is seen of the machine.
pub fn look(sources: &Sources, models: &[&Model<'_>], progress: Progress<'_>, facts: &mut Facts) {
    #[cfg(target_os = "linux")]
    linux::look(sources, models, progress, facts);
    #[cfg(not(target_os = "linux"))]
    {
        use crate::facts::NotExamined;
        let _ = (sources, models, progress);
        let (what, why) = ("this machine".to_owned(), "only Linux can be looked at".to_owned());
        facts.not_examined.push(NotExamined { what, why });
    }
}
