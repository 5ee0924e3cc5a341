//! Tokens, piece by piece.
//!
//! pest keeps every token of its input until it is done, so a file is handed
//! to it in pieces: memory stays bounded whatever the file holds. A token that
//! touches the end of a piece may go on behind it and is read again with a
//! larger piece.

use pest::Parser;
use pest_derive::Parser;

use crate::source::Span;

#[derive(Parser)]
#[grammar = "../grammar/nginx.pest"]
struct Grammar;

/// Usual size of a piece, in bytes.
const PIECE: usize = 64 * 1024;

/// Size of the first piece after a jump: what is behind the next jump is read
/// in vain, and there may be many of them.
const FIRST_PIECE: usize = 512;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// An unquoted word or a part of one: parts that touch are one word.
    Part,
    Double,
    Single,
    /// A quote that nothing closes, with all that follows.
    Unclosed,
    Semicolon,
    /// One or more of them.
    OpenBraces,
    /// One or more of them.
    CloseBraces,
    Comment,
}

/// What to do after a token.
pub(super) enum Next {
    /// Read the next one.
    Continue,
    /// Read on at this offset.
    Resume(usize),
    /// Read no more.
    Stop,
}

/// Reads the tokens of `text` from `start` on and hands each to `visit`.
pub(super) fn tokens(text: &str, start: usize, mut visit: impl FnMut(Token, Span) -> Next) {
    let mut from = start;
    let mut size = PIECE;
    while from < text.len() {
        let end = piece_end(text, from, size);
        match piece(text, from, end, &mut visit) {
            Outcome::Read(behind) => {
                size = if behind > from { size.saturating_mul(2).min(PIECE) } else { size.saturating_mul(2) };
                from = behind;
            }
            Outcome::Jumped(behind) => {
                size = FIRST_PIECE;
                from = behind;
            }
            Outcome::Stopped => return,
        }
    }
}

enum Outcome {
    /// Read up to this offset.
    Read(usize),
    /// Reading is to go on at this offset.
    Jumped(usize),
    Stopped,
}

fn piece(text: &str, from: usize, end: usize, visit: &mut impl FnMut(Token, Span) -> Next) -> Outcome {
    // The grammar accepts every input; an error here cannot happen, and if it
    // did the piece would count as read.
    let Ok(pairs) = Grammar::parse(Rule::tokens, &text[from..end]) else { return Outcome::Read(end) };
    for pair in pairs {
        let span = pair.as_span();
        let (token_start, token_end) = (from + span.start(), from + span.end());
        let token = token_of(pair.as_rule());
        if token_end == end && end < text.len() && may_go_on(token) {
            return Outcome::Read(token_start);
        }
        match visit(token, Span::new(token_start, token_end)) {
            Next::Continue => {}
            Next::Resume(offset) => return Outcome::Jumped(offset),
            Next::Stop => return Outcome::Stopped,
        }
    }
    Outcome::Read(end)
}

fn token_of(rule: Rule) -> Token {
    match rule {
        Rule::word | Rule::variable | Rule::escape => Token::Part,
        Rule::double => Token::Double,
        Rule::single => Token::Single,
        Rule::semicolon => Token::Semicolon,
        Rule::open => Token::OpenBraces,
        Rule::close => Token::CloseBraces,
        Rule::comment => Token::Comment,
        _ => Token::Unclosed,
    }
}

fn may_go_on(token: Token) -> bool {
    matches!(token, Token::Part | Token::Comment | Token::Unclosed)
}

/// Ends a piece behind a line feed if one is near, else between characters.
fn piece_end(text: &str, from: usize, size: usize) -> usize {
    let wanted = from.saturating_add(size);
    if wanted >= text.len() {
        return text.len();
    }
    let near = &text.as_bytes()[wanted..text.len().min(wanted.saturating_add(size))];
    match near.iter().position(|byte| *byte == b'\n') {
        Some(feed) => wanted + feed + 1,
        None => text.ceil_char_boundary(wanted),
    }
}
