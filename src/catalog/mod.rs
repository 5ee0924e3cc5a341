//! What the words of an nginx configuration mean.
//!
//! For every directive: where it may stand, how many arguments of what kind it takes, what happens
//! when it is repeated or inherited, what its default is, and which releases and modules have it.
//! For every variable: who defines it, and whether it may be defined anew.
//!
//! This is data, compiled in: `grammar/directives.txt` and `grammar/variables.txt` are written by
//! hand, and `build.rs` turns them into the static tables behind the functions below. Nothing is
//! read or computed at start-up.
//!
//! This room knows words, not configurations. It must not know files, syntax, what a directive's
//! value is in some configuration, or whether that is wrong: it uses nothing but `std`.

mod context;
mod directive;
mod hash;
mod module;
mod near;
mod table;
mod value;
mod variable;
mod version;

/// The tables that `build.rs` writes.
mod tables {
    use super::table::NameTable;
    use super::*;

    include!(concat!(env!("OUT_DIR"), "/catalog.rs"));
}

pub use context::{Context, Contexts, Family};
pub use directive::{Arguments, Body, Change, Deprecation, Directive, Duplicate, EarlierDefaults, Form, Inheritance};
pub use module::{Module, Origin};
pub use near::nearest;
pub use value::{Expansion, ValueKind, Words};
pub use variable::Variable;
pub use version::{NotAVersion, Version};

/// All directives, sorted by name. Those of one name: nginx's own, NGINX Plus's, those of other
/// modules, and last those that were removed.
pub fn all() -> &'static [Directive] {
    &tables::DIRECTIVES
}

/// All directives of this name; empty if there is none. Names are case-sensitive, as in nginx.
pub fn find(name: &str) -> &'static [Directive] {
    name_index(name).map_or(&[], directives_of)
}

/// The first directive of this name that may stand in this context, in the order of [`all`].
///
/// More modules may define it for the same context: what must hold for all of them has to look at
/// all that [`find`] returns.
pub fn find_in(name: &str, context: Context) -> Option<&'static Directive> {
    find(name).iter().find(|directive| directive.contexts.contains(context))
}

/// The index of a directive's name: dense, from 0 to [`name_count`], the same for all directives of
/// that name. Good as a key; it changes from build to build.
pub fn name_index(name: &str) -> Option<u16> {
    tables::DIRECTIVE_NAMES.index(name)
}

/// How many names there are.
pub fn name_count() -> usize {
    tables::DIRECTIVE_NAMES.names.len()
}

/// The name with this index.
///
/// # Panics
///
/// If the index does not come from [`name_index`].
pub fn name_of(index: u16) -> &'static str {
    tables::DIRECTIVE_NAMES.names[usize::from(index)]
}

/// All directives whose name has this index.
pub fn directives_of(index: u16) -> &'static [Directive] {
    tables::DIRECTIVE_NAMES.records(index, &tables::DIRECTIVES)
}

/// The variable of this name, without `$`, in any case: the one of exactly that name, else the
/// prefix it begins with.
pub fn variable(name: &str, family: Family) -> Option<&'static Variable> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return variable(&name.to_ascii_lowercase(), family);
    }
    variable_named(name, family).or_else(|| variable_prefix(name, family))
}

fn variable_named(name: &str, family: Family) -> Option<&'static Variable> {
    let index = tables::VARIABLE_NAMES.index(name)?;
    tables::VARIABLE_NAMES.records(index, &tables::VARIABLES).iter().find(|variable| variable.family == family)
}

fn variable_prefix(name: &str, family: Family) -> Option<&'static Variable> {
    tables::VARIABLE_PREFIXES
        .iter()
        .map(|&place| &tables::VARIABLES[usize::from(place)])
        .find(|prefix| prefix.family == family && name.starts_with(prefix.name))
}

/// All variables, sorted by name.
pub fn variables() -> &'static [Variable] {
    &tables::VARIABLES
}

/// All modules, in the order of the data.
pub fn modules() -> &'static [Module] {
    &tables::MODULES
}
