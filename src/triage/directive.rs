//! Comments that speak to nginx-lint: `# nginx-lint: ignore[rule] reason`.
//!
//! Takes one comment apart. What it covers, and whether anything is there, is
//! not known here.

use std::ops::Range;

use chrono::NaiveDate;

/// What such a comment begins with, behind its `#`.
const MARK: &str = "nginx-lint:";

/// Whether a comment is for nginx-lint. `text` begins with `#`.
pub fn is_for_us(text: &str) -> bool {
    text.trim_start_matches('#').trim_start().starts_with(MARK)
}

/// What a comment asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ignore {
    /// For the whole file.
    pub of_file: bool,
    /// The names in brackets, and the bytes of the comment that they take.
    pub names: Vec<(String, Range<usize>)>,
    /// The last day on which it holds.
    pub until: Option<NaiveDate>,
    /// Whether it says why.
    pub has_reason: bool,
}

/// Why a comment asks for nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Misspelt {
    /// Another word than is known.
    #[error("\"{0}\" means nothing to nginx-lint; write ignore[RULE], ignore-file[RULE] or context NAME")]
    Word(String),
    /// No names in brackets.
    #[error("it does not say which rule to ignore; write {0}[RULE] and a reason behind it")]
    Names(&'static str),
    /// No date.
    #[error("\"{0}\" is no date; write until=YYYY-MM-DD")]
    Date(String),
}

/// Takes a comment apart; none if it is not about what to ignore.
pub fn parse(text: &str) -> Option<Result<Ignore, Misspelt>> {
    let start = text.find(MARK).filter(|_| is_for_us(text))? + MARK.len();
    let said = text[start..].trim();
    let word_end = said.find(|c: char| c.is_whitespace() || c == '[').unwrap_or(said.len());
    let keyword = match &said[..word_end] {
        "ignore" => "ignore",
        "ignore-file" => "ignore-file",
        "context" => return None,
        other => return Some(Err(Misspelt::Word(other.to_owned()))),
    };
    let rest_start = text.len() - text[start..].trim_start().len() + word_end;
    Some(names_and_reason(text, rest_start, keyword))
}

fn names_and_reason(text: &str, start: usize, keyword: &'static str) -> Result<Ignore, Misspelt> {
    let rest = &text[start..];
    let open = rest.len() - rest.trim_start().len();
    let close = rest.find(']').filter(|_| rest[open..].starts_with('[')).ok_or(Misspelt::Names(keyword))?;
    let mut names = Vec::new();
    let mut at = start + open + 1;
    for part in rest[open + 1..close].split(',') {
        let name = part.trim();
        let name_start = at + (part.len() - part.trim_start().len());
        if !name.is_empty() {
            names.push((name.to_owned(), name_start..name_start + name.len()));
        }
        at += part.len() + 1;
    }
    if names.is_empty() {
        return Err(Misspelt::Names(keyword));
    }
    let mut reason = rest[close + 1..].trim();
    let mut until = None;
    if let Some(behind) = reason.strip_prefix("until=") {
        let (word, more) = behind.split_once(char::is_whitespace).unwrap_or((behind, ""));
        until = Some(NaiveDate::parse_from_str(word, "%Y-%m-%d").map_err(|_| Misspelt::Date(word.to_owned()))?);
        reason = more.trim();
    }
    Ok(Ignore { of_file: keyword == "ignore-file", names, until, has_reason: !reason.is_empty() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_taken_apart() {
        let ignore = |of_file, names: &[(&str, usize)], until: Option<&str>, has_reason| {
            let names = names.iter().map(|(name, start)| ((*name).to_owned(), *start..start + name.len())).collect();
            let until = until.map(|date| date.parse().expect("a date"));
            Some(Ok(Ignore { of_file, names, until, has_reason }))
        };
        let table = [
            ("# nginx-lint: ignore[a-b] it is meant", ignore(false, &[("a-b", 21)], None, true)),
            ("#nginx-lint:ignore [ a , b ]", ignore(false, &[("a", 21), ("b", 25)], None, false)),
            ("# nginx-lint: ignore-file[all] old", ignore(true, &[("all", 26)], None, true)),
            ("# nginx-lint: ignore[a] until=2026-12-31 x", ignore(false, &[("a", 21)], Some("2026-12-31"), true)),
            ("# nginx-lint: ignore[a] until=2026-12-31", ignore(false, &[("a", 21)], Some("2026-12-31"), false)),
            ("# nginx-lint: ignore[a] until=soon x", Some(Err(Misspelt::Date("soon".to_owned())))),
            ("# nginx-lint: ignore a", Some(Err(Misspelt::Names("ignore")))),
            ("# nginx-lint: ignore[]", Some(Err(Misspelt::Names("ignore")))),
            ("# nginx-lint: ignore[a", Some(Err(Misspelt::Names("ignore")))),
            ("# nginx-lint: disable a", Some(Err(Misspelt::Word("disable".to_owned())))),
            ("# nginx-lint: context http", None),
            ("# see nginx-lint: ignore[a]", None),
            ("# nginx-lint found this", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
