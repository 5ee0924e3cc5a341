//! Names that nginx puts into one of its hash tables: the keys of a `map` and
//! the hosts of `valid_referers` (`ngx_hash_add_key`).

use rustc_hash::FxHashSet;

/// The names of one table.
#[derive(Clone, Debug, Default)]
pub struct HashKeys {
    exact: FxHashSet<String>,
    /// What follows `*.` or `.`.
    endings: FxHashSet<String>,
    /// What stands before `.*`.
    beginnings: FxHashSet<String>,
}

/// Why a name is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashKeyError {
    /// A `*` where none can stand, or two dots in a row.
    Invalid,
    /// It is there already.
    Conflicting,
}

impl HashKeys {
    /// Adds a name; upper and lower case are the same. `wildcards` says
    /// whether `*.name`, `.name` and `name.*` stand for many.
    ///
    /// # Errors
    ///
    /// Why nginx does not take it. A name in conflict leaves no trace.
    pub fn add(&mut self, name: &str, wildcards: bool) -> Result<(), HashKeyError> {
        let name = name.to_ascii_lowercase();
        if !wildcards {
            return take(&mut self.exact, name);
        }
        let stars = name.matches('*').count();
        if stars > 1 || name.contains("..") {
            return Err(HashKeyError::Invalid);
        }
        if let Some(ending) = name.strip_prefix('.').filter(|ending| !ending.is_empty()) {
            // It stands for the name without the dot too.
            if self.exact.contains(ending) || self.endings.contains(ending) {
                return Err(HashKeyError::Conflicting);
            }
            self.exact.insert(ending.to_owned());
            return take(&mut self.endings, ending.to_owned());
        }
        if let Some(ending) = name.strip_prefix("*.").filter(|ending| !ending.is_empty()) {
            return take(&mut self.endings, ending.to_owned());
        }
        if let Some(beginning) = name.strip_suffix(".*").filter(|beginning| !beginning.is_empty()) {
            return take(&mut self.beginnings, beginning.to_owned());
        }
        if stars > 0 { Err(HashKeyError::Invalid) } else { take(&mut self.exact, name) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.endings.is_empty() && self.beginnings.is_empty()
    }
}

/// The bytes of a line of the processor's cache; buckets of a hash table are
/// made of whole ones.
const CACHE_LINE: u64 = 64;

/// The size of a bucket that nginx makes of a `…_hash_bucket_size`, or
/// without one.
pub fn bucket_size(given: Option<u64>) -> u64 {
    given.map_or(CACHE_LINE, |size| size.next_multiple_of(CACHE_LINE))
}

/// Whether a name fits into a bucket of so many bytes (`ngx_hash_init`). One
/// with a wildcard is kept in parts.
pub fn fits_bucket(name: &str, wildcards: bool, bucket: u64) -> bool {
    let has_wildcard = wildcards && (name.starts_with('.') || name.contains('*'));
    let longest = match has_wildcard {
        true => name.split('.').map(str::len).max().unwrap_or(0),
        false => name.len(),
    } as u64;
    // A pointer, the length and the bytes of the name, and a pointer at the end.
    8 + (longest + 2).next_multiple_of(8) + 8 <= bucket
}

fn take(names: &mut FxHashSet<String>, name: String) -> Result<(), HashKeyError> {
    if names.insert(name) { Ok(()) } else { Err(HashKeyError::Conflicting) }
}

#[cfg(test)]
mod tests {
    use super::{HashKeyError, HashKeys, bucket_size, fits_bucket};

    #[test]
    fn buckets_hold_names_up_to_a_length() {
        let table = [
            (None, "a".repeat(46), true),
            (None, "a".repeat(47), false),
            (Some(32), "a".repeat(46), true),
            (Some(65), "a".repeat(110), true),
            (Some(128), "a".repeat(111), false),
            (None, format!("*.{}.{}", "a".repeat(46), "b".repeat(46)), true),
            (None, format!(".{}", "a".repeat(47)), false),
        ];
        for (given, name, expected) in table {
            assert_eq!(fits_bucket(&name, true, bucket_size(given)), expected, "{given:?} {name}");
        }
    }

    #[test]
    fn names_are_taken_as_nginx_takes_them() {
        const INVALID: Result<(), HashKeyError> = Err(HashKeyError::Invalid);
        const CONFLICTING: Result<(), HashKeyError> = Err(HashKeyError::Conflicting);
        let table = [
            ("a.com b.com", true, Ok(())),
            ("a.com A.com", true, CONFLICTING),
            ("a A", false, CONFLICTING),
            ("*.a.com .a.com", true, CONFLICTING),
            (".a.com *.a.com", true, CONFLICTING),
            (".a.com a.com", true, CONFLICTING),
            ("a.com .a.com", true, CONFLICTING),
            ("*.a.com a.com", true, Ok(())),
            ("*.a.com a.com", false, Ok(())),
            (".a.com a.com", false, Ok(())),
            ("a.* A.*", true, CONFLICTING),
            ("a.* a", true, Ok(())),
            ("*a.com", true, INVALID),
            ("a.*.com", true, INVALID),
            ("*.*", true, INVALID),
            ("a..b", true, INVALID),
            ("a..b *.*", false, Ok(())),
            ("*", true, INVALID),
            (".", true, Ok(())),
            (".*", true, Ok(())),
            ("*.", true, INVALID),
        ];
        for (names, wildcards, expected) in table {
            let mut keys = HashKeys::default();
            let found = names.split(' ').try_for_each(|name| keys.add(name, wildcards));
            assert_eq!(found, expected, "{names}");
        }
    }
}
