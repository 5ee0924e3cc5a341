//! Words and their values.

use std::borrow::Cow;

use crate::source::{SourceFile, Span};

/// How a word is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quote {
    /// Without quotes.
    Plain,
    /// `"…"`
    Double,
    /// `'…'`
    Single,
}

/// One word of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word as written, quotes included.
    pub span: Span,
    /// How it is written.
    pub quote: Quote,
    /// Index of its value where that is not a slice of the text.
    unescaped: u32,
}

const AS_WRITTEN: u32 = u32::MAX;

impl Word {
    /// A word at a span; a value that differs from the text goes to `values`.
    pub(super) fn new(source: &SourceFile, span: Span, quote: Quote, values: &mut Vec<Box<str>>) -> Word {
        let mut word = Word { span, quote, unescaped: AS_WRITTEN };
        let text = source.slice(word.inner());
        if text.contains('\\') || !source.is_faithful() {
            let exact = source.value(word.inner());
            let value = unescape(&exact);
            if value != text {
                word.unescaped = values.len() as u32;
                values.push(value.into_owned().into_boxed_str());
            }
        }
        word
    }

    /// The word as written, without its quotes.
    pub fn inner(&self) -> Span {
        match self.quote {
            Quote::Plain => self.span,
            Quote::Double | Quote::Single => Span { start: self.span.start + 1, end: self.span.end - 1 },
        }
    }

    /// Whether the value stands in the file as it is, byte for byte, so that a
    /// part of the value can be located inside [`Word::inner`].
    pub fn is_as_written(&self) -> bool {
        self.unescaped == AS_WRITTEN
    }

    pub(super) fn value<'a>(&self, source: &'a SourceFile, values: &'a [Box<str>]) -> &'a str {
        match values.get(self.unescaped as usize) {
            Some(value) => value,
            None => source.slice(self.inner()),
        }
    }
}

/// Resolves escapes as `ngx_conf_read_token` does at the end of a word: `\"`
/// `\'` `\\` lose the backslash, `\t` `\r` `\n` become the character, every
/// other backslash stays.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some(quoted @ ('"' | '\'' | '\\')) => value.push(quoted),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('n') => value.push('\n'),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn only_quotes_backslashes_and_three_letters_are_unescaped() {
        let table = [
            (r"a\ b", r"a\ b"),
            (r"\d+\.\$", r"\d+\.\$"),
            (r"\\.", r"\."),
            (r#"\"\'"#, r#""'"#),
            (r"\t\r\n", "\t\r\n"),
            (r"a\", r"a\"),
        ];
        for (written, value) in table {
            assert_eq!(unescape(written), value, "{written}");
        }
    }
}
