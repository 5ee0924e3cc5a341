//! Tokens, statements and comments of one file: what nginx's own reader
//! (`ngx_conf_read_token`, `ngx_conf_parse`) makes of its bytes.
//!
//! The only room that knows pest. It knows nothing of directives, with one
//! exception that nginx's reader has too: a block whose name ends in
//! `_by_lua_block` holds Lua. Statements come out flat and in order, each
//! knowing its parent and where its subtree ends, so that depth needs no
//! recursion anywhere.
//!
//! Reading never fails. What is wrong is a [`Problem`]; reading goes on behind
//! it, so that all problems of a file come out in one run.

mod lexer;
mod lua;
mod problem;
mod statements;
mod words;

pub use problem::{EndedBy, Problem, ProblemKind};
pub use words::{Quote, Word};

use crate::source::{SourceFile, Span};

/// Blocks may be nested this deep; what is deeper is not judged, and said.
pub const DEEPEST_BLOCK: usize = 1_000;

/// So many problems of one file are kept; the others are counted.
pub const MOST_PROBLEMS: usize = 100;

/// The longest word or comment nginx can read, in bytes: its buffer has 4096
/// (`NGX_CONF_BUFFER`) and one must be left for what ends the word.
pub const LONGEST_WORD: usize = 4_095;

/// Index of a statement in its file; also the order in which they stand.
pub type StatementId = u32;

/// Stands for "no parent".
pub const NO_STATEMENT: StatementId = u32::MAX;

/// How a statement ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With `;`.
    Semicolon,
    /// With `{`: a block.
    Block,
    /// With `{` and Lua code up to the matching `}`.
    Lua,
    /// Without the `;` it needs; a [`Problem`] says so.
    Missing,
}

/// One directive: its words and, for a block, where the body is.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Index of its first word, the directive's name.
    pub first_word: u32,
    /// How many words it has, at least one.
    pub word_count: u32,
    /// The block it stands in, or [`NO_STATEMENT`].
    pub parent: StatementId,
    /// The first statement that is not inside this one.
    pub next: StatementId,
    /// Offset of the `;` or `{`; nginx reports the line of this byte.
    pub terminator: u32,
    /// Offset behind the whole statement: behind `;` or the closing `}`.
    pub end: u32,
    /// How it ends.
    pub ending: Ending,
}

/// What one file says.
#[derive(Debug, Default)]
pub struct Syntax {
    /// All statements, a block before what is in it.
    pub statements: Vec<Statement>,
    /// The words of all statements.
    pub words: Vec<Word>,
    /// The comments, from `#` to the end of the line.
    pub comments: Vec<Span>,
    /// What is wrong, in the order of the text; at most [`MOST_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: usize,
    /// Reading stopped at this offset, where it could not go on.
    pub unread_from: Option<u32>,
    /// Whether the file begins with a UTF-8 byte order mark; it is skipped
    /// here, while nginx takes it for a part of the first word.
    pub byte_order_mark: bool,
    unescaped: Vec<Box<str>>,
}

/// A file and what it says.
#[derive(Debug)]
pub struct ParsedFile {
    /// The file.
    pub source: SourceFile,
    /// Its statements.
    pub syntax: Syntax,
}

impl ParsedFile {
    /// Reads the statements of a file.
    pub fn new(source: SourceFile) -> ParsedFile {
        let syntax = statements::read(&source);
        ParsedFile { source, syntax }
    }

    /// A statement by its index.
    pub fn statement(&self, id: StatementId) -> &Statement {
        &self.syntax.statements[id as usize]
    }

    /// The words of a statement, its name first.
    pub fn words(&self, id: StatementId) -> &[Word] {
        let statement = self.statement(id);
        let first = statement.first_word as usize;
        &self.syntax.words[first..first + statement.word_count as usize]
    }

    /// What nginx sees of a word: without quotes, escapes resolved.
    pub fn value(&self, word: &Word) -> &str {
        word.value(&self.source, &self.syntax.unescaped)
    }

    /// The directive's name.
    pub fn name(&self, id: StatementId) -> &str {
        let word = &self.syntax.words[self.statement(id).first_word as usize];
        self.value(word)
    }

    /// The first to the last word.
    pub fn head_span(&self, id: StatementId) -> Span {
        let words = self.words(id);
        words[0].span.to(words[words.len() - 1].span)
    }

    /// The statement from its name to its `;` or closing brace.
    pub fn whole_span(&self, id: StatementId) -> Span {
        let start = self.words(id)[0].span.start;
        Span { start, end: self.statement(id).end.max(start) }
    }
}
