//! Variables whose values the configuration itself lists.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::tree::NodeId;

use super::template::{Part, Template};
use super::{Block, Directive, Kind, Model};

/// Stands in an expanded text for a value that is not known.
const UNKNOWN: char = '\u{10FFFE}';

/// So many combinations of values are looked at, and so many values of one
/// variable.
const MOST_COMBINATIONS: usize = 64;

/// How often a value is looked up inside a value.
const DEEPEST_LOOKUP: usize = 2;

/// What a text with variables can amount to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Values {
    texts: Vec<String>,
    /// Whether there are more than these.
    pub incomplete: bool,
}

impl Values {
    /// The possible texts; ask [`Values::is_known`] about any part of one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    /// Whether no unknown value went into this part of a text.
    pub fn is_known(part: &str) -> bool {
        !part.contains(UNKNOWN)
    }
}

/// Where a variable gets its values.
#[derive(Debug, Default)]
struct Definition {
    /// Of `set`, in order.
    sets: Vec<NodeId>,
    /// Of everything else: for every server the same.
    values: Vec<(NodeId, ValueAt)>,
    /// Some of its values are computed.
    computed: bool,
    /// What it amounts to, for each depth that is left for looking up.
    resolved: [OnceLock<Vec<String>>; DEEPEST_LOOKUP],
}

/// Where in a directive a value stands.
#[derive(Clone, Copy, Debug)]
enum ValueAt {
    Argument(usize),
    /// A map without `default` gives the empty string.
    Empty,
}

/// All definitions of `http {}` and of `stream {}`, by name in lower case.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    of: FxHashMap<(Family, String), Definition>,
}

/// What is known of the values of a variable that the configuration does not
/// define.
fn built_in_values(name: &str) -> Vec<String> {
    match name.to_ascii_lowercase().as_str() {
        "request_uri" | "uri" | "document_uri" => vec![format!("/{UNKNOWN}")],
        "scheme" => vec!["http".to_owned(), "https".to_owned()],
        "is_args" => vec![String::new(), "?".to_owned()],
        _ => vec![UNKNOWN.to_string()],
    }
}

impl<'t> Model<'t> {
    /// What a text with variables amounts to at run time. Values that the
    /// configuration does not list are left unknown.
    pub fn values(&self, family: Family, text: &str) -> Values {
        self.values_within(family, text, None, DEEPEST_LOOKUP)
    }

    /// The same for a text that is evaluated in a block: what another server
    /// sets does not reach it.
    pub fn values_in(&self, block: Block<'_>, text: &str) -> Values {
        let is_server = |block: &Block<'_>| block.is(Context::Server) || block.is(Context::StreamServer);
        let server = block.outwards().find(is_server).filter(|server| server.head().is_some());
        let family = match block.kind() {
            Kind::Directives(context) => context.family(),
            Kind::Data | Kind::Unknown => Family::Http,
        };
        self.values_within(family, text, server, DEEPEST_LOOKUP)
    }

    /// `depth` bounds how often a value is looked up inside a value.
    fn values_within(&self, family: Family, text: &str, server: Option<Block<'_>>, depth: usize) -> Values {
        let mut values = Values { texts: vec![String::new()], incomplete: false };
        for part in Template::parse(text).parts {
            let choices = match part {
                Part::Text(text) => Cow::Owned(vec![text.to_owned()]),
                Part::Variable(name) => self.values_of_variable(family, name, server, depth),
            };
            let combined = values.texts.iter().flat_map(|head| choices.iter().map(move |tail| format!("{head}{tail}")));
            let mut combined: Vec<String> = combined.take(MOST_COMBINATIONS + 1).collect();
            values.incomplete |= combined.len() > MOST_COMBINATIONS;
            combined.truncate(MOST_COMBINATIONS);
            values.texts = combined;
        }
        values
    }

    /// Whether something other than the configuration or the request gives
    /// this variable its values: a program (`js_set`), another server's answer
    /// (`auth_request_set`).
    pub fn is_computed(&self, family: Family, variable: &str) -> bool {
        let key = (family, variable.to_ascii_lowercase());
        self.definitions().of.get(&key).is_some_and(|definition| definition.computed)
    }

    fn values_of_variable(
        &self,
        family: Family,
        name: &str,
        server: Option<Block<'_>>,
        depth: usize,
    ) -> Cow<'_, [String]> {
        let key = (family, name.to_ascii_lowercase());
        let Some(definition) = self.definitions().of.get(&key).filter(|_| depth > 0) else {
            return Cow::Owned(built_in_values(name));
        };
        if let Some(server) = server.filter(|_| !definition.sets.is_empty()) {
            let sets = definition.sets_in(server);
            return Cow::Owned(self.resolve(family, definition, sets, Some(server), depth - 1));
        }
        let resolved = &definition.resolved[depth - 1];
        Cow::Borrowed(
            resolved.get_or_init(|| self.resolve(family, definition, definition.sets.clone(), None, depth - 1)),
        )
    }

    fn resolve(
        &self,
        family: Family,
        definition: &Definition,
        sets: Vec<NodeId>,
        server: Option<Block<'_>>,
        depth: usize,
    ) -> Vec<String> {
        let mut values = Vec::new();
        let too_many = sets.len() + definition.values.len() > MOST_COMBINATIONS;
        let sets = sets.into_iter().map(|node| (node, ValueAt::Argument(1)));
        for (node, at) in sets.chain(definition.values.iter().copied()).take(MOST_COMBINATIONS) {
            match at {
                ValueAt::Empty => values.push(String::new()),
                ValueAt::Argument(index) => {
                    let text = self.directive(node).argument(index).unwrap_or_default();
                    values.extend(self.values_within(family, text, server, depth).texts);
                }
            }
        }
        values.sort_unstable();
        values.dedup();
        let too_many = too_many || values.len() > MOST_COMBINATIONS;
        values.truncate(MOST_COMBINATIONS);
        // What only other servers set is empty here.
        let is_empty = values.is_empty() && server.is_some() && self.is_whole(family);
        if is_empty && !definition.computed {
            values.push(String::new());
        } else if definition.computed || values.is_empty() || too_many {
            values.push(UNKNOWN.to_string());
        }
        values
    }

    fn definitions(&self) -> &Definitions {
        self.variables.get_or_init(|| self.find_definitions())
    }

    fn find_definitions(&self) -> Definitions {
        let mut definitions = Definitions::default();
        for id in self.tree.node_ids().filter(|id| self.name_index(*id).is_some()) {
            let directive = self.directive(id);
            let Kind::Directives(context) = directive.parent().kind() else { continue };
            definitions.add(directive, context);
        }
        definitions
    }
}

impl Definition {
    /// Those `set` that stand in a server: they follow its head without a gap.
    fn sets_in(&self, server: Block<'_>) -> Vec<NodeId> {
        let model = server.model();
        let Some(head) = server.head() else { return Vec::new() };
        let start = self.sets.partition_point(|node| *node < head.id());
        let is_inside = |node: &&NodeId| model.directive(**node).parent().outwards().any(|block| block == server);
        self.sets[start..].iter().take_while(is_inside).copied().collect()
    }
}

impl Definitions {
    fn add(&mut self, directive: Directive<'_>, context: Context) {
        let family = context.family();
        match directive.name() {
            "set" => {
                if let Some(definition) = self.definition(family, directive.argument(0)) {
                    definition.sets.push(directive.id());
                }
            }
            "map" | "geo" | "split_clients" => self.add_lines(directive, family),
            // Whatever else names a variable first computes it.
            _ if directive.argument(0).is_some_and(|name| name.starts_with('$')) => {
                let defines = directive.name().contains("set") || directive.name().ends_with("_var");
                if defines && let Some(definition) = self.definition(family, directive.argument(0)) {
                    definition.computed = true;
                }
            }
            _ => {}
        }
    }

    /// The values in the block of a `map`, `geo` or `split_clients`.
    fn add_lines(&mut self, directive: Directive<'_>, family: Family) {
        let Some(block) = directive.block() else { return };
        let Some(name) = directive.arguments().last() else { return };
        let Some(definition) = self.definition(family, Some(name)) else { return };
        let mut has_default = false;
        for line in block.statements() {
            has_default |= matches!(line.name(), "default" | "*");
            if line.argument_count() == 1 && line.name() != "include" {
                definition.values.push((line.id(), ValueAt::Argument(0)));
            }
        }
        definition.computed |= block.is_unseen();
        if !has_default {
            definition.values.push((directive.id(), ValueAt::Empty));
        }
    }

    fn definition(&mut self, family: Family, name: Option<&str>) -> Option<&mut Definition> {
        let name = name?.strip_prefix('$')?;
        Some(self.of.entry((family, name.to_ascii_lowercase())).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::Profile;
    use crate::tree::{self, Memory, Places};

    #[test]
    fn what_another_server_sets_does_not_reach_this_one() {
        let text = "events {} http {
            map $host $mapped { default m; }
            server { set $a one; location / { set $b $a; set $c x$http_x; return 200 $a; } }
            server { set $a two; location / { if ($host) { set $a three; } return 200 $a; } }
        }";
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, text.as_bytes())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let blocks: Vec<Block<'_>> = model.directives_named(&["return"]).map(Directive::parent).collect();
        let table = [
            ("$a", "one", "three two"),
            ("$b", "one", ""),
            ("-$mapped-", "-m-", "-m-"),
            ("$scheme", "http https", "http https"),
        ];
        for (text, first, second) in table {
            for (block, expected) in blocks.iter().zip([first, second]) {
                let values = model.values_in(*block, text);
                assert_eq!(values.iter().collect::<Vec<_>>().join(" "), expected, "{text}");
            }
        }
        assert!(!Values::is_known(model.values_in(blocks[0], "$c").iter().next().unwrap_or_default()));
        assert_eq!(model.values(Family::Http, "$a").iter().count(), 3);
    }
}
