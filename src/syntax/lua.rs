//! Where the code of a `*_by_lua_block` ends.
//!
//! The Lua module reads such a block itself: braces count, except in strings,
//! line comments and long brackets. This is a plain walk over the bytes, not a
//! part of the grammar, because an unbalanced quote is to be ignored, and only
//! a walk that remembers where a line has no more of them stays linear.

/// The offset of the `}` that ends the code which begins at `start`; none when
/// it is missing, or a long bracket is never closed.
pub(super) fn end_of_code(text: &str, start: usize) -> Option<usize> {
    let mut code = Code { bytes: text.as_bytes(), at: start, depth: 1, odd_double: 0, odd_single: 0 };
    while let Some(byte) = code.bytes.get(code.at) {
        match byte {
            b'{' => code.depth += 1,
            b'}' if code.depth == 1 => return Some(code.at),
            b'}' => code.depth -= 1,
            b'"' => code.at = string_end(code.bytes, code.at, &mut code.odd_double),
            b'\'' => code.at = string_end(code.bytes, code.at, &mut code.odd_single),
            b'-' if code.bytes.get(code.at + 1) == Some(&b'-') => {
                code.at = comment_end(code.bytes, code.at + 2)?;
                continue;
            }
            b'[' => {
                if let Some(level) = long_bracket(code.bytes, code.at) {
                    code.at = long_bracket_end(code.bytes, code.at, level)?;
                    continue;
                }
            }
            _ => {}
        }
        code.at += 1;
    }
    None
}

struct Code<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// Up to here no quote of this kind ends a string.
    odd_double: usize,
    odd_single: usize,
}

/// The offset of the quote that ends a string on its line; that of its own
/// quote when there is none.
fn string_end(bytes: &[u8], start: usize, odd_until: &mut usize) -> usize {
    if start < *odd_until {
        return start;
    }
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => break,
            b'\\' => at += 1,
            byte if *byte == bytes[start] => return at,
            _ => {}
        }
        at += 1;
    }
    // A quote further on would have ended this string as well.
    *odd_until = at;
    start
}

/// The offset behind a comment whose dashes are over; none when it is a long
/// one that is never closed.
fn comment_end(bytes: &[u8], start: usize) -> Option<usize> {
    if let Some(level) = long_bracket(bytes, start) {
        return long_bracket_end(bytes, start, level);
    }
    let rest = bytes.get(start..).unwrap_or_default();
    Some(rest.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |feed| start + feed))
}

/// How many `=` stand between the two `[` of a long bracket.
fn long_bracket(bytes: &[u8], start: usize) -> Option<usize> {
    let rest = bytes.get(start..)?.strip_prefix(b"[")?;
    let level = rest.iter().take_while(|byte| **byte == b'=').count();
    (rest.get(level) == Some(&b'[')).then_some(level)
}

/// The offset behind the bracket that closes a long one.
fn long_bracket_end(bytes: &[u8], start: usize, level: usize) -> Option<usize> {
    let closing = format!("]{}]", "=".repeat(level));
    let body = start + level + 2;
    let rest = bytes.get(body..)?;
    let found = rest.windows(closing.len()).position(|window| window == closing.as_bytes())?;
    Some(body + found + closing.len())
}
