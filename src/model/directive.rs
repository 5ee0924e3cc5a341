//! Handles to directives and blocks, as rules see them.

use std::ops::Range;

use crate::catalog::{self, Context, Family};
use crate::source::{FileId, Location, Span};
use crate::syntax::{Ending, StatementId, Word};
use crate::tree::{Include, InclusionId, NodeId, PACKAGED, Packaged};

use super::{BlockData, BlockId, Kind, Model, NO_NAME};

/// A place in a file, and how the file came in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// File and span.
    pub location: Location,
    /// The chain of includes.
    pub inclusion: InclusionId,
}

/// A directive at one place of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Directive<'m> {
    model: &'m Model<'m>,
    id: NodeId,
}

impl PartialEq for Directive<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<'m> Directive<'m> {
    pub(super) fn new(model: &'m Model<'m>, id: NodeId) -> Directive<'m> {
        Directive { model, id }
    }

    /// Whether both have the same name and the catalog knows it.
    pub fn is_same_name(self, other: Directive<'_>) -> bool {
        let name = self.model.names[self.id.index()];
        name != NO_NAME && name == other.model.names[other.id.index()]
    }

    /// Its index in the order of the configuration.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The model it belongs to.
    pub fn model(self) -> &'m Model<'m> {
        self.model
    }

    /// Its name.
    pub fn name(self) -> &'m str {
        // The text of a name that the catalog knows need not be fetched.
        match self.model.name_index(self.id) {
            Some(index) => catalog::name_of(index),
            None => self.model.tree.name(self.id),
        }
    }

    /// Whether its name is one of these, by the catalog's indices.
    pub(super) fn is_named_among(self, names: &[bool]) -> bool {
        self.model.name_index(self.id).is_some_and(|name| names[usize::from(name)])
    }

    /// How many arguments it has.
    pub fn argument_count(self) -> usize {
        self.words().len() - 1
    }

    /// Whether its words stand on more than one line.
    pub fn goes_on_in_another_line(self) -> bool {
        let words = self.words();
        let source = self.model.source(self.file());
        source.line(words[0].span.start) != source.line(words[words.len() - 1].span.start)
    }

    /// An argument, counted from 0.
    pub fn argument(self, index: usize) -> Option<&'m str> {
        let word = self.words().get(index + 1)?;
        Some(self.value(word))
    }

    /// A word; 0 is the name.
    pub fn word(self, index: usize) -> Option<&'m str> {
        self.words().get(index).map(|word| self.value(word))
    }

    /// All arguments.
    pub fn arguments(self) -> impl Iterator<Item = &'m str> {
        self.words()[1..].iter().map(move |word| self.value(word))
    }

    /// Index and text behind `=` of the argument that begins with `name=`.
    pub fn parameter(self, name: &str) -> Option<(usize, &'m str)> {
        self.arguments().enumerate().find_map(|(index, argument)| {
            let value = argument.strip_prefix(name)?.strip_prefix('=')?;
            Some((index, value))
        })
    }

    /// Whether one of the arguments is exactly this word.
    pub fn has_flag(self, word: &str) -> bool {
        self.arguments().any(|argument| argument == word)
    }

    /// How the statement ends.
    pub fn ending(self) -> Ending {
        self.model.tree.statement(self.id).ending
    }

    /// Whether it opens a block in the text.
    pub fn has_block(self) -> bool {
        self.ending() == Ending::Block
    }

    /// The block it opens.
    pub fn block(self) -> Option<Block<'m>> {
        let found = self.model.blocks.binary_search_by(|block| order(block, self.id)).ok()?;
        Some(Block::new(self.model, BlockId(found as u32)))
    }

    /// The block it stands in.
    pub fn parent(self) -> Block<'m> {
        Block::new(self.model, self.model.block_of[self.id.index()])
    }

    /// What the catalog says of it where it stands.
    pub fn definition(self) -> Option<&'static catalog::Directive> {
        let name = self.model.names[self.id.index()];
        let Kind::Directives(context) = self.parent().kind() else { return None };
        if name == NO_NAME {
            return None;
        }
        catalog::directives_of(name).iter().find(|directive| directive.contexts.contains(context))
    }

    /// All that the catalog says of it where it stands, as far as the nginx
    /// that is meant can have it: several modules may share a name.
    pub fn definitions(self) -> impl Iterator<Item = &'static catalog::Directive> + use<'m> {
        let name = self.model.names[self.id.index()];
        let known = if name == NO_NAME { &[][..] } else { catalog::directives_of(name) };
        let kind = self.parent().kind();
        let model = self.model;
        known.iter().filter(move |directive| match kind {
            Kind::Directives(context) => directive.contexts.contains(context) && model.profile.has(directive),
            Kind::Data | Kind::Unknown => false,
        })
    }

    /// The family in which [`Directive::taken_as`] finds it.
    pub fn taken_in(self) -> Option<Family> {
        self.taken_as().map(|definition| definition.module.family)
    }

    /// Whether it may stand where it stands and has as many arguments as it
    /// takes: only then does nginx look at what they say.
    pub fn is_read(self) -> bool {
        self.taken_as().is_some()
    }

    /// What it includes; none for every directive but `include`.
    pub fn include(self) -> Option<&'m Include> {
        self.model.tree.include_of(self.id)
    }

    /// The file it stands in.
    pub fn file(self) -> FileId {
        self.model.tree.node(self.id).file
    }

    /// From its name to its last argument.
    pub fn place(self) -> Place {
        let words = self.words();
        self.at(words[0].span.to(words[words.len() - 1].span))
    }

    /// Its name.
    pub fn place_of_name(self) -> Place {
        self.at(self.words()[0].span)
    }

    /// An argument as written, quotes included; the whole directive when it
    /// has no such argument.
    pub fn place_of_argument(self, index: usize) -> Place {
        self.words().get(index + 1).map_or_else(|| self.place(), |word| self.at(word.span))
    }

    /// A word as nginx prints it, up to the first NUL byte; 0 is its name.
    pub fn until_nul(self, word: usize) -> &'m str {
        let text = self.word(word).unwrap_or_default();
        let source = self.model.source(self.file());
        let bytes = self.words().get(word).and_then(|word| source.bytes().get(word.span.range()));
        match bytes.and_then(|bytes| bytes.iter().position(|byte| *byte == 0)).filter(|_| !source.is_faithful()) {
            Some(end) => text.get(..end).unwrap_or(text),
            None => text,
        }
    }

    /// Whether an argument holds a NUL byte: some readers of nginx take what
    /// stands in front of it for the whole.
    pub fn has_nul(self, index: usize) -> bool {
        let Some(word) = self.words().get(index + 1) else { return false };
        let source = self.model.source(self.file());
        !source.is_faithful() && source.bytes().get(word.span.range()).is_some_and(|bytes| bytes.contains(&0))
    }

    /// Several arguments; the whole directive when it has none of them.
    pub fn place_of_arguments(self, indices: Range<usize>) -> Place {
        let words = self.words();
        match words.get(indices.start + 1..indices.end + 1) {
            Some([first, .., last]) => self.at(first.span.to(last.span)),
            Some([only]) => self.at(only.span),
            _ => self.place(),
        }
    }

    /// A place in the file it stands in, reached as it was itself.
    pub fn place_at(self, location: Location) -> Place {
        self.at(location.span)
    }

    /// Its statement in the file it stands in.
    pub fn statement(self) -> StatementId {
        self.model.tree.node(self.id).statement
    }

    /// Part of an argument, in bytes of its value; the whole argument where
    /// the value is not written as it is.
    pub fn place_in_argument(self, index: usize, part: Range<usize>) -> Place {
        self.place_in_word(index + 1, part)
    }

    /// The same for a word; 0 is the name.
    pub fn place_in_word(self, index: usize, part: Range<usize>) -> Place {
        match self.words().get(index) {
            Some(word) if word.is_as_written() && part.end <= word.inner().len() => {
                let start = word.inner().start;
                self.at(Span { start: start + part.start as u32, end: start + part.end as u32 })
            }
            Some(word) => self.at(word.span),
            None => self.place(),
        }
    }

    /// The argument without quotes, if it is written as it is; for edits.
    pub fn editable_argument(self, index: usize) -> Option<Location> {
        let word = self.words().get(index + 1)?;
        word.is_as_written().then(|| self.model.tree.location(self.id, word.inner()))
    }

    /// The whole statement, with its `;` or block.
    pub fn whole(self) -> Location {
        let node = self.model.tree.node(self.id);
        let span = self.model.tree.file(node.file).whole_span(node.statement);
        self.model.tree.location(self.id, span)
    }

    /// The `;` or `{` that ends it: nginx names the line of this byte.
    pub fn terminator(self) -> Location {
        let start = self.model.tree.statement(self.id).terminator;
        self.model.tree.location(self.id, Span { start, end: start + 1 })
    }

    /// The `}` at the end of its block, or its `;`: nginx names the line of
    /// the former with whatever it checks once a block is complete.
    pub fn last_byte(self) -> Location {
        let Location { file, span } = self.whole();
        Location { file, span: Span { start: span.end.saturating_sub(1).max(span.start), end: span.end } }
    }

    /// Whether a placeholder such as `${PORT}` in an argument will be filled
    /// in before nginx sees the file: its value is then not known.
    pub fn is_template(self, index: usize) -> bool {
        self.argument(index).is_some_and(has_placeholder)
    }

    /// The blanks before the directive on its line, for edits that add a line.
    pub fn indentation(self) -> &'m str {
        let source = self.model.source(self.file());
        let line = source.line_span(source.line(self.words()[0].span.start));
        let text = source.slice(line);
        &text[..text.len() - text.trim_start().len()]
    }

    fn at(self, span: Span) -> Place {
        let node = self.model.tree.node(self.id);
        Place { location: self.model.tree.location(self.id, span), inclusion: node.inclusion }
    }

    /// Its words, the name first.
    pub fn words(self) -> &'m [Word] {
        self.model.tree.words(self.id)
    }

    fn value(self, word: &Word) -> &'m str {
        self.model.tree.file(self.file()).value(word)
    }
}

/// Whether a text has a placeholder such as `${PORT}` or `${PORT:-80}` that a
/// tool fills in before nginx sees the file. Its name is in capital letters.
pub fn has_placeholder(text: &str) -> bool {
    let is_placeholder = |name: &str| {
        name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
            && name.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    // Most texts have no brace, and looking for one byte is cheap.
    text.contains('{')
        && text.split("${").skip(1).any(|rest| rest.split(['}', ':', '-']).next().is_some_and(is_placeholder))
}

fn order(block: &BlockData, node: NodeId) -> std::cmp::Ordering {
    // The blocks around a fragment have no directive and come first.
    if block.node == NodeId::NONE { std::cmp::Ordering::Less } else { block.node.cmp(&node) }
}

/// A block of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Block<'m> {
    model: &'m Model<'m>,
    id: BlockId,
}

impl PartialEq for Block<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<'m> Block<'m> {
    pub(super) fn new(model: &'m Model<'m>, id: BlockId) -> Block<'m> {
        Block { model, id }
    }

    /// Its index.
    pub fn id(self) -> BlockId {
        self.id
    }

    /// The model it belongs to.
    pub fn model(self) -> &'m Model<'m> {
        self.model
    }

    /// What it holds.
    pub fn kind(self) -> Kind {
        self.data().kind
    }

    /// Whether it holds the directives of this context.
    pub fn is(self, context: Context) -> bool {
        self.kind() == Kind::Directives(context)
    }

    /// The directive that opens it; none for the outermost ones.
    pub fn head(self) -> Option<Directive<'m>> {
        let node = self.data().node;
        (node != NodeId::NONE).then(|| Directive::new(self.model, node))
    }

    /// The block around it.
    pub fn parent(self) -> Option<Block<'m>> {
        self.data().parent.map(|id| Block::new(self.model, id))
    }

    /// This block, the one around it, and so on outwards.
    pub fn outwards(self) -> impl Iterator<Item = Block<'m>> {
        std::iter::successors(Some(self), |block| block.parent())
    }

    /// The `}` of the `http {}`, `stream {}` or `mail {}` around it, or its own:
    /// nginx names its line with whatever it checks once that block is complete.
    pub fn end_of_family(self) -> Option<Location> {
        let is_outermost = |block: &Block<'_>| {
            matches!(block.kind(), Kind::Directives(Context::Http | Context::Stream | Context::Mail))
        };
        let outermost = self.outwards().find(is_outermost)?;
        outermost.head().map(|head| head.last_byte())
    }

    /// Whether something in it was out of sight or broken, so that what is not
    /// found in it may still be there.
    pub fn is_unseen(self) -> bool {
        self.data().unseen
    }

    /// Whether directives of this name may stand in it without having been
    /// found: as for [`Block::is_unseen`], and when a file of the nginx package
    /// that has such directives is included and was not at hand.
    pub fn is_unseen_for(self, name: &str) -> bool {
        let data = self.data();
        let brings =
            |(index, file): (usize, &Packaged)| data.packaged & 1 << index != 0 && file.directives.contains(&name);
        data.unseen || (data.packaged != 0 && PACKAGED.iter().enumerate().any(brings))
    }

    /// The files of the nginx package that it includes and that were not at
    /// hand: their names below the directory of the main file.
    pub fn packaged_files(self) -> impl Iterator<Item = &'static str> {
        let bits = self.data().packaged;
        let included = PACKAGED.iter().enumerate().filter(move |(index, _)| bits & 1 << index != 0);
        included.map(|(_, file)| file.name)
    }

    /// The directives of this name right in it, in order.
    pub fn directives(self, name: &str) -> impl DoubleEndedIterator<Item = Directive<'m>> + use<'m> {
        let model = self.model;
        self.named(name).iter().map(move |(_, node)| Directive::new(model, *node))
    }

    /// The last directive of this name right in it.
    pub fn directive(self, name: &str) -> Option<Directive<'m>> {
        self.directives(name).next_back()
    }

    /// Everything right in it, those of one name together.
    pub fn directives_by_name(self) -> impl Iterator<Item = Directive<'m>> {
        self.entries().iter().map(move |(_, node)| Directive::new(self.model, *node))
    }

    /// Everything right in it, in order, includes replaced by what they hold.
    pub fn statements(self) -> Vec<Directive<'m>> {
        let mut nodes: Vec<NodeId> = self.entries().iter().map(|(_, node)| *node).collect();
        nodes.sort_unstable();
        nodes.into_iter().map(|node| Directive::new(self.model, node)).collect()
    }

    /// The last directive in it that stands in the same file as its head, for
    /// edits that add a line.
    pub fn last_in_its_file(self) -> Option<Directive<'m>> {
        let file = self.head()?.file();
        self.statements().into_iter().rev().find(|directive| directive.file() == file)
    }

    /// The lines of a block of data, in order, without its includes. Those of
    /// a file with syntax errors are left out: where one ends is not known.
    pub fn lines(self) -> Vec<Directive<'m>> {
        let mut lines = self.statements();
        let is_whole = |line: &Directive<'m>| self.model.tree.file(line.file()).syntax.problem_count == 0;
        lines.retain(|line| line.ending() == Ending::Semicolon && line.include().is_none() && is_whole(line));
        lines
    }

    fn named(self, name: &str) -> &'m [(u16, NodeId)] {
        catalog::name_index(name).map_or(&[], |index| self.of_index(index))
    }

    /// The last directive right in it whose name has this index.
    pub(super) fn directive_of_index(self, index: u16) -> Option<Directive<'m>> {
        self.of_index(index).last().map(|(_, node)| Directive::new(self.model, *node))
    }

    fn of_index(self, index: u16) -> &'m [(u16, NodeId)] {
        // Most names that are asked for stand nowhere in a configuration.
        if !self.model.occurring[usize::from(index)] {
            return &[];
        }
        let entries = self.entries();
        let start = entries.partition_point(|(name, _)| *name < index);
        let count = entries[start..].partition_point(|(name, _)| *name == index);
        &entries[start..start + count]
    }

    fn entries(self) -> &'m [(u16, NodeId)] {
        let data = self.data();
        &self.model.by_name[data.first as usize..(data.first + data.count) as usize]
    }

    fn data(self) -> &'m BlockData {
        &self.model.blocks[self.id.0 as usize]
    }
}
