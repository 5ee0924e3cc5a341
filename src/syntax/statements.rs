//! Tokens to statements, with an explicit stack of open blocks.

use crate::source::{SourceFile, Span};

use super::lexer::{self, Next, Token};
use super::lua;
use super::{
    DEEPEST_BLOCK, EndedBy, Ending, LONGEST_WORD, MOST_PROBLEMS, NO_STATEMENT, Problem, ProblemKind, Quote, Statement,
    StatementId, Syntax, Word,
};

const BYTE_ORDER_MARK: &str = "\u{feff}";
const LUA_BLOCK: &str = "_by_lua_block";

/// Behind a missing quote, reading goes on at the end of its line, and what
/// was read as its content is read again; not more often than this, so that a
/// hostile file costs no more than its length.
const MOST_REREADS: usize = 200;

/// Reads a whole file.
pub(super) fn read(source: &SourceFile) -> Syntax {
    let text = source.text();
    let mut reader = Reader::new(source);
    reader.syntax.byte_order_mark = text.starts_with(BYTE_ORDER_MARK);
    let start = if reader.syntax.byte_order_mark { BYTE_ORDER_MARK.len() } else { 0 };
    lexer::tokens(text, start, |token, span| reader.token(token, span));
    reader.end_of_file();
    reader.syntax
}

struct OpenBlock {
    /// [`NO_STATEMENT`] for a block without a name.
    statement: StatementId,
    brace: u32,
}

struct Reader<'a> {
    source: &'a SourceFile,
    syntax: Syntax,
    open: Vec<OpenBlock>,
    /// Index of the first word that belongs to no statement yet.
    pending: usize,
    /// The unquoted word that the last token belongs to; more may follow.
    unfinished: Option<Span>,
    /// A quote of the pending statement is not closed; its `;` may be gone
    /// with it.
    in_repair: bool,
    /// Where the last token ended, if it was a quoted word.
    quoted_until: Option<u32>,
    /// Open blocks beyond the deepest that is kept.
    too_deep: usize,
    rereads: usize,
}

impl<'a> Reader<'a> {
    fn new(source: &'a SourceFile) -> Reader<'a> {
        Reader {
            source,
            syntax: Syntax::default(),
            open: Vec::new(),
            pending: 0,
            unfinished: None,
            in_repair: false,
            quoted_until: None,
            too_deep: 0,
            rereads: 0,
        }
    }

    fn token(&mut self, token: Token, span: Span) -> Next {
        if token == Token::Part {
            return self.part(span);
        }
        self.finish_word();
        let behind_quote = self.quoted_until.take() == Some(span.start);
        if behind_quote
            && matches!(token, Token::Double | Token::Single | Token::Comment)
            && let Some(next) = self.text_behind_quote(span)
        {
            return next;
        }
        match token {
            Token::Part => Next::Continue,
            Token::Double => self.word(span, Quote::Double),
            Token::Single => self.word(span, Quote::Single),
            Token::Unclosed => self.unclosed_quote(span, self.end_of_text(), None),
            Token::Comment => self.comment(span),
            Token::Semicolon => self.semicolon(span),
            Token::OpenBraces => self.each(span, Self::open_brace),
            Token::CloseBraces => self.each(span, Self::close_brace),
        }
    }

    /// Takes the bytes of a run one by one.
    fn each(&mut self, run: Span, take: fn(&mut Self, Span) -> Next) -> Next {
        for start in run.start..run.end {
            match take(self, Span { start, end: start + 1 }) {
                Next::Continue => {}
                other => return other,
            }
        }
        Next::Continue
    }

    fn part(&mut self, span: Span) -> Next {
        if let Some(word) = &mut self.unfinished
            && word.end == span.start
        {
            word.end = span.end;
            return Next::Continue;
        }
        self.finish_word();
        let behind_quote = self.quoted_until.take() == Some(span.start);
        // Behind a closing quote only blanks, `;`, `{` and `)` are allowed; the
        // last begins a new word, for `if ($a = "b")`.
        if behind_quote
            && !self.source.slice(span).starts_with(')')
            && let Some(next) = self.text_behind_quote(span)
        {
            return next;
        }
        self.unfinished = Some(span);
        Next::Continue
    }

    fn finish_word(&mut self) {
        if let Some(span) = self.unfinished.take() {
            self.word(span, Quote::Plain);
        }
    }

    fn word(&mut self, span: Span, quote: Quote) -> Next {
        if self.too_deep > 0 {
            return Next::Continue;
        }
        let limit = if quote == Quote::Plain { LONGEST_WORD } else { LONGEST_WORD + 1 };
        if span.len() > limit {
            self.too_long(span, false);
        }
        let word = Word::new(self.source, span, quote, &mut self.syntax.unescaped);
        self.syntax.words.push(word);
        if quote != Quote::Plain {
            self.quoted_until = Some(span.end);
        }
        Next::Continue
    }

    fn comment(&mut self, span: Span) -> Next {
        if span.len() > LONGEST_WORD {
            self.too_long(span, true);
        }
        self.syntax.comments.push(span);
        Next::Continue
    }

    fn semicolon(&mut self, span: Span) -> Next {
        if self.has_pending_words() {
            self.finish_statement(span, Ending::Semicolon);
        } else if self.too_deep == 0 {
            self.problem(ProblemKind::LoneSemicolon, span, span.start, || r#"unexpected ";""#.into());
        }
        Next::Continue
    }

    fn open_brace(&mut self, span: Span) -> Next {
        if self.too_deep > 0 || self.open.len() >= DEEPEST_BLOCK {
            return self.open_too_deep(span);
        }
        if !self.has_pending_words() {
            self.problem(ProblemKind::NamelessBlock, span, span.start, || r#"unexpected "{""#.into());
            self.open.push(OpenBlock { statement: NO_STATEMENT, brace: span.start });
            return Next::Continue;
        }
        let name = &self.syntax.words[self.pending];
        if name.value(self.source, &self.syntax.unescaped).ends_with(LUA_BLOCK) {
            return self.lua_block(span);
        }
        let statement = self.finish_statement(span, Ending::Block);
        self.open.push(OpenBlock { statement, brace: span.start });
        Next::Continue
    }

    fn open_too_deep(&mut self, span: Span) -> Next {
        if self.too_deep == 0 {
            self.problem(ProblemKind::TooDeep, span, span.start, String::new);
        }
        self.syntax.words.truncate(self.pending);
        self.too_deep += 1;
        Next::Continue
    }

    fn lua_block(&mut self, brace: Span) -> Next {
        let statement = self.finish_statement(brace, Ending::Lua);
        if let Some(close) = lua::end_of_code(self.source.text(), brace.end as usize) {
            self.syntax.statements[statement as usize].end = close as u32 + 1;
            return Next::Resume(close + 1);
        }
        let end = self.end_of_text();
        self.syntax.statements[statement as usize].end = end;
        let at = self.opening(statement);
        self.problem(ProblemKind::UnclosedLua, at, end, || {
            "unexpected end of file, expecting terminating characters for lua code block".into()
        });
        self.syntax.unread_from = Some(brace.end);
        Next::Stop
    }

    fn close_brace(&mut self, span: Span) -> Next {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Next::Continue;
        }
        let Some(block) = self.open.pop() else {
            return self.unopened_block(span);
        };
        if self.has_pending_words() {
            self.missing_semicolon(EndedBy::CloseBrace, span.start, r#"unexpected "}""#, block.statement);
        }
        self.close_block(&block, span.end);
        Next::Continue
    }

    fn unopened_block(&mut self, span: Span) -> Next {
        if self.has_pending_words() {
            self.finish_statement(Span { start: span.start, end: span.start }, Ending::Missing);
        }
        if self.syntax.problems.len() < MOST_PROBLEMS {
            let suspect = self.brace_too_deep_for_its_block(span.start);
            let kind = ProblemKind::UnopenedBlock { suspect };
            self.problem(kind, span, span.start, || r#"unexpected "}""#.into());
        } else {
            self.syntax.problem_count += 1;
        }
        Next::Continue
    }

    fn end_of_file(&mut self) {
        self.finish_word();
        let end = self.end_of_text();
        if self.has_pending_words() {
            let parent = self.open.last().map_or(NO_STATEMENT, |block| block.statement);
            let says = r#"unexpected end of file, expecting ";" or "}""#;
            self.missing_semicolon(EndedBy::EndOfFile, end, says, parent);
        }
        if !self.open.is_empty() && self.syntax.unread_from.is_none() {
            self.unclosed_block(end);
        }
        while let Some(block) = self.open.pop() {
            self.close_block(&block, end);
        }
    }

    fn unclosed_block(&mut self, end: u32) {
        let suspect = self.block_closed_too_early();
        let innermost = self.open.iter().rev().find(|block| block.statement != NO_STATEMENT);
        let at = match (&suspect, innermost) {
            (Some((statement, _)), _) => self.opening(*statement),
            (None, Some(block)) => self.opening(block.statement),
            (None, None) => self.open.last().map_or(Span::at(0), |block| brace_span(block.brace)),
        };
        let kind = ProblemKind::UnclosedBlock { open: self.open.len(), suspect: suspect.map(|(_, brace)| brace) };
        self.problem(kind, at, end, || r#"unexpected end of file, expecting "}""#.into());
    }

    fn missing_semicolon(&mut self, ended_by: EndedBy, noticed_at: u32, says: &str, parent: StatementId) {
        let last = self.syntax.words[self.syntax.words.len() - 1].span.end;
        let was_in_repair = self.in_repair;
        let statement = self.finish_statement_in(Span { start: last, end: last }, Ending::Missing, parent);
        if was_in_repair {
            return;
        }
        let kind = ProblemKind::MissingSemicolon { statement, ended_by };
        self.problem(kind, Span { start: last, end: last }, noticed_at, || says.into());
    }

    /// Says that something stands right behind a quoted word. When the word
    /// goes over several lines its quote was probably meant to end on the
    /// first; reading then goes on elsewhere.
    fn text_behind_quote(&mut self, span: Span) -> Option<Next> {
        let word = self.syntax.words.last().map_or(span, |word| word.span);
        let first = self.source.slice(span).chars().next().unwrap_or_default();
        let says = format!("unexpected \"{first}\"");
        if self.source.slice(word).contains('\n') {
            self.syntax.words.pop();
            return Some(self.unclosed_quote(word, span.start, Some(says)));
        }
        let at = Span { start: span.start, end: span.start + first.len_utf8() as u32 };
        self.problem(ProblemKind::TextBehindQuote { word }, at, span.start, || says);
        None
    }

    /// Says that a quote is never closed, keeps the rest of its line as the
    /// word it was probably meant to be, and reads on behind that.
    fn unclosed_quote(&mut self, span: Span, noticed_at: u32, says: Option<String>) -> Next {
        let text = self.source.slice(span);
        let quote = text.chars().next().unwrap_or('"');
        let at = Span { start: span.start, end: span.start + 1 };
        let too_long = span.len() > LONGEST_WORD + 1;
        let noticed_at = if too_long { span.start } else { noticed_at };
        self.problem(ProblemKind::UnclosedQuote { quote }, at, noticed_at, || match says {
            _ if too_long => format!("too long parameter, probably missing terminating \"{quote}\" character"),
            Some(says) => says,
            None => r#"unexpected end of file, expecting ";" or "}""#.into(),
        });
        self.in_repair = true;
        self.rereads += 1;
        if self.rereads > MOST_REREADS {
            self.syntax.unread_from = Some(span.start);
            return Next::Stop;
        }
        let first_line = text.lines().next().unwrap_or_default();
        let content = first_line.trim_end().trim_end_matches([';', '{']).trim_end();
        let end = span.start + content.len().max(1) as u32;
        let meant = Span { start: span.start + 1, end };
        let word = Word::new(self.source, meant, Quote::Plain, &mut self.syntax.unescaped);
        self.syntax.words.push(word);
        Next::Resume(end as usize)
    }

    fn too_long(&mut self, span: Span, comment: bool) {
        let text = self.source.slice(span);
        let first: String = text.chars().take(10).collect();
        let quote = first.chars().next().filter(|c| matches!(c, '"' | '\'') && !comment);
        let kind = ProblemKind::TooLong { length: span.len(), comment };
        self.problem(kind, span, span.start, || match quote {
            Some(quote) => format!("too long parameter, probably missing terminating \"{quote}\" character"),
            None => format!("too long parameter \"{first}...\" started"),
        });
    }

    fn has_pending_words(&self) -> bool {
        self.syntax.words.len() > self.pending
    }

    fn finish_statement(&mut self, terminator: Span, ending: Ending) -> StatementId {
        let parent = self.open.last().map_or(NO_STATEMENT, |block| block.statement);
        self.finish_statement_in(terminator, ending, parent)
    }

    fn finish_statement_in(&mut self, terminator: Span, ending: Ending, parent: StatementId) -> StatementId {
        let id = self.syntax.statements.len() as StatementId;
        self.syntax.statements.push(Statement {
            first_word: self.pending as u32,
            word_count: (self.syntax.words.len() - self.pending) as u32,
            parent,
            next: id + 1,
            terminator: terminator.start,
            end: terminator.end,
            ending,
        });
        self.pending = self.syntax.words.len();
        self.in_repair = false;
        id
    }

    fn close_block(&mut self, block: &OpenBlock, end: u32) {
        let next = self.syntax.statements.len() as StatementId;
        if let Some(statement) = self.syntax.statements.get_mut(block.statement as usize) {
            statement.end = end;
            statement.next = next;
        }
    }

    /// The words of a block's head and its brace.
    fn opening(&self, id: StatementId) -> Span {
        let statement = &self.syntax.statements[id as usize];
        let start = self.syntax.words[statement.first_word as usize].span.start;
        Span { start, end: statement.terminator + 1 }
    }

    fn end_of_text(&self) -> u32 {
        self.source.text().len() as u32
    }

    fn problem(&mut self, kind: ProblemKind, at: Span, noticed_at: u32, nginx_says: impl FnOnce() -> String) {
        self.syntax.problem_count += 1;
        if self.syntax.problems.len() < MOST_PROBLEMS {
            self.syntax.problems.push(Problem { kind, at, noticed_at, nginx_says: nginx_says() });
        }
    }

    /// The first block whose `}` stands further out than the block's own line:
    /// that brace was meant for an outer block, and this one is open.
    fn block_closed_too_early(&self) -> Option<(StatementId, Span)> {
        self.indented_blocks()
            .filter(|block| block.closing < block.opening)
            .min_by_key(|block| block.brace)
            .map(|block| (block.statement, brace_span(block.brace)))
    }

    /// The first `}` that stands further in than the line of its block: it is
    /// probably the one too many.
    fn brace_too_deep_for_its_block(&self, before: u32) -> Option<Span> {
        self.indented_blocks()
            .filter(|block| block.closing > block.opening && block.brace < before)
            .map(|block| block.brace)
            .min()
            .map(brace_span)
    }

    fn indented_blocks(&self) -> impl Iterator<Item = IndentedBlock> + '_ {
        self.syntax.statements.iter().enumerate().filter_map(|(index, statement)| {
            let closed = statement.ending == Ending::Block && statement.end > statement.terminator + 1;
            let brace = statement.end.checked_sub(1).filter(|_| closed)?;
            let start = self.syntax.words[statement.first_word as usize].span.start;
            Some(IndentedBlock {
                statement: index as StatementId,
                brace,
                opening: self.indentation(start)?,
                closing: self.indentation(brace)?,
            })
        })
    }

    /// How far the first thing on a line is from its beginning; none when
    /// something stands before `offset`.
    fn indentation(&self, offset: u32) -> Option<usize> {
        let before = &self.source.text().as_bytes()[..offset as usize];
        let blanks = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let begins_line = before[..before.len() - blanks].last().is_none_or(|byte| *byte == b'\n');
        begins_line.then_some(blanks)
    }
}

struct IndentedBlock {
    statement: StatementId,
    brace: u32,
    opening: usize,
    closing: usize,
}

fn brace_span(offset: u32) -> Span {
    Span { start: offset, end: offset + 1 }
}
