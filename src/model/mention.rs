//! Where variables are defined and read, and what regular expressions there
//! are: one pass over all directives that can have any.

use std::ops::Range;
use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{self, Context, Family};
use crate::tree::NodeId;

use super::parallel::map_pieces;
use super::reading::{self, Interest, Part, Piece};
use super::regex::{Regex, RegexError, compile_regex};
use super::template::{NoVariable, Scanner, mentions};
use super::{Block, BlockId, Directive, Kind, Model, Place, has_placeholder};

/// So many directives are read by one thread at a time.
const CHUNK: usize = 8_192;

/// So many regular expressions are compiled by one thread at a time.
const PATTERNS_AT_A_TIME: usize = 64;

/// What comes into force only where a server or location has it: when nginx
/// puts the levels together, it reads what an `http {}` has for those that
/// have none of their own.
const READ_WHERE_IN_FORCE: [&str; 8] = [
    "fastcgi_param",
    "grpc_set_header",
    "proxy_set_body",
    "proxy_set_header",
    "scgi_param",
    "ssl_certificate",
    "ssl_certificate_key",
    "uwsgi_param",
];

/// A place where a variable is named: in a word of a directive or of a line of
/// data.
#[derive(Clone, Copy, Debug)]
pub struct Mention<'m> {
    /// The directive, or the line of a `map`.
    pub directive: Directive<'m>,
    /// `http {}` or `stream {}`: each has its own variables.
    pub family: Family,
    /// Which word; 0 is the directive's name.
    pub word: usize,
    /// The name without `$` and braces; as written, nginx does not mind case.
    pub name: &'m str,
    start: usize,
    end: usize,
}

impl Mention<'_> {
    /// The variable with its `$` and braces; the whole word where it is not
    /// written as it is.
    pub fn place(&self) -> Place {
        self.directive.place_in_word(self.word, self.start..self.end)
    }

    /// Whether it is written as `${name}`.
    pub fn has_braces(&self) -> bool {
        self.end - self.start > self.name.len() + 1
    }

    /// Whether it has the name of a placeholder that a tool fills in before
    /// nginx sees the file: capital letters.
    pub fn is_in_capitals(&self) -> bool {
        let is_capital = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        self.name.bytes().all(is_capital) && self.name.bytes().any(|byte| byte.is_ascii_uppercase())
    }
}

/// A part of a word where nginx wants a variable and there is none.
#[derive(Clone, Debug)]
pub struct NotAVariable<'m> {
    /// The directive, or the line of a `map`.
    pub directive: Directive<'m>,
    /// Which word; 0 is the directive's name.
    pub word: usize,
    /// Where in the word, in bytes of its value.
    pub range: Range<usize>,
    /// What is wrong.
    pub why: WhyNot,
}

impl NotAVariable<'_> {
    /// Where.
    pub fn place(&self) -> Place {
        self.directive.place_in_word(self.word, self.range.clone())
    }

    /// Whether nginx reads it only when all of `http {}` or `stream {}` is
    /// read, and names its end.
    pub fn is_read_at_the_end(&self) -> bool {
        READ_WHERE_IN_FORCE.contains(&self.directive.name())
    }
}

/// Why something is not a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNot {
    /// No name follows the `$`.
    Nameless,
    /// No name follows the `$`, in a `log_format`.
    NamelessInLog,
    /// `${`, a name, and no `}`. The name ends there.
    Unclosed,
    /// A word that must be a variable does not begin with `$`.
    NoDollar,
    /// A word that must be a variable is a lone `$`.
    OnlyDollar,
    /// A variable that is made of the root, in the root.
    OwnRoot(&'static str),
}

/// A regular expression of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Pattern<'m> {
    /// The directive, or the line of a `map`.
    pub directive: Directive<'m>,
    /// `http {}` or `stream {}`.
    pub family: Family,
    /// Which word; 0 is the directive's name.
    pub word: usize,
    /// The expression.
    pub text: &'m str,
    /// Where it begins in the word, in bytes of its value.
    pub start: usize,
    /// Whether the names of its groups become variables.
    pub defines: bool,
    /// What PCRE makes of it.
    pub compiled: Result<&'m Regex, &'m RegexError>,
}

/// All of that, by node.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    reads: Vec<Named>,
    definitions: Vec<Named>,
    wrong: Vec<Wrong>,
    patterns: Vec<FoundPattern>,
    /// Variables that a directive reads without naming them.
    implied: Vec<(NodeId, Family, &'static str)>,
    /// Names that modules may define of which too little is known.
    foreign: FxHashSet<(Family, String)>,
    by_name: OnceLock<ByName>,
}

/// For each variable, in lower case: indices of its definitions.
type ByName = FxHashMap<(Family, String), Vec<u32>>;

#[derive(Clone, Debug)]
struct Named {
    node: NodeId,
    family: Family,
    word: u16,
    /// The mention with its `$` and braces.
    start: u32,
    end: u32,
    braces: bool,
}

#[derive(Clone, Debug)]
struct Wrong {
    node: NodeId,
    word: u16,
    start: u32,
    end: u32,
    why: WhyNot,
}

#[derive(Clone, Debug)]
struct FoundPattern {
    node: NodeId,
    family: Family,
    word: u16,
    start: u32,
    end: u32,
    caseless: bool,
    defines: bool,
}

/// What PCRE makes of the patterns, each distinct one compiled once.
#[derive(Debug, Default)]
pub(super) struct CompiledPatterns {
    compiled: Vec<Result<Regex, RegexError>>,
    /// For each pattern of [`Mentions`], its place in `compiled`.
    of_pattern: Vec<u32>,
}

impl<'t> Model<'t> {
    /// The places where nginx reads a variable of `http {}` or `stream {}`.
    pub fn variable_reads(&self, family: Family) -> impl Iterator<Item = Mention<'_>> {
        self.mentions().reads.iter().filter(move |read| read.family == family).map(|read| self.mention(read))
    }

    /// The places where a variable is defined by its name: `set`, `map`, `geo`
    /// and the like. Groups of regular expressions define more: see
    /// [`Model::patterns`].
    pub fn variable_definitions(&self, family: Family) -> impl Iterator<Item = Mention<'_>> {
        self.mentions().definitions.iter().filter(move |read| read.family == family).map(|read| self.mention(read))
    }

    /// The places where this variable is defined by its name.
    pub fn definitions_of(&self, family: Family, name: &str) -> impl Iterator<Item = Mention<'_>> {
        let mentions = self.mentions();
        let found = self.mentions_by_name().get(&(family, name.to_ascii_lowercase()));
        let definitions = found.map_or(&[][..], Vec::as_slice);
        definitions.iter().map(|index| self.mention(&mentions.definitions[*index as usize]))
    }

    /// Directives that read a variable without naming it, and its name.
    pub fn implied_reads(&self, family: Family) -> impl Iterator<Item = (Directive<'_>, &'static str)> {
        let implied = self.mentions().implied.iter().filter(move |(_, of, _)| *of == family);
        implied.map(|(node, _, name)| (self.directive(*node), *name))
    }

    /// Whether a module may define this variable of which too little is known:
    /// its directive names it.
    pub fn may_be_defined_by_module(&self, family: Family, name: &str) -> bool {
        let foreign = &self.mentions().foreign;
        !foreign.is_empty() && foreign.contains(&(family, name.to_ascii_lowercase()))
    }

    /// Where nginx wants a variable and finds none.
    pub fn not_variables(&self) -> impl Iterator<Item = NotAVariable<'_>> {
        self.mentions().wrong.iter().map(|wrong| NotAVariable {
            directive: self.directive(wrong.node),
            word: usize::from(wrong.word),
            range: wrong.start as usize..wrong.end as usize,
            why: wrong.why,
        })
    }

    /// The regular expressions.
    pub fn patterns(&self) -> impl Iterator<Item = Pattern<'_>> {
        let compiled = self.compiled_patterns.get_or_init(|| self.compile_patterns());
        let found = self.mentions().patterns.iter().zip(&compiled.of_pattern);
        found.map(|(pattern, index)| Pattern {
            directive: self.directive(pattern.node),
            family: pattern.family,
            word: usize::from(pattern.word),
            text: self.pattern_text(pattern),
            start: pattern.start as usize,
            defines: pattern.defines,
            compiled: compiled.compiled[*index as usize].as_ref(),
        })
    }

    fn pattern_text(&self, pattern: &FoundPattern) -> &str {
        self.part_of_word(pattern.node, pattern.word, pattern.start, pattern.end)
    }

    fn part_of_word(&self, node: NodeId, word: u16, start: u32, end: u32) -> &str {
        let text = self.directive(node).word(usize::from(word)).unwrap_or_default();
        text.get(start as usize..end as usize).unwrap_or_default()
    }

    fn mention(&self, named: &Named) -> Mention<'_> {
        let (before, behind) = if named.braces { (2, 1) } else { (1, 0) };
        Mention {
            directive: self.directive(named.node),
            family: named.family,
            word: usize::from(named.word),
            name: self.part_of_word(named.node, named.word, named.start + before, named.end - behind),
            start: named.start as usize,
            end: named.end as usize,
        }
    }

    fn mentions(&self) -> &Mentions {
        self.mentions.get_or_init(|| self.find_mentions())
    }

    fn mentions_by_name(&self) -> &ByName {
        let mentions = self.mentions();
        mentions.by_name.get_or_init(|| {
            let mut by_name = ByName::default();
            let key = |named: &Named| (named.family, self.mention(named).name.to_ascii_lowercase());
            for (index, definition) in mentions.definitions.iter().enumerate() {
                by_name.entry(key(definition)).or_default().push(index as u32);
            }
            by_name
        })
    }

    fn compile_patterns(&self) -> CompiledPatterns {
        let patterns = &self.mentions().patterns;
        let mut distinct: FxHashMap<(&str, bool), u32> = FxHashMap::default();
        let mut texts = Vec::new();
        let mut of_pattern = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let key = (self.pattern_text(pattern), pattern.caseless);
            let index = *distinct.entry(key).or_insert_with(|| {
                texts.push(key);
                texts.len() as u32 - 1
            });
            of_pattern.push(index);
        }
        let compile = |range: Range<usize>| -> Vec<_> {
            texts[range].iter().map(|(text, caseless)| compile_regex(text, *caseless)).collect()
        };
        let compiled = map_pieces(texts.len(), PATTERNS_AT_A_TIME, compile).into_iter().flatten().collect();
        CompiledPatterns { compiled, of_pattern }
    }

    fn find_mentions(&self) -> Mentions {
        let read = |range: Range<usize>| {
            let mut collector = Collector {
                model: self,
                found: Mentions::default(),
                lines: None,
                in_force: FxHashMap::default(),
                interests: vec![None; catalog::name_count()],
            };
            range.for_each(|index| collector.read(NodeId(index as u32)));
            collector.found
        };
        let parts = map_pieces(self.directive_count(), CHUNK, read);
        let mut all = Mentions::default();
        for part in parts {
            all.append(part);
        }
        all
    }
}

impl Mentions {
    fn append(&mut self, other: Mentions) {
        self.reads.extend(other.reads);
        self.definitions.extend(other.definitions);
        self.wrong.extend(other.wrong);
        self.patterns.extend(other.patterns);
        self.implied.extend(other.implied);
        self.foreign.extend(other.foreign);
    }
}

/// What the statements of a block are to nginx.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lines {
    Directives(Context),
    Map(Family),
    /// No variables are read in them.
    Plain,
    Foreign(Family),
}

struct Collector<'m> {
    model: &'m Model<'m>,
    found: Mentions,
    /// The block that was looked at last.
    lines: Option<(BlockId, Lines)>,
    /// Of blocks and names of [`READ_WHERE_IN_FORCE`], whether they are read.
    in_force: FxHashMap<(BlockId, &'m str), bool>,
    /// Of each name that was met, what it is worth.
    interests: Vec<Option<Interest>>,
}

impl<'m> Collector<'m> {
    fn read(&mut self, node: NodeId) {
        let block = self.model.block_of[node.index()];
        let lines = match self.lines {
            Some((last, lines)) if last == block => lines,
            _ => self.lines_of(block),
        };
        self.lines = Some((block, lines));
        let directive = self.model.directive(node);
        match lines {
            Lines::Plain => {}
            Lines::Directives(context) => self.read_directive(directive, context),
            Lines::Map(family) => {
                reading::read_map_line(directive, &mut |piece| take(&mut self.found, directive, family, piece));
            }
            Lines::Foreign(family) => {
                reading::read_foreign(directive, &mut |piece| take(&mut self.found, directive, family, piece));
            }
        }
    }

    /// Of the many names of the catalog a configuration has few.
    fn interest(&mut self, name: u16) -> Interest {
        *self.interests[usize::from(name)].get_or_insert_with(|| reading::interest(name))
    }

    fn read_directive(&mut self, directive: Directive<'m>, context: Context) {
        let family = context.family();
        let name = self.model.name_index(directive.id());
        let interest = name.map_or(Interest::Foreign, |name| self.interest(name));
        // An escape adds neither of them: what is not in the text is in no word.
        let marked = |one: u8, other: u8| {
            let head = directive.place().location;
            let text = self.model.source(head.file).slice(head.span);
            memchr::memchr2(one, other, text.as_bytes()).is_some()
        };
        let found = &mut self.found;
        match interest {
            Interest::None => {}
            Interest::Foreign if marked(b'$', b'$') => {
                reading::read_foreign(directive, &mut |piece| take(found, directive, family, piece));
            }
            Interest::Always | Interest::Marked if interest == Interest::Always || marked(b'$', b'~') => {
                let is_read = !READ_WHERE_IN_FORCE.contains(&directive.name())
                    || *self
                        .in_force
                        .entry((directive.parent().id(), directive.name()))
                        .or_insert_with(|| is_in_force(directive, context));
                if is_read {
                    reading::read_directive(directive, context, &mut |piece| take(found, directive, family, piece));
                }
            }
            Interest::Foreign | Interest::Marked | Interest::Always => {}
        }
    }

    fn lines_of(&self, block: BlockId) -> Lines {
        let block = self.model.block(block);
        let with_variables = |family| matches!(family, Family::Http | Family::Stream);
        if let Kind::Directives(context) = block.kind() {
            return if with_variables(context.family()) { Lines::Directives(context) } else { Lines::Plain };
        }
        let family = block.outwards().find_map(|outer| match outer.kind() {
            Kind::Directives(context) => Some(context.family()),
            Kind::Data | Kind::Unknown => None,
        });
        let Some(family) = family.filter(|family| with_variables(*family)) else { return Lines::Plain };
        match (block.kind(), block.head().map_or("", |head| head.name())) {
            (Kind::Data, "map") => Lines::Map(family),
            (Kind::Data, "geo" | "split_clients" | "types" | "charset_map") => Lines::Plain,
            _ => Lines::Foreign(family),
        }
    }
}

/// Whether a directive of [`READ_WHERE_IN_FORCE`] comes into force anywhere.
fn is_in_force(directive: Directive<'_>, context: Context) -> bool {
    let name = directive.name();
    let server = match context {
        Context::Http => Context::Server,
        Context::Stream => Context::StreamServer,
        // Older releases look at certificates of stream only where TLS is spoken.
        Context::StreamServer => return !name.starts_with("ssl_") || speaks_tls(directive.parent()),
        _ => return true,
    };
    let servers = directive.parent().directives("server").filter_map(Directive::block);
    let mut servers = servers.filter(|block| block.is(server));
    servers.any(|block| {
        let inherits = !block.is_unseen() && block.directive(name).is_none();
        inherits && (context == Context::Http || !name.starts_with("ssl_") || speaks_tls(block))
    })
}

fn speaks_tls(server: Block<'_>) -> bool {
    server.directives("listen").any(|listen| listen.has_flag("ssl"))
}

/// Takes in what was read.
fn take(found: &mut Mentions, directive: Directive<'_>, family: Family, piece: Piece) {
    let (node, word) = (directive.id(), piece.word as u16);
    let text = directive.word(piece.word).and_then(|text| text.get(piece.range.clone())).unwrap_or_default();
    let (start, end) = (piece.range.start as u32, piece.range.end as u32);
    let whole = Named { node, family, word, start, end, braces: false };
    let wrong = |start: usize, end: usize, why| Wrong { node, word, start: start as u32, end: end as u32, why };
    match piece.part {
        Part::Template | Part::FileName => {
            let terminated = piece.part == Part::FileName || directive.name().ends_with("_store");
            take_template(found, whole, text, Scanner::Script, terminated);
        }
        Part::LogFormat => take_template(found, whole, text, Scanner::Log, false),
        Part::Variable | Part::Definition if !text.starts_with('$') => {
            if !has_placeholder(text) {
                found.wrong.push(wrong(piece.range.start, piece.range.end, WhyNot::NoDollar));
            }
        }
        Part::Variable | Part::Definition if text == "$" => {
            found.wrong.push(wrong(piece.range.start, piece.range.end, WhyNot::OnlyDollar));
        }
        Part::Variable => found.reads.push(whole),
        Part::Definition => found.definitions.push(whole),
        Part::Pattern { .. } | Part::PlainPattern { .. } if has_placeholder(text) => {}
        Part::Pattern { caseless } => {
            found.patterns.push(FoundPattern { node, family, word, start, end, caseless, defines: true });
        }
        Part::PlainPattern { caseless } => {
            found.patterns.push(FoundPattern { node, family, word, start, end, caseless, defines: false });
        }
        Part::Foreign => {
            for dollar in text.match_indices('$').map(|(dollar, _)| dollar) {
                let behind = text[dollar + 1..].trim_start_matches('{');
                let name = behind.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
                found.foreign.insert((family, name.to_ascii_lowercase()));
            }
        }
        Part::Implied(name) => found.implied.push((node, family, name)),
        Part::OwnRoot(name) => {
            let start = text.find(name).unwrap_or_default();
            let range = start.saturating_sub(1)..start + name.len();
            found.wrong.push(wrong(range.start, range.end, WhyNot::OwnRoot(name)));
        }
    }
}

/// `terminated`: nginx reads the zero behind the text as part of it.
fn take_template(found: &mut Mentions, whole: Named, text: &str, scanner: Scanner, terminated: bool) {
    for mention in mentions(text, scanner) {
        match mention {
            Ok((range, name)) => {
                let braces = range.len() == name.len() + 3;
                let (start, end) = (whole.start + range.start as u32, whole.start + range.end as u32);
                found.reads.push(Named { start, end, braces, ..whole.clone() });
            }
            // What is filled in may make a name of it.
            Err(_) if has_placeholder(text) => {}
            Err((at, problem)) => {
                let (length, why) = match (problem, scanner) {
                    (NoVariable::Nameless, Scanner::Script) if terminated && text.ends_with("${") => {
                        (2, WhyNot::Unclosed)
                    }
                    (NoVariable::Unclosed(name), _) => (2 + name.len(), WhyNot::Unclosed),
                    (NoVariable::Nameless, Scanner::Script) => (nameless_length(&text[at..]), WhyNot::Nameless),
                    (NoVariable::Nameless, Scanner::Log) => (nameless_length(&text[at..]), WhyNot::NamelessInLog),
                };
                let start = whole.start + at as u32;
                let end = start + length as u32;
                found.wrong.push(Wrong { node: whole.node, word: whole.word, start, end, why });
            }
        }
    }
}

/// How much of a text that begins with a `$` without a name to point at.
fn nameless_length(text: &str) -> usize {
    1 + text[1..].chars().next().map_or(0, char::len_utf8)
}
