//! Why a file cannot be used.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// It says something that has no meaning.
    #[error("{}:{}: {message}", path.display(), position(text, span.start))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is in it.
        text: String,
        /// The bytes it is about.
        span: Range<usize>,
        /// What is wrong.
        message: String,
    },
}

impl ConfigError {
    /// Something in a file that has no meaning.
    pub fn invalid(path: &Path, text: &str, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::Invalid { path: path.to_path_buf(), text: text.to_owned(), span, message }
    }
}

/// Line and column, counted from 1, in characters.
fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    format!("{}:{}", before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
