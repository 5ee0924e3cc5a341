//! Which module takes a directive: the checks of `ngx_conf_handler`, in its
//! order, before any value is looked at.

use crate::catalog::{self, Context, Contexts, Form, Version};
use crate::source::{FileId, Span};
use crate::syntax::{Ending, ParsedFile, Quote, StatementId};
use crate::tree::NodeId;

use super::parallel::map_pieces;
use super::{Directive, Kind, Model, NO_NAME, OLDEST_RELEASE, Profile};

/// So many directives are looked at by one thread at a time.
const CHUNK: usize = 8_192;

/// Why no module takes a directive. The first reason that nginx would name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// No module has a directive of this name.
    Unknown,
    /// It stands where no module takes it.
    NotAllowedHere,
    /// It has a block and takes none.
    UnexpectedBlock,
    /// It takes a block and has none.
    MissingBlock,
    /// It has too many arguments or too few.
    ArgumentCount,
}

impl Misfit {
    /// What nginx says of a directive of this name.
    pub fn says(self, name: &str) -> String {
        match self {
            Misfit::Unknown => format!("unknown directive \"{name}\""),
            Misfit::NotAllowedHere => format!("\"{name}\" directive is not allowed here"),
            Misfit::UnexpectedBlock => format!("directive \"{name}\" is not terminated by \";\""),
            Misfit::MissingBlock => format!("directive \"{name}\" has no opening \"{{\""),
            Misfit::ArgumentCount => format!("invalid number of arguments in \"{name}\" directive"),
        }
    }
}

impl<'t> Model<'t> {
    /// The directives that no module takes, in order.
    ///
    /// What stands in a block of a module outside of nginx is not judged: such
    /// a block may have rules of its own.
    pub fn misfits(&self) -> impl Iterator<Item = (Directive<'_>, Misfit)> {
        let misfits = self.misfits.get_or_init(|| {
            let find = |range: std::ops::Range<usize>| -> Vec<(NodeId, Misfit)> {
                let ids = range.map(|index| NodeId(index as u32));
                ids.filter_map(|id| Some((id, self.misfit(id)?))).collect()
            };
            map_pieces(self.directive_count(), CHUNK, find).concat()
        });
        misfits.iter().map(|(id, misfit)| (self.directive(*id), *misfit))
    }

    /// The blocks in a file that stand among lines of data, which have none.
    pub fn blocks_in_data(&self, file: FileId) -> impl Iterator<Item = Directive<'_>> {
        let heads = self.blocks().filter_map(|block| block.head());
        heads.filter(move |head| head.file() == file && head.parent().kind() == Kind::Data)
    }

    fn misfit(&self, id: NodeId) -> Option<Misfit> {
        let block = &self.blocks[self.block_of[id.index()].0 as usize];
        let context = match block.kind {
            Kind::Directives(Context::Foreign) | Kind::Data | Kind::Unknown => return None,
            Kind::Directives(context) => context,
        };
        let name = self.names[id.index()];
        if name == NO_NAME {
            return Some(Misfit::Unknown);
        }
        let statement = self.tree.statement(id);
        let use_of_it = Use {
            context,
            has_block: match statement.ending {
                Ending::Semicolon => false,
                Ending::Block | Ending::Lua => true,
                Ending::Missing => return None,
            },
            arguments: statement.word_count as usize - 1,
        };
        find_misfit(catalog::directives_of(name), use_of_it, &self.profile)
    }
}

impl Directive<'_> {
    /// What the catalog says of it, if nginx gets as far as reading its
    /// arguments: it stands where it may, ends as it has to, and has as many
    /// arguments as it takes.
    pub fn taken_as(self) -> Option<&'static catalog::Directive> {
        let Kind::Directives(context) = self.parent().kind() else { return None };
        let has_block = match self.ending() {
            Ending::Semicolon => false,
            Ending::Block | Ending::Lua => true,
            Ending::Missing => return None,
        };
        let written = Use { context, has_block, arguments: self.argument_count() };
        let version = self.model().version();
        self.definitions().find(|definition| try_directive(definition, written, version).is_none())
    }
}

/// How a directive is written.
#[derive(Clone, Copy)]
struct Use {
    context: Context,
    has_block: bool,
    arguments: usize,
}

/// Where a way of writing a directive fails, the furthest one counting: two
/// modules may share a name, and one of them takes it.
fn find_misfit(known: &'static [catalog::Directive], written: Use, profile: &Profile) -> Option<Misfit> {
    let mut furthest = Misfit::Unknown;
    // What only blocks of modules outside of nginx take is no directive of nginx.
    let foreign = Contexts::of(&[Context::Foreign]);
    for directive in known.iter().filter(|directive| profile.has(directive) && directive.contexts != foreign) {
        let misfit = try_directive(directive, written, profile.version)?;
        if misfit as u8 > furthest as u8 {
            furthest = misfit;
        }
    }
    Some(furthest)
}

fn try_directive(directive: &catalog::Directive, written: Use, version: Option<Version>) -> Option<Misfit> {
    match version {
        Some(version) => try_form(directive, directive.form_in(version), written),
        None => {
            // What one supported release takes is not said to be wrong.
            let earlier = directive.changes.iter().filter(|change| change.before > OLDEST_RELEASE);
            let forms = earlier.map(|change| change.form).chain([directive.form()]);
            forms
                .map(|form| try_form(directive, form, written))
                .max_by_key(|misfit| misfit.map_or(u8::MAX, |it| it as u8))?
        }
    }
}

fn try_form(directive: &catalog::Directive, form: Form, written: Use) -> Option<Misfit> {
    if !form.contexts.contains(written.context) {
        Some(Misfit::NotAllowedHere)
    } else if written.has_block && !directive.is_block() {
        Some(Misfit::UnexpectedBlock)
    } else if !written.has_block && directive.is_block() {
        Some(Misfit::MissingBlock)
    } else if !form.arguments.accept(written.arguments) {
        Some(Misfit::ArgumentCount)
    } else {
        None
    }
}

/// Index of the word in a statement that should have been the name of the next
/// directive: the statement goes on over a line end where a `;` is missing.
pub fn swallowed_word(file: &ParsedFile, id: StatementId) -> Option<usize> {
    let statement = file.statement(id);
    if statement.word_count < 3 || matches!(statement.ending, Ending::Lua | Ending::Missing) {
        return None;
    }
    let head = file.head_span(id);
    if !file.source.slice(head).contains('\n') {
        return None;
    }
    let words = file.words(id);
    let name = file.value(&words[0]);
    let ends_in_block = statement.ending == Ending::Block;
    (2..words.len()).find(|index| {
        let between = Span { start: words[index - 1].span.end, end: words[*index].span.start };
        words[*index].quote == Quote::Plain
            && file.source.slice(between).contains('\n')
            && takes(name, index - 1, false)
            && takes(file.value(&words[*index]), words.len() - index - 1, ends_in_block)
            && !takes(name, words.len() - 1, ends_in_block)
    })
}

/// Whether some directive of this name takes so many arguments, with or
/// without a block.
fn takes(name: &str, arguments: usize, block: bool) -> bool {
    catalog::find(name).iter().any(|directive| directive.is_block() == block && directive.arguments.accept(arguments))
}
