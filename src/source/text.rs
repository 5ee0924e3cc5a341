//! The same-length, harmless text of a file.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for every byte that is not shown. It must be an ordinary byte to
/// nginx's tokenizer, so that text and bytes have the same tokens.
const REPLACEMENT: u8 = b'?';

/// Bytes that are not UTF-8 become the characters U+10FF00 to U+10FFFF (private
/// use) in values, so that two values are equal only when their bytes are.
const NOT_UTF8: u32 = 0x10_FF00;

/// Bytes and their text of equal length.
#[derive(Debug)]
pub enum Text {
    /// The bytes are the text.
    Faithful(String),
    /// Some bytes could not be shown as they are.
    Replaced {
        /// What the user wrote.
        bytes: Vec<u8>,
        /// What is lexed and shown.
        text: String,
    },
}

impl Text {
    /// Checks the bytes, and copies them only when something must be replaced.
    pub fn new(bytes: Vec<u8>) -> Text {
        match String::from_utf8(bytes) {
            Ok(text) if is_harmless(&text) => Text::Faithful(text),
            Ok(text) => Text::replace(text.into_bytes()),
            Err(error) => Text::replace(error.into_bytes()),
        }
    }

    fn replace(bytes: Vec<u8>) -> Text {
        let text = replaced(&bytes);
        debug_assert_eq!(text.len(), bytes.len());
        Text::Replaced { bytes, text }
    }

    /// What the user wrote.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Text::Faithful(text) => text.as_bytes(),
            Text::Replaced { bytes, .. } => bytes,
        }
    }

    /// What is lexed and shown.
    pub fn as_str(&self) -> &str {
        match self {
            Text::Faithful(text) | Text::Replaced { text, .. } => text,
        }
    }

    /// Whether text and bytes are the same.
    pub fn is_faithful(&self) -> bool {
        matches!(self, Text::Faithful(_))
    }

    /// The bytes of a range as a value; see [`super::SourceFile::value`].
    pub fn value(&self, range: Range<usize>) -> Cow<'_, str> {
        match self {
            Text::Faithful(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
            Text::Replaced { bytes, .. } => decode(bytes.get(range).unwrap_or_default()),
        }
    }
}

/// Whether a text can be printed as it is: no control character but tab, line
/// feed and carriage return, and nothing that reorders or hides what follows.
pub fn is_harmless(text: &str) -> bool {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r'));
    plain || !text.chars().any(is_harmful)
}

/// A text for the terminal: harmful characters replaced, lengths kept.
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_harmless(text) { Cow::Borrowed(text) } else { Cow::Owned(replaced(text.as_bytes())) }
}

/// A text for one line on the terminal, such as a file name: as
/// [`printable`], without line ends and tabs.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |character: char| matches!(character, '\n' | '\r' | '\t');
    if text.contains(breaks) { Cow::Owned(printable(&text.replace(breaks, "?")).into_owned()) } else { printable(text) }
}

fn is_harmful(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        // Private characters that stand for bytes in values.
        '\u{10FF00}'..='\u{10FFFF}' => true,
        // Line and paragraph separators, marks and overrides of direction.
        '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}' => true,
        other => other.is_control(),
    }
}

fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_harmful(character) {
                text.extend(std::iter::repeat_n(char::from(REPLACEMENT), character.len_utf8()));
            } else {
                text.push(character);
            }
        }
        text.extend(std::iter::repeat_n(char::from(REPLACEMENT), chunk.invalid().len()));
    }
    text
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut value = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        value.push_str(chunk.valid());
        value.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(NOT_UTF8 + u32::from(*byte))));
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_the_length_of_the_bytes_and_shows_no_control_character() {
        let table: [(&[u8], &str); 6] = [
            (b"listen 80;\r\n", "listen 80;\r\n"),
            ("root /stra\u{df}e;".as_bytes(), "root /stra\u{df}e;"),
            (b"a \x1b[31mred\x1b[0m;", "a ?[31mred?[0m;"),
            (b"a \xff\xfe;", "a ??;"),
            ("a \u{9b}31m;".as_bytes(), "a ??31m;"),
            ("a \u{202e}x;".as_bytes(), "a ???x;"),
        ];
        for (bytes, shown) in table {
            let text = Text::new(bytes.to_vec());
            assert_eq!(text.as_str(), shown);
            assert_eq!(text.bytes(), bytes);
            assert_eq!(text.as_str().len(), bytes.len());
        }
    }

    #[test]
    fn values_of_different_bytes_differ() {
        let text = Text::new(b"a\xff a\xfe a?".to_vec());
        assert_ne!(text.value(0..2), text.value(3..5));
        assert_ne!(text.value(0..2), text.value(6..8));
    }
}
