//! The names of servers, as nginx sorts them when it looks for the server of a
//! request.

use std::borrow::Cow;

use super::{Block, Directive, compile_regex};

/// How a name of a `server_name` matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameKind {
    /// This name alone.
    Exact,
    /// `.a.example`: the name behind the dot, and all that end in it.
    Suffix,
    /// `*.a.example`: all that end in what follows the asterisk.
    Leading,
    /// `a.*`: all that begin with what stands before the asterisk.
    Trailing,
    /// `~` and a regular expression.
    Regex,
    /// An asterisk or dots where nginx allows none.
    Misplaced,
}

/// A name of a server.
#[derive(Clone, Debug)]
pub struct ServerName<'m> {
    /// The directive, and which of its arguments; none for the empty name of
    /// a server that has none.
    pub directive: Option<(Directive<'m>, usize)>,
    /// The name in lower case; of a regular expression, the pattern as it is.
    pub text: Cow<'m, str>,
    /// How it matches.
    pub kind: NameKind,
}

impl ServerName<'_> {
    /// What nginx files the name under: two names of one kind are the same
    /// when their keys are.
    pub fn key(&self) -> &str {
        match self.kind {
            NameKind::Suffix => &self.text[1..],
            NameKind::Leading => &self.text[2..],
            NameKind::Trailing => &self.text[..self.text.len() - 1],
            NameKind::Exact | NameKind::Regex | NameKind::Misplaced => &self.text,
        }
    }
}

/// How a name matches, as `ngx_hash_add_key` reads it.
pub fn kind_of_name(name: &str) -> NameKind {
    if name.starts_with('~') {
        return NameKind::Regex;
    }
    let asterisks = name.bytes().filter(|byte| *byte == b'*').count();
    if asterisks > 1 || name.contains("..") || name.contains('\0') {
        return NameKind::Misplaced;
    }
    if name.len() > 1 && name.starts_with('.') {
        return NameKind::Suffix;
    }
    if name.len() > 2 && name.starts_with("*.") {
        return NameKind::Leading;
    }
    if name.len() > 2 && name.ends_with(".*") {
        return NameKind::Trailing;
    }
    if asterisks > 0 { NameKind::Misplaced } else { NameKind::Exact }
}

impl<'m> Block<'m> {
    /// The names of a server, in order: the empty one when it has none.
    ///
    /// What `$hostname` stands for is not known; it is left out.
    pub fn server_names(self) -> Vec<ServerName<'m>> {
        let mut names = Vec::new();
        let mut has_some = false;
        for directive in self.directives("server_name") {
            for (index, text) in directive.arguments().enumerate() {
                has_some = true;
                if !text.eq_ignore_ascii_case("$hostname") {
                    names.push(server_name(Some((directive, index)), text));
                }
            }
        }
        if !has_some {
            names.push(server_name(None, ""));
        }
        names
    }

    /// Whether the last regular expression among its names captures
    /// something: nginx then matches it even where it has no other server to
    /// choose.
    pub fn has_capturing_name(self) -> bool {
        let patterns = self.directives("server_name").flat_map(Directive::arguments);
        let last = patterns.filter_map(|text| text.strip_prefix('~')).last();
        last.is_some_and(|pattern| {
            let caseless = pattern.bytes().any(|byte| byte.is_ascii_uppercase());
            compile_regex(pattern, caseless).is_ok_and(|regex| regex.capture_count() > 0)
        })
    }
}

/// A name as it stands in a `server_name`; the empty one without a directive.
pub(super) fn server_name<'m>(directive: Option<(Directive<'m>, usize)>, text: &'m str) -> ServerName<'m> {
    let kind = kind_of_name(text);
    let text = match text.strip_prefix('~') {
        Some(pattern) => Cow::Borrowed(pattern),
        None if text.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(text.to_ascii_lowercase()),
        None => Cow::Borrowed(text),
    };
    ServerName { directive, text, kind }
}

#[cfg(test)]
mod tests {
    use super::{NameKind, kind_of_name};

    #[test]
    fn names_are_sorted_as_nginx_does() {
        use NameKind::*;
        let table = [
            ("a.example", Exact),
            ("", Exact),
            ("_", Exact),
            ("a", Exact),
            (".a.example", Suffix),
            (".a", Suffix),
            ("*.a.example", Leading),
            ("*.a", Leading),
            ("a.*", Trailing),
            ("~^a", Regex),
            ("~", Regex),
            ("a*.example", Misplaced),
            ("a.*.example", Misplaced),
            ("*.a.*", Misplaced),
            ("a..example", Misplaced),
            ("*a", Misplaced),
            ("a*", Misplaced),
            (".a.*", Suffix),
        ];
        for (name, expected) in table {
            assert_eq!(kind_of_name(name), expected, "{name}");
        }
    }
}
