//! The configuration as nginx sees it: one sequence of statements, every
//! `include` replaced by what it names, each statement knowing the chain of
//! includes that brought it in.
//!
//! It knows paths and statements, and the one directive that it resolves. What
//! a directive means, and whether anything is wrong, is not its business: what
//! could not be found or read is recorded as data.

mod discover;
mod dump;
mod expand;
mod files;
mod glob;
mod includes;
mod load;
mod places;

pub use discover::{Discovered, configurations_below, entries_above, is_leftover_name};
pub use dump::{Dump, split_dump};
pub use files::{Disk, Files, Memory, Overlay, ReadError};
pub use includes::{Include, Nothing};
pub use load::load;
pub use places::{PACKAGED, Packaged, Place, Places};

use std::path::PathBuf;

use crate::source::{FileId, Location, Span};
use crate::syntax::{ParsedFile, Statement, StatementId, Word};

/// Index of a statement in the expanded configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Stands for "no parent".
    pub const NONE: NodeId = NodeId(u32::MAX);

    /// The index into [`Tree::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index of one inclusion of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InclusionId(pub u32);

impl InclusionId {
    /// The inclusion of the file the configuration begins with.
    pub const ENTRY: InclusionId = InclusionId(0);
}

/// One statement at one place of the expanded configuration.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The file it stands in.
    pub file: FileId,
    /// The statement in that file.
    pub statement: StatementId,
    /// The block or `include` it is in, or [`NodeId::NONE`].
    pub parent: NodeId,
    /// The first node that is not inside this one.
    pub next: NodeId,
    /// How its file came in.
    pub inclusion: InclusionId,
}

/// One file taken in by one `include`.
#[derive(Clone, Copy, Debug)]
pub struct Inclusion {
    /// The inclusion of the file that holds the `include`.
    pub parent: InclusionId,
    /// The `include`; [`NodeId::NONE`] for the file it all begins with.
    pub include: NodeId,
    /// The file taken in.
    pub file: FileId,
}

/// A file that is part of the configuration and could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub reason: ReadError,
}

/// An `include` that leads back to a file which is being included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// The `include` that closes the cycle.
    pub include: NodeId,
    /// The file that includes itself.
    pub file: FileId,
}

/// A whole configuration.
#[derive(Debug, Default)]
pub struct Tree {
    /// The files, the one it begins with first.
    pub files: Vec<ParsedFile>,
    /// All statements in the order in which nginx reads them.
    pub nodes: Vec<Node>,
    /// All inclusions; the first is that of the entry.
    pub inclusions: Vec<Inclusion>,
    /// What every `include` statement names, in order of file and statement.
    pub includes: Vec<Include>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Includes that lead back to themselves.
    pub cycles: Vec<Cycle>,
    /// Includes that were not followed because files that include each other
    /// again and again would have grown beyond [`expand::MOST_REPEATED`]
    /// statements.
    pub cut: Vec<NodeId>,
    /// The first file is a part of a configuration whose main file is not known.
    pub is_fragment: bool,
}

impl Tree {
    /// A file by its index.
    pub fn file(&self, id: FileId) -> &ParsedFile {
        &self.files[id.index()]
    }

    /// A node by its index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The statement of a node.
    pub fn statement(&self, id: NodeId) -> &Statement {
        let node = self.node(id);
        self.file(node.file).statement(node.statement)
    }

    /// The directive's name.
    pub fn name(&self, id: NodeId) -> &str {
        let node = self.node(id);
        self.file(node.file).name(node.statement)
    }

    /// The words of a node, its name first.
    pub fn words(&self, id: NodeId) -> &[Word] {
        let node = self.node(id);
        self.file(node.file).words(node.statement)
    }

    /// A place in the file of a node.
    pub fn location(&self, id: NodeId, span: Span) -> Location {
        Location { file: self.node(id).file, span }
    }

    /// All node indices, in order.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// What an `include` statement names; none for every other statement.
    pub fn include_of(&self, id: NodeId) -> Option<&Include> {
        let node = self.node(id);
        let key = (node.file, node.statement);
        let found = self.includes.binary_search_by_key(&key, |include| (include.file, include.statement));
        found.ok().map(|index| &self.includes[index])
    }

    /// The `include` statements that brought a node's file in, the innermost
    /// first.
    pub fn included_from(&self, inclusion: InclusionId) -> impl Iterator<Item = NodeId> + '_ {
        let mut current = self.inclusions.get(inclusion.0 as usize);
        std::iter::from_fn(move || {
            let include = current.map(|inclusion| inclusion.include).filter(|node| *node != NodeId::NONE)?;
            current = current.and_then(|inclusion| self.inclusions.get(inclusion.parent.0 as usize));
            Some(include)
        })
    }
}
