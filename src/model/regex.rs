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
        let error = compile_regex("(a", false).expect_err("not closed");
        assert_eq!((error.reason.as_str(), error.offset), ("missing closing parenthesis", 2));
    }
}
