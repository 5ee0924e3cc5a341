//! Texts with variables, taken apart as nginx does (`ngx_http_script_compile`,
//! `ngx_http_log_compile_format`). What a variable is worth is not its business.

use std::ops::Range;

/// A text with variables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template<'a> {
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Variable(&'a str),
}

impl<'a> Template<'a> {
    /// Takes a text apart at its `$name` and `${name}`. A `$` that names
    /// nothing is text.
    pub fn parse(text: &'a str) -> Template<'a> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            match read_mention(&rest[dollar..], Scanner::Script) {
                Ok(mention) => {
                    push_text(&mut parts, &rest[..dollar]);
                    parts.push(Part::Variable(mention.name));
                    rest = &rest[dollar + mention.length..];
                }
                Err(_) => {
                    push_text(&mut parts, &rest[..=dollar]);
                    rest = &rest[dollar + 1..];
                }
            }
        }
        push_text(&mut parts, rest);
        Template { parts }
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(*name),
            Part::Text(_) => None,
        })
    }

    /// The text with a value in the place of each variable.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> &'v str) -> String {
        let filled = self.parts.iter().map(|part| match part {
            Part::Text(text) => (*text).to_owned(),
            Part::Variable(name) => value(name).to_owned(),
        });
        filled.collect()
    }
}

fn push_text<'a>(parts: &mut Vec<Part<'a>>, text: &'a str) {
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
}

/// Who reads a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scanner {
    /// What evaluates values: `$1` to `$9` are captures.
    Script,
    /// `log_format`, which knows no captures.
    Log,
}

/// Why a `$` names no variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoVariable<'a> {
    /// Nothing that can be a name follows it.
    Nameless,
    /// `${` and this name, and then something else than `}`.
    Unclosed(&'a str),
}

/// A variable at the beginning of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ReadMention<'a> {
    name: &'a str,
    length: usize,
    is_capture: bool,
}

fn read_mention(text: &str, scanner: Scanner) -> Result<ReadMention<'_>, NoVariable<'_>> {
    let behind = &text[1..];
    if scanner == Scanner::Script && behind.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return Ok(ReadMention { name: &behind[..1], length: 2, is_capture: true });
    }
    let (inner, braces) = match behind.strip_prefix('{') {
        Some("") => return Err(NoVariable::Nameless),
        Some(inner) => (inner, true),
        None => (behind, false),
    };
    let end = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let name = &inner[..end];
    if braces && !inner[end..].starts_with('}') {
        return Err(NoVariable::Unclosed(name));
    }
    if name.is_empty() {
        return Err(NoVariable::Nameless);
    }
    let length = 1 + end + if braces { 2 } else { 0 };
    Ok(ReadMention { name, length, is_capture: false })
}

/// The variables of a text, captures left out: where each stands with its `$`
/// and braces, and its name. Ends at the first `$` that names none.
pub(super) fn mentions(text: &str, scanner: Scanner) -> Mentions<'_> {
    Mentions { text, at: 0, scanner }
}

/// See [`mentions`].
pub(super) struct Mentions<'a> {
    text: &'a str,
    at: usize,
    scanner: Scanner,
}

impl<'a> Iterator for Mentions<'a> {
    type Item = Result<(Range<usize>, &'a str), (usize, NoVariable<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at + self.text.get(self.at..)?.find('$')?;
            match read_mention(&self.text[start..], self.scanner) {
                Ok(mention) => {
                    self.at = start + mention.length;
                    if !mention.is_capture {
                        return Some(Ok((start..self.at, mention.name)));
                    }
                }
                Err(problem) => {
                    self.at = self.text.len();
                    return Some(Err((start, problem)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_as_nginx_finds_them() {
        use Part::{Text, Variable};
        let table = [
            ("http://$host:80", vec![Text("http://"), Variable("host"), Text(":80")]),
            ("${a}b", vec![Variable("a"), Text("b")]),
            ("$1$2", vec![Variable("1"), Variable("2")]),
            ("$10", vec![Variable("1"), Text("0")]),
            ("a$", vec![Text("a$")]),
            ("$-a", vec![Text("$"), Text("-a")]),
            ("${a-b}", vec![Text("$"), Text("{a-b}")]),
        ];
        for (text, parts) in table {
            assert_eq!(Template::parse(text).parts, parts, "{text}");
        }
    }

    #[test]
    fn what_names_no_variable_is_told_apart_as_nginx_does() {
        use NoVariable::{Nameless, Unclosed};
        let table = [
            ("a $b ${c} $1", Scanner::Script, None),
            ("$", Scanner::Script, Some((0, Nameless))),
            ("$a$", Scanner::Script, Some((2, Nameless))),
            ("$-", Scanner::Script, Some((0, Nameless))),
            ("x${", Scanner::Script, Some((1, Nameless))),
            ("${}", Scanner::Script, Some((0, Nameless))),
            ("${a", Scanner::Script, Some((0, Unclosed("a")))),
            ("${a-b}", Scanner::Script, Some((0, Unclosed("a")))),
            ("${1}", Scanner::Script, None),
            ("$ü", Scanner::Script, Some((0, Nameless))),
            ("$1 ${", Scanner::Log, Some((3, Nameless))),
        ];
        for (text, scanner, expected) in table {
            let problem = mentions(text, scanner).find_map(Result::err);
            assert_eq!(problem, expected, "{text}");
        }
    }

    #[test]
    fn captures_are_variables_only_in_log_formats() {
        let names =
            |scanner| -> Vec<&str> { mentions("$1 $host ${a}", scanner).flatten().map(|(_, name)| name).collect() };
        assert_eq!(names(Scanner::Script), ["host", "a"]);
        assert_eq!(names(Scanner::Log), ["1", "host", "a"]);
    }
}
