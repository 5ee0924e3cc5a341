//! Variables whose values the configuration itself lists.

use std::borrow::Cow;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::tree::NodeId;

use super::template::{Part, Template};
use super::{Directive, Kind, Model};

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
        self.values_within(family, text, DEEPEST_LOOKUP)
    }

    /// `depth` bounds how often a value is looked up inside a value.
    fn values_within(&self, family: Family, text: &str, depth: usize) -> Values {
        let mut values = Values { texts: vec![String::new()], incomplete: false };
        for part in Template::parse(text).parts {
            let choices = match part {
                Part::Text(text) => Cow::Owned(vec![text.to_owned()]),
                Part::Variable(name) => self.values_of_variable(family, name, depth),
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

    fn values_of_variable(&self, family: Family, name: &str, depth: usize) -> Cow<'_, [String]> {
        let key = (family, name.to_ascii_lowercase());
        let Some(definition) = self.definitions().of.get(&key).filter(|_| depth > 0) else {
            return Cow::Owned(built_in_values(name));
        };
        let resolved = &definition.resolved[depth - 1];
        Cow::Borrowed(resolved.get_or_init(|| self.resolve(family, definition, depth - 1)))
    }

    fn resolve(&self, family: Family, definition: &Definition, depth: usize) -> Vec<String> {
        let mut values = Vec::new();
        for (node, at) in definition.values.iter().take(MOST_COMBINATIONS) {
            match at {
                ValueAt::Empty => values.push(String::new()),
                ValueAt::Argument(index) => {
                    let text = self.directive(*node).argument(*index).unwrap_or_default();
                    values.extend(self.values_within(family, text, depth).texts);
                }
            }
        }
        values.sort_unstable();
        values.dedup();
        let too_many = definition.values.len() > MOST_COMBINATIONS || values.len() > MOST_COMBINATIONS;
        values.truncate(MOST_COMBINATIONS);
        if definition.computed || values.is_empty() || too_many {
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

impl Definitions {
    fn add(&mut self, directive: Directive<'_>, context: Context) {
        let family = context.family();
        match directive.name() {
            "set" => {
                if let Some(definition) = self.definition(family, directive.argument(0)) {
                    definition.values.push((directive.id(), ValueAt::Argument(1)));
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
