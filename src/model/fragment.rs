//! Where a file belongs that is not a whole configuration: what it says
//! itself, or else the narrowest context that all its statements fit.

use crate::catalog::{self, Context};
use crate::source::Span;
use crate::syntax::{Ending, NO_STATEMENT, ParsedFile, StatementId};

/// The narrower first.
const CANDIDATES: [Context; 11] = [
    Context::Location,
    Context::Server,
    Context::Http,
    Context::Upstream,
    Context::StreamServer,
    Context::Stream,
    Context::StreamUpstream,
    Context::MailServer,
    Context::Mail,
    Context::Events,
    Context::Main,
];

/// These blocks stand in nothing.
const WHOLE: [&str; 4] = ["events", "http", "stream", "mail"];

/// So many statements are enough to tell.
const ENOUGH: usize = 2_000;

const MARK: &str = "nginx-lint: context ";

/// A `# nginx-lint: context …` that names no context.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown context \"{name}\" in \"# nginx-lint: context\"; it can be one of {}", names())]
pub struct UnknownContext {
    /// What it says.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// The context a file says it belongs to, in a comment such as
/// `# nginx-lint: context http`.
pub fn marked_context(file: &ParsedFile) -> Option<Result<Context, UnknownContext>> {
    file.syntax.comments.iter().find_map(|comment| {
        let text = file.source.slice(*comment).trim_start_matches('#').trim();
        let name = text.strip_prefix(MARK)?.trim();
        let known = Context::ALL.into_iter().find(|context| context.name() == name);
        Some(known.ok_or_else(|| UnknownContext { name: name.to_owned(), span: *comment }))
    })
}

fn names() -> String {
    let known = Context::ALL.into_iter().filter(|context| *context != Context::Foreign);
    known.map(Context::name).collect::<Vec<_>>().join(", ")
}

/// The context that the statements of a file fit: [`Context::Main`] for a
/// whole configuration, [`Context::Foreign`] when none is known.
pub fn outermost_context(file: &ParsedFile) -> Context {
    let top_level =
        |name: &str| statements(file).any(|id| file.statement(id).parent == NO_STATEMENT && file.name(id) == name);
    if WHOLE.into_iter().any(top_level) {
        return Context::Main;
    }
    // A location can stand in another one, but is mostly meant for a server.
    let narrowest = usize::from(top_level("location"));
    let scored = CANDIDATES[narrowest..].iter().map(|context| (misfits(file, *context), *context));
    match scored.min_by_key(|(misfits, _)| *misfits) {
        Some((misfits, context)) if misfits < known_statements(file) => context,
        _ => Context::Foreign,
    }
}

/// Whether a file has any directive of nginx or a module that is known.
pub fn looks_like_nginx(file: &ParsedFile) -> bool {
    known_statements(file) > 0
}

fn known_statements(file: &ParsedFile) -> usize {
    let known = |name: &str| name != "include" && catalog::name_index(name).is_some();
    statements(file).filter(|id| known(file.name(*id))).count()
}

fn statements(file: &ParsedFile) -> impl Iterator<Item = StatementId> {
    0..file.syntax.statements.len().min(ENOUGH) as StatementId
}

/// What stands in a block.
#[derive(Clone, Copy)]
enum Inside {
    /// The directives of a context.
    Directives(Context),
    /// Data, Lua, or the block of an unknown directive: anything goes.
    Anything,
    /// A block that is not allowed where it stands: nothing in it is.
    Misfit,
}

/// How many known directives would stand where they are not allowed.
fn misfits(file: &ParsedFile, outermost: Context) -> usize {
    let mut inside: Vec<Inside> = Vec::new();
    let mut count = 0;
    for id in statements(file) {
        let statement = file.statement(id);
        let outer = match statement.parent {
            NO_STATEMENT => Inside::Directives(outermost),
            parent => inside[parent as usize],
        };
        let block = matches!(statement.ending, Ending::Block | Ending::Lua);
        let inner = fit(file.name(id), block, outer);
        count += usize::from(matches!(inner, Inside::Misfit));
        inside.push(inner);
    }
    count
}

/// What stands inside a directive, if it has a block and may stand in `outer`.
fn fit(name: &str, block: bool, outer: Inside) -> Inside {
    let known = catalog::find(name);
    match outer {
        _ if known.is_empty() => Inside::Anything,
        Inside::Anything => Inside::Anything,
        Inside::Misfit => Inside::Misfit,
        Inside::Directives(outer) => {
            let fits =
                |directive: &&catalog::Directive| directive.contexts.contains(outer) && directive.is_block() == block;
            match known.iter().find(fits) {
                Some(directive) => directive.opens(outer).map_or(Inside::Anything, Inside::Directives),
                None => Inside::Misfit,
            }
        }
    }
}
