//! Cuts what is read into lines, in bounded memory.

use std::borrow::Cow;

/// So many bytes of a line are looked at.
pub(super) const LONGEST: usize = 64 * 1024;

/// Cuts blocks into lines. What a block has of a line whose end is in the
/// next one is kept.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    begun: Vec<u8>,
}

impl Splitter {
    /// Hands over the lines that end in this block, without their ends.
    pub(super) fn push(&mut self, block: &[u8], take: &mut impl FnMut(&[u8])) {
        let mut rest = block;
        if !self.begun.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.begin(rest) };
            self.begin(&rest[..end]);
            take(trimmed(&self.begun));
            self.begun.clear();
            rest = &rest[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', rest) {
            take(trimmed(&rest[start..end]));
            start = end + 1;
        }
        self.begin(&rest[start..]);
    }

    /// Hands over what was begun and has no end.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            take(trimmed(&self.begun));
            self.begun.clear();
        }
    }

    /// Forgets what was begun.
    pub(super) fn clear(&mut self) {
        self.begun.clear();
    }

    fn begin(&mut self, bytes: &[u8]) {
        let room = LONGEST - self.begun.len();
        self.begun.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = &line[..line.len().min(LONGEST)];
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line as the json-file driver of Docker keeps it:
/// `{"log":"2026/11/21 …\n","stream":"stderr","time":"…"}`.
pub(super) fn unwrapped(line: &[u8]) -> Cow<'_, [u8]> {
    let Some(text) = line.strip_prefix(b"{\"log\":\"") else { return Cow::Borrowed(line) };
    let end = memchr::memmem::rfind(text, b"\",\"stream\":\"").unwrap_or(text.len());
    let text = text[..end].strip_suffix(b"\\n").unwrap_or(&text[..end]);
    unescaped(text)
}

/// Text in which a backslash begins `\x5C`, `\u005C`, `\n` or stands before
/// the character that is meant: as access logs have it, and JSON.
pub(super) fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', text) else { return Cow::Borrowed(text) };
    let mut plain = text[..first].to_vec();
    let mut rest = &text[first..];
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            plain.push(*byte);
            continue;
        }
        let Some((kind, after)) = rest.split_first() else { break };
        rest = after;
        match kind {
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'b' => plain.push(8),
            b'f' => plain.push(12),
            b'x' => rest = hexadecimal(rest, 2, &mut plain),
            b'u' => rest = hexadecimal(rest, 4, &mut plain),
            other => plain.push(*other),
        }
    }
    Cow::Owned(plain)
}

fn hexadecimal<'l>(rest: &'l [u8], digits: usize, plain: &mut Vec<u8>) -> &'l [u8] {
    let text = rest.get(..digits).and_then(|text| std::str::from_utf8(text).ok());
    let Some(number) = text.and_then(|text| u32::from_str_radix(text, 16).ok()) else { return rest };
    match u8::try_from(number) {
        Ok(byte) if digits == 2 || byte < 128 => plain.push(byte),
        _ => {
            let character = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
            plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    &rest[digits..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], block: usize) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut splitter = Splitter::default();
        let mut take = |line: &[u8]| lines.push(line.to_vec());
        text.chunks(block).for_each(|block| splitter.push(block, &mut take));
        splitter.finish(&mut take);
        lines
    }

    #[test]
    fn lines_are_the_same_in_blocks_of_any_size() {
        let text = b"a\n\nbcd\r\nefghi\nj";
        let expected: Vec<&[u8]> = vec![b"a", b"", b"bcd", b"efghi", b"j"];
        for block in 1..text.len() + 1 {
            assert_eq!(lines(text, block), expected, "blocks of {block}");
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let text = [vec![b'x'; 3 * LONGEST], b"\nnext\n".to_vec()].concat();
        for block in [1000, LONGEST, text.len()] {
            let lines = lines(&text, block);
            assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST, 4], "blocks of {block}");
        }
    }

    #[test]
    fn escapes_of_access_logs_and_json_are_undone() {
        let table: [(&str, &[u8]); 8] = [
            ("plain", b"plain"),
            ("a\\x22b\\x5Cc", b"a\"b\\c"),
            ("\\xFF", b"\xff"),
            ("a\\\"b\\\\c\\/", b"a\"b\\c/"),
            ("\\u0001\\u00e9", "\u{1}é".as_bytes()),
            ("\\ud800", "\u{fffd}".as_bytes()),
            ("\\xZ\\u1", b"Z1"),
            ("end\\", b"end"),
        ];
        for (text, expected) in table {
            assert_eq!(unescaped(text.as_bytes()), expected, "{text}");
        }
        let line = br#"{"log":"2026/11/21 \"a\" x\n","stream":"stderr","time":"2026"}"#;
        assert_eq!(unwrapped(line), &b"2026/11/21 \"a\" x"[..]);
    }
}
