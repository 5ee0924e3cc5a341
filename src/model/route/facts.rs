//! What a way takes for granted about files: later forks on the same way must
//! agree with it.

use super::Assumption;

/// Assumptions that hold, or do not.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    known: Vec<(Assumption, bool)>,
}

/// Where a file is asked about, without a slash at the end.
fn path_of(assumption: &Assumption) -> Option<Vec<u8>> {
    let path = match assumption {
        Assumption::IsFile(path)
        | Assumption::IsDirectory(path)
        | Assumption::Exists(path)
        | Assumption::IsExecutable(path) => path.bytes()?,
        Assumption::Holds(_) | Assumption::Otherwise => return None,
    };
    Some(path.strip_suffix(b"/").unwrap_or(path).to_vec())
}

impl Facts {
    pub(super) fn add(&mut self, assumption: &Assumption, holds: bool) {
        self.known.push((assumption.clone(), holds));
    }

    /// Whether an assumption holds, if that follows.
    pub(super) fn decide(&self, asked: &Assumption) -> Option<bool> {
        use Assumption::{Exists, IsDirectory, IsExecutable, IsFile};
        if matches!(asked, IsFile(path) if path.ends_with(b'/') == Some(true)) {
            return Some(false);
        }
        let path = path_of(asked);
        self.known.iter().rev().find_map(|(known, holds)| {
            if known == asked {
                return Some(*holds);
            }
            let (path, other) = (path.as_ref()?, path_of(known)?);
            let is_there = *holds && !matches!(known, Assumption::Holds(_));
            let is_directory = matches!(known, IsDirectory(_));
            if *path == other {
                return match (asked, known) {
                    (IsFile(_), IsFile(_)) | (IsDirectory(_), IsDirectory(_)) => Some(*holds),
                    (IsFile(_), IsDirectory(_)) | (IsDirectory(_), IsFile(_)) if *holds => Some(false),
                    (Exists(_), IsFile(_) | IsDirectory(_) | IsExecutable(_)) if *holds => Some(true),
                    (_, Exists(_)) if !*holds => Some(false),
                    _ => None,
                };
            }
            let lies_in =
                |inner: &[u8], outer: &[u8]| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(b"/"));
            if lies_in(path, &other) && is_directory != *holds {
                // Below something that is no directory.
                return (is_directory || matches!(known, IsFile(_))).then_some(false);
            }
            (is_there && matches!(asked, IsDirectory(_) | Exists(_)) && lies_in(&other, path)).then_some(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Assumption::{Exists, IsDirectory, IsFile};
    use super::Facts;
    use crate::model::route::Text;

    fn text(path: &str) -> Text {
        Text::known(path)
    }

    #[test]
    fn what_follows_is_known() {
        let mut facts = Facts::default();
        facts.add(&IsFile(text("/d/a")), true);
        facts.add(&IsDirectory(text("/none/")), false);
        let table = [
            (IsFile(text("/d/a")), Some(true)),
            (IsDirectory(text("/d/a")), Some(false)),
            (Exists(text("/d/a")), Some(true)),
            (IsDirectory(text("/d/")), Some(true)),
            (IsFile(text("/d/")), Some(false)),
            (IsFile(text("/d/a/b")), Some(false)),
            (IsFile(text("/d/b")), None),
            (IsDirectory(text("/none")), Some(false)),
            (IsFile(text("/none/x")), Some(false)),
            (IsFile(text("/none")), None),
        ];
        for (asked, expected) in table {
            assert_eq!(facts.decide(&asked), expected, "{asked:?}");
        }
    }
}
