//! The blocks in which a directive has a value, as a person calls them.

use std::borrow::Cow;

use crate::catalog::{self, Context, Inheritance};
use crate::model::{Block, BlockId, Directive, InForce, Kind, Model, Slot};

use super::super::input::Job;

/// So many names of a server are shown.
const NAMES: usize = 3;

/// All places of one configuration.
pub struct Places<'m> {
    /// The file the configuration begins in.
    pub entry: String,
    /// An outer one before those in it.
    all: Vec<Place<'m>>,
    /// Whether each stands in a file that was asked about.
    asked: Vec<bool>,
    chosen: Vec<bool>,
}

/// A block and what is in force in it.
pub struct Place<'m> {
    /// The block.
    pub block: Block<'m>,
    /// What counts in it.
    pub in_force: InForce<'m>,
    /// The place around it whose values it can inherit.
    pub outer: Option<usize>,
    /// Whether something else is in force than around it.
    pub differs: bool,
}

impl<'m> Places<'m> {
    /// All places; none is chosen.
    pub fn new(job: &Job, model: &'m Model<'m>, slot: &Slot) -> Places<'m> {
        let found = model.everywhere_in_force(slot);
        let position = |outer: BlockId| found.binary_search_by_key(&outer, |(block, _)| block.id()).ok();
        let outer: Vec<Option<usize>> =
            found.iter().map(|(block, _)| slot.outer(*block).and_then(|outer| position(outer.id()))).collect();
        let differs: Vec<bool> = found
            .iter()
            .zip(&outer)
            .map(|((_, own), outer)| {
                outer.is_none_or(|outer| !own.is_same(&found[outer].1) || !own.discarded.is_empty())
            })
            .collect();
        let asked = found.iter().map(|(block, _)| {
            let file = block.head().map(Directive::file);
            job.only.as_ref().is_none_or(|only| file.is_some_and(|file| only.contains(&file)))
        });
        let asked: Vec<bool> = asked.collect();
        let all: Vec<Place<'m>> = found
            .into_iter()
            .zip(outer.into_iter().zip(differs))
            .map(|((block, in_force), (outer, differs))| Place { block, in_force, outer, differs })
            .collect();
        let entry = job.tree.files.first().map(|file| file.source.to_string()).unwrap_or_default();
        Places { entry, chosen: vec![false; all.len()], all, asked }
    }

    /// Chooses the places where something changes, or all.
    pub fn select(&mut self, all: bool) {
        for index in 0..self.all.len() {
            let place = &self.all[index];
            let is_outermost = place.outer.is_none_or(|outer| !self.asked[outer]);
            let worth = if is_outermost { place.in_force != InForce::default() } else { place.differs };
            self.chosen[index] = self.asked[index] && (all || worth);
        }
    }

    /// Chooses the places that are these blocks.
    pub fn select_blocks(&mut self, blocks: &[Block<'m>]) {
        for (chosen, place) in self.chosen.iter_mut().zip(&self.all) {
            *chosen = blocks.contains(&place.block);
        }
    }

    /// The chosen places.
    pub fn chosen(&self) -> impl Iterator<Item = &Place<'m>> {
        self.all.iter().zip(&self.chosen).filter(|(_, chosen)| **chosen).map(|(place, _)| place)
    }
}

/// What the catalog says of a directive in the chosen places; all it says when
/// there is none.
pub fn records(slot: &Slot, answers: &[Places<'_>]) -> Vec<&'static catalog::Directive> {
    let mut records = Vec::new();
    for place in answers.iter().flat_map(Places::chosen) {
        let record = slot.record(place.block);
        records.extend(record.filter(|record| !records.contains(record)));
    }
    if records.is_empty() { slot.records.clone() } else { records }
}

/// How it is inherited: where it has several meanings, one that is inherited.
pub fn inheritance(records: &[&catalog::Directive]) -> Inheritance {
    let all = records.iter().map(|record| record.inheritance);
    all.max_by_key(|inheritance| *inheritance != Inheritance::NotApplicable).unwrap_or(Inheritance::Unknown)
}

/// The blocks around this one that a person would name, the outermost first.
pub fn path<'m>(block: Block<'m>) -> Vec<Block<'m>> {
    let mut path: Vec<_> = block.outwards().skip(1).filter(|block| !block.is(Context::Main)).collect();
    path.reverse();
    path
}

/// What a person calls a block.
pub fn label(block: Block<'_>) -> String {
    let Some(head) = block.head() else {
        return match block.kind() {
            Kind::Directives(Context::Main) => "outside of all blocks".to_owned(),
            Kind::Directives(context) => format!("{context} (not seen)"),
            Kind::Data | Kind::Unknown => "a block".to_owned(),
        };
    };
    match block.kind() {
        Kind::Directives(Context::Server | Context::StreamServer | Context::MailServer) => server(block),
        _ => written(head, true).into_owned(),
    }
}

fn server(block: Block<'_>) -> String {
    let names: Vec<&str> = block.directives("server_name").flat_map(Directive::arguments).collect();
    let addresses: Vec<&str> = block.directives("listen").filter_map(|listen| listen.argument(0)).collect();
    let mut label = "server".to_owned();
    for name in names.iter().take(NAMES) {
        label.push(' ');
        label.push_str(if name.is_empty() { "\"\"" } else { name });
    }
    if names.len() > NAMES {
        label.push_str(&format!(" and {} more", names.len() - NAMES));
    }
    if !addresses.is_empty() {
        label.push_str(&format!(" on {}", addresses.join(", ")));
    }
    label
}

/// A directive as it is written, with its name or without, on one line.
pub fn written(directive: Directive<'_>, with_name: bool) -> Cow<'_, str> {
    let source = directive.model().source(directive.file());
    let place = match (with_name, directive.argument_count()) {
        (false, 1..) => directive.place_of_arguments(0..directive.argument_count()),
        _ => directive.place(),
    };
    let text = source.slice(place.location.span);
    let text = match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        false => Cow::Borrowed(text),
    };
    if directive.has_block() && directive.block().is_some_and(|block| block.kind() == Kind::Data) {
        return Cow::Owned(format!("{text} {{…}}"));
    }
    text
}
