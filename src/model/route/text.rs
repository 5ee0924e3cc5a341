//! Bytes of a request, with holes where a value is not known.

use std::borrow::Cow;
use std::fmt;

/// Bytes as nginx computes them. What only the running server knows, such as
/// the address of the client, stands in it as the name of its variable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Text {
    pieces: Vec<Piece>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Known(Vec<u8>),
    Unknown(String),
}

/// Characters from here on stand for unknown values while a text is taken
/// apart as a string.
const HOLES: u32 = 0x10_0000;

/// Bytes that are not UTF-8 are these characters in values of a
/// configuration; see [`crate::source::Text::value`].
const BYTES: u32 = 0x10_FF00;

impl Text {
    /// Bytes that are known.
    pub fn known(bytes: impl Into<Vec<u8>>) -> Text {
        let mut text = Text::default();
        text.push(&bytes.into());
        text
    }

    /// A value of the configuration.
    pub fn of_value(value: &str) -> Text {
        Text::known(bytes_of(value))
    }

    /// The value of a variable that is not known.
    pub fn unknown(variable: &str) -> Text {
        Text { pieces: vec![Piece::Unknown(format!("${variable}"))] }
    }

    /// Its bytes, if all of them are known.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(&[]),
            [Piece::Known(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// The variables whose values are not known.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Unknown(name) => Some(name.as_str()),
            Piece::Known(_) => None,
        })
    }

    /// Whether it is certainly empty.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it begins with this byte; none when that is not known.
    pub fn starts_with(&self, byte: u8) -> Option<bool> {
        match self.pieces.first() {
            None => Some(false),
            Some(Piece::Known(bytes)) => Some(bytes[0] == byte),
            Some(Piece::Unknown(_)) => None,
        }
    }

    /// Whether it ends with this byte; none when that is not known.
    pub fn ends_with(&self, byte: u8) -> Option<bool> {
        match self.pieces.last() {
            None => Some(false),
            Some(Piece::Known(bytes)) => Some(bytes.ends_with(&[byte])),
            Some(Piece::Unknown(_)) => None,
        }
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Known(known)) => known.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Known(bytes.to_vec())),
        }
    }

    /// Adds another text.
    pub fn append(&mut self, other: &Text) {
        for piece in &other.pieces {
            match piece {
                Piece::Known(bytes) => self.push(bytes),
                Piece::Unknown(_) => self.pieces.push(piece.clone()),
            }
        }
    }

    /// The parts before and behind the first such byte.
    pub fn split_once(&self, byte: u8) -> Option<(Text, Text)> {
        for (index, piece) in self.pieces.iter().enumerate() {
            let Piece::Known(bytes) = piece else { continue };
            let Some(at) = bytes.iter().position(|known| *known == byte) else { continue };
            let mut before = Text { pieces: self.pieces[..index].to_vec() };
            before.push(&bytes[..at]);
            let mut behind = Text::known(&bytes[at + 1..]);
            behind.append(&Text { pieces: self.pieces[index + 1..].to_vec() });
            return Some((before, behind));
        }
        None
    }

    /// Without its first bytes; fewer when it has not so many that are known.
    pub fn skip(&self, count: usize) -> Text {
        let mut text = self.clone();
        if let Some(Piece::Known(bytes)) = text.pieces.first_mut() {
            bytes.drain(..count.min(bytes.len()));
            if bytes.is_empty() {
                text.pieces.remove(0);
            }
        }
        text
    }

    /// Its known parts changed.
    pub fn map(&self, change: impl Fn(&[u8]) -> Vec<u8>) -> Text {
        let mut text = Text::default();
        for piece in &self.pieces {
            match piece {
                Piece::Known(bytes) => text.push(&change(bytes)),
                Piece::Unknown(_) => text.pieces.push(piece.clone()),
            }
        }
        text
    }

    /// A string to take apart; [`Text::part`] makes texts of its parts.
    pub fn to_parts(&self) -> String {
        let mut string = String::new();
        for (index, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Known(bytes) => string.push_str(&value_of(bytes)),
                Piece::Unknown(_) => string.extend(char::from_u32(HOLES + index as u32)),
            }
        }
        string
    }

    /// A part of what [`Text::to_parts`] gave.
    pub fn part(&self, part: &str) -> Text {
        let mut text = Text::default();
        let mut buffer = [0; 4];
        for character in part.chars() {
            let hole = u32::from(character).checked_sub(HOLES).and_then(|index| self.pieces.get(index as usize));
            match hole {
                Some(piece) => text.pieces.push(piece.clone()),
                None => text.push(&bytes_of(character.encode_utf8(&mut buffer))),
            }
        }
        text
    }
}

/// The bytes that a value of the configuration stands for.
pub fn bytes_of(value: &str) -> Vec<u8> {
    if value.is_ascii() {
        return value.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut buffer = [0; 4];
    for character in value.chars() {
        match u32::from(character).checked_sub(BYTES).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes
}

/// The other way: a value of the configuration for bytes.
fn value_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut value = String::new();
    for chunk in bytes.utf8_chunks() {
        value.push_str(chunk.valid());
        value.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(BYTES + u32::from(*byte))));
    }
    Cow::Owned(value)
}

/// Bytes that are no printable text are written as `\xFF`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Unknown(name) => f.write_str(name)?,
                Piece::Known(bytes) => write_bytes(f, bytes)?,
            }
        }
        Ok(())
    }
}

fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if crate::source::is_harmless(character.encode_utf8(&mut [0; 4]))
                && !matches!(character, '\n' | '\r' | '\t')
            {
                write!(f, "{character}")?;
            } else {
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().try_for_each(|byte| write!(f, "\\x{byte:02X}"))?;
            }
        }
        chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02X}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn texts_are_taken_apart_and_put_together() {
        let mut text = Text::known("/a?");
        text.append(&Text::unknown("cookie_b"));
        text.push(b"/\xff\n");
        assert_eq!(text.to_string(), "/a?$cookie_b/\\xFF\\x0A");
        assert_eq!(text.bytes(), None);
        let (path, rest) = text.split_once(b'?').expect("there is one");
        assert_eq!((path.bytes(), rest.to_string().as_str()), (Some(&b"/a"[..]), "$cookie_b/\\xFF\\x0A"));
        let parts = text.to_parts();
        assert_eq!(text.part(&parts), text);
        assert_eq!((text.starts_with(b'/'), text.ends_with(b'\n')), (Some(true), Some(true)));
        assert_eq!(text.skip(2).to_string(), "?$cookie_b/\\xFF\\x0A");
    }
}
