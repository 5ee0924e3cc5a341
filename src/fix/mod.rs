//! Edits to files: applied to bytes, all or none, and written through one
//! function.
//!
//! It knows findings and sources. It does not know rules.

mod write;

pub use write::write_whole;

use crate::engine::Edit;

/// Why edits could not be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    /// Two of them want the same bytes.
    #[error("two edits overlap")]
    Overlap,
    /// One lies outside of the file.
    #[error("an edit lies outside of the file")]
    Outside,
}

/// The bytes of a file after some edits, which may come in any order; all are
/// taken to lie in this file. Equal edits count once. New lines end as those
/// of the file do.
///
/// # Errors
///
/// When two different edits overlap, or one lies outside.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, EditError> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    let ends_lines_with_cr = memchr::memchr(b'\n', bytes).is_some_and(|feed| bytes[..feed].ends_with(b"\r"));
    edits.sort_by_key(|edit| (edit.location.span.start, edit.location.span.end));
    edits.dedup();
    let mut result = Vec::with_capacity(bytes.len());
    let mut taken = 0;
    for edit in edits {
        let range = edit.location.span.range();
        if range.start < taken {
            return Err(EditError::Overlap);
        }
        result.extend_from_slice(bytes.get(taken..range.start).ok_or(EditError::Outside)?);
        if ends_lines_with_cr {
            result.extend_from_slice(edit.text.replace('\n', "\r\n").as_bytes());
        } else {
            result.extend_from_slice(edit.text.as_bytes());
        }
        taken = range.end;
    }
    result.extend_from_slice(bytes.get(taken..).ok_or(EditError::Outside)?);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Location, Span};

    #[test]
    fn edits_apply_in_the_order_of_the_text_and_never_overlap() {
        let edit =
            |start, end, text: &str| Edit::replace(Location { file: FileId(0), span: Span::new(start, end) }, text);
        let bytes = b"abcdef\xff";
        assert_eq!(apply(bytes, &[edit(4, 5, "E"), edit(0, 1, "A")]), Ok(b"AbcdEf\xff".to_vec()));
        assert_eq!(apply(bytes, &[edit(2, 2, "X"), edit(2, 2, "X")]), Ok(b"abXcdef\xff".to_vec()));
        assert_eq!(apply(b"a;\r\nb;\r\n", &[edit(2, 2, "\nx;")]), Ok(b"a;\r\nx;\r\nb;\r\n".to_vec()));
        assert_eq!(apply(bytes, &[edit(0, 3, ""), edit(2, 4, "")]), Err(EditError::Overlap));
        assert_eq!(apply(bytes, &[edit(0, 99, "")]), Err(EditError::Outside));
    }
}
