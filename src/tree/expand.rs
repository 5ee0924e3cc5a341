//! The files and their includes to one sequence of statements.

use rustc_hash::FxHashSet;

use crate::source::FileId;
use crate::syntax::StatementId;

use super::{Cycle, Inclusion, InclusionId, Node, NodeId, Tree};

/// So many statements of files that were already taken in once are taken in
/// again; a few files can otherwise grow without bound by including each
/// other. Ten thousand virtual hosts with five snippets each need about that.
pub const MOST_REPEATED: usize = 1_000_000;

/// A file that is being taken in.
struct Frame {
    file: FileId,
    inclusion: InclusionId,
    /// The next statement of the file.
    cursor: StatementId,
    /// The next of its includes, in [`Tree::includes`].
    next_include: usize,
    /// What its top-level statements are in.
    parent: NodeId,
    /// Open blocks and includes, with the statement that comes behind them.
    open: Vec<(StatementId, NodeId)>,
}

/// Fills in nodes, inclusions and cycles of a tree whose files are loaded.
pub(super) fn expand(tree: &mut Tree) {
    let mut expansion = Expansion {
        tree,
        nodes: Vec::new(),
        inclusions: vec![Inclusion { parent: InclusionId::ENTRY, include: NodeId::NONE, file: FileId(0) }],
        cycles: Vec::new(),
        cut: Vec::new(),
        said: FxHashSet::default(),
        taken: vec![false; tree.files.len()],
        being_included: vec![false; tree.files.len()],
        repeated: 0,
        frames: Vec::new(),
    };
    expansion.run();
    let Expansion { nodes, inclusions, cycles, cut, .. } = expansion;
    tree.nodes = nodes;
    tree.inclusions = inclusions;
    tree.cycles = cycles;
    tree.cut = cut;
}

struct Expansion<'a> {
    tree: &'a Tree,
    nodes: Vec<Node>,
    inclusions: Vec<Inclusion>,
    cycles: Vec<Cycle>,
    cut: Vec<NodeId>,
    /// Includes that were said to lead back, or to be cut, already.
    said: FxHashSet<(FileId, StatementId, Option<FileId>)>,
    /// Which files were taken in already.
    taken: Vec<bool>,
    /// Which files are being taken in.
    being_included: Vec<bool>,
    repeated: usize,
    frames: Vec<Frame>,
}

impl Expansion<'_> {
    fn run(&mut self) {
        let statements = self.tree.files.iter().map(|file| file.syntax.statements.len()).sum();
        self.nodes.reserve(statements);
        self.taken[0] = true;
        self.frames.push(self.frame(FileId(0), InclusionId::ENTRY, NodeId::NONE));
        while let Some(frame) = self.frames.pop() {
            self.advance(frame);
        }
    }

    /// Takes statements of a file up to its end or its next include.
    fn advance(&mut self, mut frame: Frame) {
        let tree = self.tree;
        let statements = &tree.file(frame.file).syntax.statements;
        self.being_included[frame.file.index()] = true;
        loop {
            let behind = self.nodes.len() as u32;
            while let Some((_, node)) = frame.open.pop_if(|(next, _)| *next <= frame.cursor) {
                self.nodes[node.index()].next = NodeId(behind);
            }
            let Some(statement) = statements.get(frame.cursor as usize) else {
                self.being_included[frame.file.index()] = false;
                return;
            };
            let node = self.push(&frame);
            let id = frame.cursor;
            frame.cursor += 1;
            if statement.next > frame.cursor {
                frame.open.push((statement.next, node));
            }
            let included = self.included(&mut frame, id, node);
            if !included.is_empty() {
                frame.open.push((frame.cursor, node));
                self.frames.push(frame);
                self.frames.extend(included.into_iter().rev());
                return;
            }
        }
    }

    fn push(&mut self, frame: &Frame) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let parent = frame.open.last().map_or(frame.parent, |(_, node)| *node);
        self.nodes.push(Node {
            file: frame.file,
            statement: frame.cursor,
            parent,
            next: NodeId(id.0 + 1),
            inclusion: frame.inclusion,
        });
        id
    }

    /// The files to take in, if the statement is an include.
    fn included(&mut self, frame: &mut Frame, statement: StatementId, node: NodeId) -> Vec<Frame> {
        let tree = self.tree;
        let next = tree.includes.get(frame.next_include);
        let Some(include) = next.filter(|next| next.file == frame.file && next.statement == statement) else {
            return Vec::new();
        };
        frame.next_include += 1;
        include.files.iter().filter_map(|file| self.take_in(*file, frame.inclusion, node)).collect()
    }

    fn take_in(&mut self, file: FileId, parent: InclusionId, include: NodeId) -> Option<Frame> {
        if self.being_included[file.index()] {
            if self.say_once(include, Some(file)) {
                self.cycles.push(Cycle { include, file });
            }
            return None;
        }
        if std::mem::replace(&mut self.taken[file.index()], true) {
            self.repeated += 1 + self.tree.file(file).syntax.statements.len();
            if self.repeated > MOST_REPEATED {
                if self.say_once(include, None) {
                    self.cut.push(include);
                }
                return None;
            }
        }
        let inclusion = InclusionId(self.inclusions.len() as u32);
        self.inclusions.push(Inclusion { parent, include, file });
        Some(self.frame(file, inclusion, include))
    }

    fn frame(&self, file: FileId, inclusion: InclusionId, parent: NodeId) -> Frame {
        let next_include = self.tree.includes.partition_point(|include| include.file < file);
        Frame { file, inclusion, cursor: 0, next_include, parent, open: Vec::new() }
    }

    /// Whether this is new: a file that is taken in a thousand times has the
    /// same to say a thousand times.
    fn say_once(&mut self, include: NodeId, file: Option<FileId>) -> bool {
        let node = &self.nodes[include.index()];
        self.said.insert((node.file, node.statement, file))
    }
}
