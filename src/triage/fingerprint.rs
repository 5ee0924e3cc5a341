//! By what a finding is known again when lines above it have come and gone:
//! its rule, its file, and the text it is about. Never a line number.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::engine::Finding;
use crate::tree::Tree;

/// So many bytes of a line are looked at.
const LONGEST: usize = 400;

/// What two findings share that say the same of the same text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// The path of the file as it is shown.
    pub path: String,
    /// The name of the rule.
    pub rule: &'static str,
    /// The line of the finding, blanks between its words made one; of a long
    /// one what begins at the finding.
    pub text: String,
}

/// The key of a finding of this configuration.
pub fn key_of(finding: &Finding, tree: &Tree) -> Key {
    let location = finding.place.location;
    let source = &tree.file(location.file).source;
    let line = source.line_span(source.line(location.span.start));
    let text = source.slice(line);
    // A long line is no text to know anything by, but what begins here is.
    let text = match text.len() > LONGEST {
        true => &text[(location.span.start - line.start) as usize..],
        false => text,
    };
    let words: Vec<&str> = text[..text.floor_char_boundary(LONGEST)].split_whitespace().collect();
    let path = source.path().strip_prefix("./").unwrap_or(source.path());
    Key { path: path.to_string_lossy().into_owned(), rule: finding.rule.name, text: words.join(" ") }
}

/// A fingerprint for each key, in their order: 64 hexadecimal digits, the same
/// in every run and release. Equal keys are told apart by their order.
pub fn fingerprints(keys: &[Key]) -> Vec<String> {
    let mut seen: HashMap<&Key, usize> = HashMap::new();
    let fingerprint = |key| {
        let number = seen.entry(key).and_modify(|number| *number += 1).or_insert(0);
        let mut hash = Sha256::new();
        for part in [key.path.as_str(), key.rule, &key.text, &number.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    keys.iter().map(fingerprint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_differ_by_their_order_and_nothing_else_counts() {
        let key = |text: &str| Key { path: "a.conf".to_owned(), rule: "timeout-zero", text: text.to_owned() };
        let all = fingerprints(&[key("a 0;"), key("b 0;"), key("a 0;")]);
        assert_eq!(all, fingerprints(&[key("a 0;"), key("b 0;"), key("a 0;")]));
        assert_ne!(all[0], all[2]);
        // Another finding in between changes nothing.
        assert_eq!(fingerprints(&[key("a 0;"), key("c 0;"), key("a 0;")])[2], all[2]);
        assert_eq!(all[0].len(), 64);
    }
}
