//! One pass over the tree: the block of every directive, and for every block
//! its directives by name.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::catalog::{self, Body, Context, Family};
use crate::source::FileId;
use crate::syntax::{Ending, ParsedFile, StatementId};
use crate::tree::{NodeId, Tree};

use super::{BlockData, BlockId, Kind, Model, NO_NAME, Profile};

pub(super) fn build<'t>(tree: &'t Tree, outermost: Context, mut profile: Profile) -> Model<'t> {
    if let Some(modules) = &mut profile.modules {
        modules.extend(loaded_modules(tree));
    }
    let mut builder = Builder {
        tree,
        names_in_files: tree.files.par_iter().with_min_len(64).map(name_indices).collect(),
        names: Vec::with_capacity(tree.nodes.len()),
        block_of: Vec::with_capacity(tree.nodes.len()),
        blocks: Vec::new(),
        open: Vec::new(),
        broken: tree.files.iter().map(|file| file.syntax.problem_count > 0).collect(),
    };
    builder.open_outermost(outermost);
    builder.read_nodes();
    let by_name = builder.directives_by_name();
    let occurring = occurring_names(&builder.names);
    let Builder { names, block_of, blocks, .. } = builder;
    Model {
        tree,
        profile,
        names,
        block_of,
        blocks,
        by_name,
        occurring,
        name_order: OnceLock::new(),
        whole: OnceLock::new(),
        misfits: OnceLock::new(),
        upstreams: OnceLock::new(),
        targets: OnceLock::new(),
        included_once: OnceLock::new(),
        target_index: OnceLock::new(),
        endpoints: OnceLock::new(),
        evidence_index: OnceLock::new(),
        kept: OnceLock::new(),
        fixed_targets: OnceLock::new(),
        variables: OnceLock::new(),
        mentions: OnceLock::new(),
        route_variables: OnceLock::new(),
        log_formats: OnceLock::new(),
        compiled_patterns: OnceLock::new(),
        zones: OnceLock::new(),
        zone_names: OnceLock::new(),
        mistyped: OnceLock::new(),
        listeners: Default::default(),
    }
}

/// The modules that `load_module` brings, by the names of their files.
fn loaded_modules(tree: &Tree) -> impl Iterator<Item = String> {
    let loads = tree.node_ids().filter(|id| tree.name(*id) == "load_module");
    loads.filter_map(|id| {
        let path = tree.file(tree.node(id).file).value(tree.words(id).get(1)?);
        let name = path.rsplit('/').next()?;
        Some(name.strip_suffix(".so").unwrap_or(name).to_owned())
    })
}

fn occurring_names(names: &[u16]) -> Vec<bool> {
    let mut occurring = vec![false; catalog::name_count()];
    for name in names.iter().filter(|name| **name != NO_NAME) {
        occurring[usize::from(*name)] = true;
    }
    occurring
}

fn name_indices(file: &ParsedFile) -> Vec<u16> {
    let statements = 0..file.syntax.statements.len() as StatementId;
    statements.map(|id| catalog::name_index(file.name(id)).unwrap_or(NO_NAME)).collect()
}

struct Builder<'t> {
    tree: &'t Tree,
    /// For each file and each of its statements, the catalog's index.
    names_in_files: Vec<Vec<u16>>,
    names: Vec<u16>,
    block_of: Vec<BlockId>,
    blocks: Vec<BlockData>,
    /// Open blocks with the node behind each.
    open: Vec<(NodeId, BlockId)>,
    /// Which files have syntax problems.
    broken: Vec<bool>,
}

impl Builder<'_> {
    /// The blocks around a fragment are there without being seen.
    fn open_outermost(&mut self, outermost: Context) {
        let chain = surrounding(outermost);
        let unseen = chain.len() > 1;
        for context in chain {
            let parent = self.open.last().map(|(_, block)| *block);
            let id = self.add(Kind::Directives(context), NodeId::NONE, parent);
            self.blocks[id.0 as usize].unseen = unseen;
            self.open.push((NodeId::NONE, id));
        }
    }

    fn add(&mut self, kind: Kind, node: NodeId, parent: Option<BlockId>) -> BlockId {
        let id = BlockId(self.blocks.len() as u32);
        self.blocks.push(BlockData { kind, node, parent, unseen: false, packaged: 0, first: 0, count: 0 });
        id
    }

    fn read_nodes(&mut self) {
        let tree = self.tree;
        let include = catalog::name_index("include").unwrap_or(NO_NAME);
        for id in tree.node_ids() {
            while self.open.pop_if(|(behind, _)| *behind <= id).is_some() {}
            let block = self.open.last().map_or(BlockId(0), |(_, block)| *block);
            let kind = self.blocks[block.0 as usize].kind;
            let node = tree.node(id);
            let name = match kind {
                Kind::Directives(_) => self.names_in_files[node.file.index()][node.statement as usize],
                // The one directive that stands among lines of data.
                Kind::Data if tree.include_of(id).is_some() => include,
                Kind::Data | Kind::Unknown => NO_NAME,
            };
            self.names.push(name);
            self.block_of.push(block);
            self.note_what_is_unseen(id, block, name == include);
            let statement = tree.statement(id);
            if statement.ending == Ending::Block {
                let inner = self.add(kind_inside(kind, name), id, Some(block));
                self.blocks[inner.0 as usize].unseen = self.is_broken(tree.node(id).file);
                self.open.push((tree.node(id).next, inner));
            }
        }
        self.note_cut_includes();
    }

    fn note_what_is_unseen(&mut self, id: NodeId, block: BlockId, is_include: bool) {
        let node = self.tree.node(id);
        let broken = self.is_broken(node.file);
        let block = &mut self.blocks[block.0 as usize];
        block.unseen |= broken;
        if !is_include {
            return;
        }
        let Some(include) = self.tree.include_of(id) else { return };
        block.unseen |= include.unseen || !include.missing.is_empty() || !include.directories.is_empty();
        block.packaged |= include.packaged.map_or(0, |index| 1 << index);
    }

    fn is_broken(&self, file: FileId) -> bool {
        self.broken[file.index()]
    }

    fn note_cut_includes(&mut self) {
        let cycles = self.tree.cycles.iter().map(|cycle| cycle.include);
        for include in cycles.chain(self.tree.cut.iter().copied()) {
            let block = self.block_of[include.index()];
            self.blocks[block.0 as usize].unseen = true;
        }
    }

    /// Sorts the directives by block, then by name, then by place.
    fn directives_by_name(&mut self) -> Vec<(u16, NodeId)> {
        for block in &self.block_of {
            self.blocks[block.0 as usize].count += 1;
        }
        let mut first = 0;
        for block in &mut self.blocks {
            block.first = first;
            first += block.count;
        }
        let mut by_name = vec![(NO_NAME, NodeId::NONE); self.block_of.len()];
        let mut next: Vec<u32> = self.blocks.iter().map(|block| block.first).collect();
        for (index, block) in self.block_of.iter().enumerate() {
            let slot = &mut next[block.0 as usize];
            by_name[*slot as usize] = (self.names[index], NodeId(index as u32));
            *slot += 1;
        }
        for block in &self.blocks {
            let range = block.first as usize..(block.first + block.count) as usize;
            by_name[range].sort_unstable();
        }
        by_name
    }
}

/// The contexts around a fragment of this context, the outermost first.
fn surrounding(context: Context) -> Vec<Context> {
    use Context::*;
    match context {
        Server | Upstream => vec![Main, Http, context],
        Location | IfInServer => vec![Main, Http, Server, context],
        IfInLocation | LimitExcept => vec![Main, Http, Server, Location, context],
        StreamServer | StreamUpstream => vec![Main, Stream, context],
        MailServer => vec![Main, Mail, context],
        Main => vec![Main],
        Http | Events | Stream | Mail | Foreign => vec![Main, context],
    }
}

/// What the block of a directive holds. A directive that is not allowed where
/// it stands is taken to mean what it means elsewhere, so that one misplaced
/// brace does not make all that follows unknown.
fn kind_inside(outer: Kind, name: u16) -> Kind {
    let Kind::Directives(context) = outer else { return Kind::Unknown };
    if name == NO_NAME {
        return Kind::Unknown;
    }
    let blocks = catalog::directives_of(name).iter().filter(|directive| directive.is_block());
    let here = blocks.clone().find(|directive| directive.contexts.contains(context));
    let same_family = |directive: &&catalog::Directive| {
        context.family() == Family::Core || directive.contexts.iter().any(|other| other.family() == context.family())
    };
    let Some(directive) = here.or_else(|| blocks.clone().find(same_family)).or_else(|| blocks.clone().next()) else {
        return Kind::Unknown;
    };
    match directive.opens(context) {
        Some(inner) => Kind::Directives(inner),
        None if directive.body == Body::Data => Kind::Data,
        None => Kind::Unknown,
    }
}
