//! Regular expressions as nginx compiles them: PCRE2 over bytes
//! (`ngx_regex_compile` sets neither UTF nor UCP).
//!
//! The only place that knows the engine.

use pcre2::bytes::{Regex as Compiled, RegexBuilder};

/// A regular expression that PCRE takes.
#[derive(Clone, Debug)]
pub struct Regex {
    compiled: Compiled,
}

/// Why PCRE refuses a regular expression.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct RegexError {
    /// What PCRE says.
    pub reason: String,
    /// Where in the pattern, in bytes.
    pub offset: usize,
}

impl Regex {
    /// How many groups it captures.
    pub fn capture_count(&self) -> usize {
        self.compiled.captures_len() - 1
    }

    /// The names of its named groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.compiled.capture_names().iter().flatten().map(String::as_str)
    }

    /// Whether it matches somewhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        // An error is a limit of the engine that was reached: no match for nginx either.
        self.compiled.is_match(text.as_bytes()).unwrap_or(false)
    }

    /// What its groups captured, the whole match first, up to the last group
    /// that took part; none where it does not match.
    pub fn captures(&self, subject: &[u8]) -> Option<Vec<Option<(usize, usize)>>> {
        let mut locations = self.compiled.capture_locations();
        self.compiled.captures_read(&mut locations, subject).ok()??;
        let mut groups: Vec<_> = (0..locations.len()).map(|index| locations.get(index)).collect();
        while groups.pop_if(|group| group.is_none()).is_some() {}
        Some(groups)
    }

    /// The names of its groups with their numbers.
    pub fn numbered_names(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.compiled.capture_names().iter().enumerate();
        names.filter_map(|(number, name)| Some((number, name.as_deref()?)))
    }
}

/// Compiles a pattern; `caseless` as for `~*`.
///
/// # Errors
///
/// What PCRE says when it refuses it.
pub fn compile_regex(pattern: &str, caseless: bool) -> Result<Regex, RegexError> {
    let compiled = RegexBuilder::new().caseless(caseless).build(pattern);
    compiled.map(|compiled| Regex { compiled }).map_err(|error| {
        let text = error.to_string();
        // "PCRE2: error compiling pattern at offset 2: missing closing parenthesis"
        let reason = text.splitn(3, ": ").last().unwrap_or(&text).to_owned();
        RegexError { reason, offset: error.offset().unwrap_or(pattern.len()) }
    })
}

#[cfg(test)]
mod tests {
    use super::compile_regex;

    #[test]
    fn patterns_are_compiled_as_nginx_does() {
        let regex = compile_regex(r"^/(?<name>[a-z]+)/(\d+)$", false).expect("a pattern");
        assert_eq!((regex.capture_count(), regex.names().collect::<Vec<_>>()), (2, vec!["name"]));
        assert!(regex.is_match("/a/1") && !regex.is_match("/A/1"));
        assert_eq!(regex.captures(b"/a/1"), Some(vec![Some((0, 4)), Some((1, 2)), Some((3, 4))]));
        let optional = compile_regex("(a)?(b)?(c)?", false).expect("a pattern");
        assert_eq!(optional.captures(b"b"), Some(vec![Some((0, 1)), None, Some((0, 1))]));
        let error = compile_regex("(a", false).expect_err("not closed");
        assert_eq!((error.reason.as_str(), error.offset), ("missing closing parenthesis", 2));
    }
}
