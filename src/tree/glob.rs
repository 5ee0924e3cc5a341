//! File name patterns as `glob(3)` without flags expands them, which is what
//! nginx calls: `*`, `?`, `[…]` and the backslash, nothing else; a leading dot
//! must be written out; results in byte order.

use std::path::{Path, PathBuf};

use super::files::Files;

/// So many paths are kept on the way; links that lead back can make a pattern
/// name the same files without end.
const MOST_PATHS: usize = 100_000;

/// Whether nginx expands this path (`ngx_conf_include` looks for these three).
pub fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The existing paths that a pattern names, in byte order, but no more than
/// [`MOST_PATHS`]; and whether these are all.
pub fn expand(files: &dyn Files, pattern: &Path) -> (Vec<PathBuf>, bool) {
    let mut found = vec![PathBuf::new()];
    let mut all_exist = false;
    for component in pattern.components() {
        let name = component.as_os_str().to_string_lossy();
        all_exist = is_pattern(&name);
        found = if all_exist {
            found.iter().flat_map(|directory| entries(files, directory, &name)).take(MOST_PATHS + 1).collect()
        } else {
            let name = name.replace('\\', "");
            found.into_iter().map(|directory| directory.join(&name)).collect()
        };
        if found.len() > MOST_PATHS {
            break;
        }
    }
    let all = found.len() <= MOST_PATHS;
    found.truncate(MOST_PATHS);
    // What was read from a directory exists; what was only appended may not.
    if !all_exist {
        found.retain(|path| files.exists(path));
    }
    (found, all)
}

fn entries(files: &dyn Files, directory: &Path, pattern: &str) -> Vec<PathBuf> {
    // A directory that is missing or closed to this user matches nothing, as
    // in nginx.
    let names = files.list(directory).unwrap_or_default();
    let matching = names.iter().filter(|name| matches(pattern, &name.to_string_lossy()));
    matching.map(|name| directory.join(name)).collect()
}

/// Whether a file name matches a pattern; neither holds a `/`.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.") {
        return false;
    }
    matches_bytes(pattern.as_bytes(), name.as_bytes())
}

/// One star needs no more memory of itself than the place to go back to.
fn matches_bytes(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        if n == name.len() && p == pattern.len() {
            return true;
        }
        if let Some(length) = name.get(n).and_then(|byte| matches_one(&pattern[p..], *byte)) {
            p += length;
            n += 1;
            continue;
        }
        match star {
            Some((behind, from)) if from < name.len() => {
                star = Some((behind, from + 1));
                (p, n) = (behind, from + 1);
            }
            _ => return false,
        }
    }
}

/// How much of the pattern matches one byte, if it does.
fn matches_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match class_end(pattern) {
            Some(end) => in_class(&pattern[1..end], byte).then_some(end + 1),
            None => (byte == b'[').then_some(1),
        },
        b'\\' if pattern.len() > 1 => (pattern[1] == byte).then_some(2),
        other => (other == byte).then_some(1),
    }
}

/// Index of the `]` that ends a class; one right at its beginning is a member.
fn class_end(pattern: &[u8]) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if negated { 2 } else { 1 };
    let members = pattern.get(first + 1..)?;
    members.iter().position(|byte| *byte == b']').map(|index| first + 1 + index)
}

fn in_class(class: &[u8], byte: u8) -> bool {
    let negated = matches!(class.first(), Some(b'!' | b'^'));
    let members = if negated { &class[1..] } else { class };
    let mut index = 0;
    let mut found = false;
    while index < members.len() {
        if members.len() > index + 2 && members[index + 1] == b'-' {
            found |= (members[index]..=members[index + 2]).contains(&byte);
            index += 3;
        } else {
            found |= members[index] == byte;
            index += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files::Memory;

    #[test]
    fn names_match_as_glob_matches_them() {
        let table = [
            ("*.conf", "a.conf", true),
            ("*.conf", ".conf", false),
            ("*.conf", "a.conf~", false),
            ("*", "a.conf~", true),
            ("*", ".hidden", false),
            (".*", ".hidden", true),
            ("?.conf", "a.conf", true),
            ("?.conf", "ab.conf", false),
            ("[a-c]*", "beta", true),
            ("[!a-c]*", "beta", false),
            ("[]]x", "]x", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("{a,b}.conf", "a.conf", false),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("[", "[", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_come_in_byte_order_from_every_matching_directory() {
        let files: Memory =
            ["b/x.conf", "a/z.conf", "a/B.conf", "a/no.txt", "c.conf"].into_iter().map(|path| (path, "")).collect();
        let (found, all) = expand(&files, Path::new("*/*.conf"));
        assert!(all);
        let shown: Vec<_> = found.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        assert_eq!(shown, ["a/B.conf", "a/z.conf", "b/x.conf"]);
        assert!(expand(&files, Path::new("missing/*.conf")).0.is_empty());
    }
}
