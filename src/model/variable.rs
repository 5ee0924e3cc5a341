//! Variables whose values the configuration itself lists.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use rustc_hash::FxHashMap;

use crate::catalog::{self, Context, Family};
use crate::tree::NodeId;

use super::template::{Part, Template};
use super::{Block, BlockId, Directive, Kind, LocationHead, LocationKind, Model};

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
    fn unknown() -> Values {
        Values { texts: vec![UNKNOWN.to_string()], incomplete: false }
    }

    /// The possible texts; ask [`Values::is_known`] about any part of one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }

    /// Whether no unknown value went into this part of a text.
    pub fn is_known(part: &str) -> bool {
        !part.contains(UNKNOWN)
    }

    /// What a text begins with, up to the first value that is not known.
    pub fn known_start(text: &str) -> &str {
        text.split(UNKNOWN).next().unwrap_or_default()
    }
}

/// Where a variable gets its values.
#[derive(Debug, Default)]
struct Definition {
    values: Vec<(NodeId, ValueAt)>,
    /// Some of its values are computed.
    computed: bool,
    /// Those of its values that `set` gives it, in order.
    sets: Vec<NodeId>,
    /// What it amounts to, for each depth that is left for looking up.
    resolved: [OnceLock<Vec<String>>; DEEPEST_LOOKUP],
}

impl Definition {
    /// The `set`s of the server around a block, in whatever location.
    fn sets_in_server_of<'m>(&self, block: Block<'m>) -> Vec<Directive<'m>> {
        let is_server = |block: &Block<'_>| block.is(Context::Server) || block.is(Context::StreamServer);
        let Some(server) = block.outwards().find(is_server) else { return Vec::new() };
        let Some(head) = server.head() else { return Vec::new() };
        let start = self.sets.partition_point(|node| *node < head.id());
        let sets = self.sets[start..].iter().map(|node| server.model().directive(*node));
        sets.take_while(|set| set.parent().outwards().any(|block| block == server)).collect()
    }
}

/// Where in a directive a value stands.
#[derive(Clone, Copy, Debug)]
enum ValueAt {
    Argument(usize),
    /// A map without `default` gives the empty string.
    Empty,
}

/// For each name of the catalog, whether its directive may give a variable its
/// values.
fn defining_names() -> &'static [bool] {
    static NAMES: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let defines = |name: &str| {
            ["map", "geo", "split_clients"].contains(&name) || name.contains("set") || name.ends_with("_var")
        };
        (0..catalog::name_count() as u16).map(|name| defines(catalog::name_of(name))).collect()
    });
    &NAMES
}

/// All definitions of `http {}` and of `stream {}`, by name in lower case.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    of: FxHashMap<(Family, String), Definition>,
    /// The `set`s of a variable, by the block that carries them out: for those
    /// in an `if`, the block around it too.
    sets: FxHashMap<(BlockId, String), Vec<SetAt>>,
}

/// A `set` in a block.
#[derive(Clone, Copy, Debug)]
struct SetAt {
    node: NodeId,
    /// It stands in an `if`.
    has_condition: bool,
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
        self.values_within(family, None, text, DEEPEST_LOOKUP)
    }

    /// The same where the text stands in this block: of the values that `set`
    /// gives a variable, only those that can be in force there.
    pub fn values_at(&self, block: Block<'_>, text: &str) -> Values {
        let Kind::Directives(context) = block.kind() else { return Values::unknown() };
        self.values_within(context.family(), Some(block), text, DEEPEST_LOOKUP)
    }

    /// `depth` bounds how often a value is looked up inside a value.
    fn values_within(&self, family: Family, block: Option<Block<'_>>, text: &str, depth: usize) -> Values {
        let mut values = Values { texts: vec![String::new()], incomplete: false };
        for part in Template::parse(text).parts {
            let choices = match part {
                Part::Text(text) => Cow::Owned(vec![text.to_owned()]),
                Part::Variable(name) => self.values_of_variable(family, block, name, depth),
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
        block: Option<Block<'_>>,
        name: &str,
        depth: usize,
    ) -> Cow<'_, [String]> {
        let key = (family, name.to_ascii_lowercase());
        let Some(definition) = self.definitions().of.get(&key).filter(|_| depth > 0) else {
            return Cow::Owned(built_in_values(name));
        };
        if let Some(block) = block.filter(|_| !definition.sets.is_empty()) {
            return Cow::Owned(self.values_set_at(block, name, definition, depth - 1));
        }
        let resolved = &definition.resolved[depth - 1];
        Cow::Borrowed(resolved.get_or_init(|| self.resolve(family, definition, depth - 1)))
    }

    fn values_set_at(&self, block: Block<'_>, name: &str, definition: &Definition, depth: usize) -> Vec<String> {
        let mut reaching = Reaching::find(block, &name.to_ascii_lowercase());
        let Kind::Directives(context) = block.kind() else { return vec![UNKNOWN.to_string()] };
        if reaching.sets.is_empty() {
            // To a named location requests come from another one, which set it.
            let head = block.outwards().find_map(LocationHead::of_block);
            if head.is_some_and(|head| head.kind == LocationKind::Named) {
                reaching.sets = definition.sets_in_server_of(block);
                reaching.certain = !reaching.sets.is_empty() && !block.is_unseen();
            }
        }
        let mut values = Vec::new();
        for set in reaching.sets.iter().take(MOST_COMBINATIONS) {
            let text = set.argument(1).unwrap_or_default();
            values.extend(self.values_within(context.family(), Some(block), text, depth).texts);
        }
        values.sort_unstable();
        values.dedup();
        let too_many = reaching.sets.len() > MOST_COMBINATIONS || values.len() > MOST_COMBINATIONS;
        values.truncate(MOST_COMBINATIONS);
        if !reaching.certain || definition.computed || too_many {
            values.push(UNKNOWN.to_string());
        }
        values
    }

    fn resolve(&self, family: Family, definition: &Definition, depth: usize) -> Vec<String> {
        let mut values = Vec::new();
        for (node, at) in definition.values.iter().take(MOST_COMBINATIONS) {
            match at {
                ValueAt::Empty => values.push(String::new()),
                ValueAt::Argument(index) => {
                    let text = self.directive(*node).argument(*index).unwrap_or_default();
                    values.extend(self.values_within(family, None, text, depth).texts);
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
        let may_define = |id: &NodeId| self.name_index(*id).is_some_and(|name| defining_names()[usize::from(name)]);
        for id in self.tree.node_ids().filter(may_define) {
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
                    definition.sets.push(directive.id());
                    self.add_set(directive, context);
                }
            }
            "map" | "geo" | "split_clients" => self.add_lines(directive, family),
            // Whatever else names a variable first computes it.
            _ if directive.argument(0).is_some_and(|name| name.starts_with('$')) => {
                if let Some(definition) = self.definition(family, directive.argument(0)) {
                    definition.computed = true;
                }
            }
            _ => {}
        }
    }

    fn add_set(&mut self, set: Directive<'_>, context: Context) {
        let Some(name) = set.argument(0).and_then(|name| name.strip_prefix('$')) else { return };
        let name = name.to_ascii_lowercase();
        if matches!(context, Context::IfInServer | Context::IfInLocation)
            && let Some(around) = set.parent().parent()
        {
            let at = SetAt { node: set.id(), has_condition: true };
            self.sets.entry((around.id(), name.clone())).or_default().push(at);
        }
        let at = SetAt { node: set.id(), has_condition: false };
        self.sets.entry((set.parent().id(), name)).or_default().push(at);
    }

    /// The values in the block of a `map`, `geo` or `split_clients`.
    fn add_lines(&mut self, directive: Directive<'_>, family: Family) {
        let Some(block) = directive.block() else { return };
        let Some(name) = directive.arguments().last() else { return };
        let Some(definition) = self.definition(family, Some(name)) else { return };
        let is_geo = directive.name() == "geo";
        let mut has_default = false;
        for line in block.statements() {
            has_default |= matches!(line.name(), "default" | "*");
            let is_word_of_geo = is_geo && matches!(line.name(), "proxy" | "delete");
            if line.argument_count() == 1 && line.name() != "include" && !is_word_of_geo {
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

/// The `set`s of a variable that can be in force in a block.
///
/// A location runs those of its server and its own, `if` included; those of
/// the locations around it and of other servers it does not.
struct Reaching<'m> {
    sets: Vec<Directive<'m>>,
    /// Whether one of them is: without a condition, and all were seen.
    certain: bool,
}

impl<'m> Reaching<'m> {
    fn find(block: Block<'m>, name: &str) -> Reaching<'m> {
        let mut found = Reaching { sets: Vec::new(), certain: false };
        let mut seen = true;
        let mut is_in_location = false;
        for scope in block.outwards() {
            let (is_location, is_server) = match scope.kind() {
                Kind::Directives(Context::Location) => (true, false),
                Kind::Directives(Context::Server | Context::StreamServer) => (false, true),
                Kind::Directives(Context::IfInLocation | Context::IfInServer) => (false, false),
                _ => continue,
            };
            if is_location && std::mem::replace(&mut is_in_location, true) {
                continue;
            }
            seen &= !scope.is_unseen_for("set");
            if found.take(scope, name) || is_server {
                break;
            }
        }
        found.certain &= seen;
        found
    }

    /// Adds those of a block; whether one of them overwrites all before it.
    fn take(&mut self, scope: Block<'m>, name: &str) -> bool {
        let Some(sets) = scope.model().definitions().sets.get(&(scope.id(), name.to_owned())) else { return false };
        let last = sets.iter().rposition(|set| !set.has_condition);
        let in_force = &sets[last.unwrap_or(0)..];
        self.sets.extend(in_force.iter().map(|set| scope.model().directive(set.node)));
        self.certain |= last.is_some();
        last.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{Profile, Target};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn the_values_at_a_place_are_those_that_reach_it() {
        let table = [
            ("server { set $b a; location / { proxy_pass $b; } }", "a"),
            ("server { set $b a; location / { set $b c; proxy_pass $b; } }", "c"),
            ("server { set $b a; location / { proxy_pass $b; if ($x) { set $b c; } } }", "a c"),
            ("server { set $b a; if ($x) { set $b c; } set $b d; location / { proxy_pass $b; } }", "d"),
            ("server { set $b a; location / { if ($x) { set $b c; proxy_pass $b; } } }", "c"),
            ("server { set $b a; } server { location / { proxy_pass $b; } }", "?"),
            ("server { location / { proxy_pass $b; } location /c { set $b a; } }", "?"),
            ("server { location @n { proxy_pass $b; } location / { set $b a; try_files $uri @n; } }", "a"),
            ("server { location / { set $b a; location /c { proxy_pass $b; } } }", "?"),
            ("server { set $a x; set $b $a$host; location / { proxy_pass $b; } }", "x?"),
            ("map $host $b { default a; c d; } server { location / { proxy_pass $b; } }", "a d"),
        ];
        for (text, expected) in table {
            let path = Path::new("nginx.conf");
            let whole = format!("events {{}} http {{ {text} }}");
            let memory: Memory = [(path, whole.as_bytes())].into_iter().collect();
            let tree = tree::load(&memory, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("a tree");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let target: Target<'_> = model.targets().next().expect("a target");
            let values = model.values_at(target.block(), target.text);
            let values: Vec<String> = values.iter().map(|value| value.replace(UNKNOWN, "?")).collect();
            assert_eq!(values.join(" "), expected, "{text}");
        }
    }
}
