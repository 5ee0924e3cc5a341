//! What can be wrong with the syntax of a file, as plain values; wording is
//! the business of the rules.

use crate::source::Span;

use super::StatementId;

/// What stood where a `;` was needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedBy {
    /// The `}` of the enclosing block.
    CloseBrace,
    /// The end of the file.
    EndOfFile,
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// A directive is not ended; `at` is the empty span behind its last word.
    MissingSemicolon {
        /// The directive.
        statement: StatementId,
        /// What stood there instead.
        ended_by: EndedBy,
    },
    /// `;` without a directive.
    LoneSemicolon,
    /// `{` without a name before it.
    NamelessBlock,
    /// `}` while no block is open.
    UnopenedBlock {
        /// An earlier `}` that stands deeper than the block it closes: the one
        /// that is probably too many.
        suspect: Option<Span>,
    },
    /// A block is open at the end of the file; `at` is its opening line up to
    /// the brace.
    UnclosedBlock {
        /// How many blocks are open.
        open: usize,
        /// The `}` that closes this block but stands in line with an outer
        /// one, when the indentation gives the mistake away.
        suspect: Option<Span>,
    },
    /// A quote without its partner; `at` is the opening quote.
    UnclosedQuote {
        /// The quote, `"` or `'`.
        quote: char,
    },
    /// Something stands right behind a closing quote; `at` is that character.
    TextBehindQuote {
        /// The quoted word.
        word: Span,
    },
    /// A word or comment nginx's buffer cannot hold.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// Whether it is a comment.
        comment: bool,
    },
    /// A Lua block without its closing brace; `at` is its opening line. What
    /// follows could not be read.
    UnclosedLua,
    /// Blocks nested deeper than [`super::DEEPEST_BLOCK`]; what is inside is
    /// not judged.
    TooDeep,
}

/// One thing that is wrong with the syntax.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The place to mend.
    pub at: Span,
    /// The byte at which nginx notices; it names the line of this byte.
    pub noticed_at: u32,
    /// What nginx says, without the place.
    pub nginx_says: String,
}
