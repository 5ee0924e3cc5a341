//! A variable that is read and that nothing defines.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{self, Family, Origin, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Mention, Model, Place, evaluated_since, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unknown-variable",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/varindex.html"],
    equivalents: &[],
    page: include_str!("unknown_variable.md"),
    check: Check::Configuration(check),
};

/// So many other places of a variable are shown.
const MOST_LABELS: usize = 3;

/// For so many variables it is looked up what they were meant to be.
const MOST_LOOKED_UP: usize = 50;

/// So many names that are not known are looked at.
const MOST_UNKNOWN_DIRECTIVES: usize = 50;

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream] {
        if model.is_whole(family) {
            check_family(model, family, findings);
        }
    }
}

fn check_family(model: &Model<'_>, family: Family, findings: &mut Findings) {
    let known = Known::of(model, family);
    // Most names are read again and again.
    let mut seen: FxHashMap<&str, bool> = FxHashMap::default();
    let mut looked_up = 0;
    let mut is_unknown = |read: &Mention<'_>| {
        if known.has(read.name) || !read.is_in_capitals() {
            return !known.has(read.name);
        }
        // Most likely a placeholder, unless it is nearly a variable that is defined.
        looked_up += 1;
        looked_up <= MOST_LOOKED_UP && !read.has_braces() && known.nearest_defined(read.name).is_some()
    };
    let unknown: Vec<Mention<'_>> = model
        .variable_reads(family)
        .filter(|read| *seen.entry(read.name).or_insert_with(|| is_unknown(read)))
        .filter(|read| !(read.is_in_capitals() && read.has_braces()))
        .collect();
    let implied: Vec<_> = model.implied_reads(family).filter(|(_, name)| !known.has(name)).collect();
    if (unknown.is_empty() && implied.is_empty())
        || has_unknown_module(model, family)
        || model.variable_definitions(family).any(|definition| is_filled_in(&definition))
    {
        return;
    }
    let mut first: FxHashMap<String, Vec<Mention<'_>>> = FxHashMap::default();
    let mut names = Vec::new();
    for read in unknown {
        let name = read.name.to_ascii_lowercase();
        first.entry(name.clone()).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        first.entry(read.name.to_ascii_lowercase()).or_default().push(read);
    }
    for (index, name) in names.iter().enumerate() {
        if let Some(reads) = first.get(name) {
            report(name, reads, Some(&known).filter(|_| index < MOST_LOOKED_UP), family, findings);
        }
    }
    if let Some((directive, name)) = implied.first() {
        let finding =
            findings.add(directive.place(), format!("{} needs ${name}, which nothing defines", directive.name()));
        finding.nginx_says(format!("unknown \"{name}\" variable"));
        finding.help(format!("set it before, such as set ${name} $uri$is_args$args;"));
    }
}

/// The variables that exist.
struct Known<'m> {
    model: &'m Model<'m>,
    family: Family,
    /// Those that the configuration defines, in lower case.
    defined: FxHashSet<String>,
}

/// Variables that a release did not have yet that was looked at.
const LATER: [&str; 2] = ["is_request_port", "request_port"];

/// The last release that certainly has none of them.
const WITHOUT_LATER: Version = Version::new(1, 28, 3);

impl<'m> Known<'m> {
    fn of(model: &'m Model<'m>, family: Family) -> Known<'m> {
        let mut defined: FxHashSet<String> = FxHashSet::default();
        let mut define = |name: &str| {
            if !defined.contains(name) {
                defined.insert(name.to_ascii_lowercase());
            }
        };
        model.variable_definitions(family).for_each(|definition| define(definition.name));
        for pattern in model.patterns().filter(|pattern| pattern.family == family && pattern.defines) {
            if let Ok(regex) = pattern.compiled {
                regex.names().for_each(&mut define);
            }
        }
        Known { model, family, defined }
    }

    fn has(&self, name: &str) -> bool {
        self.is_built_in(name)
            || self.defined.contains(name)
            || self.model.may_be_defined_by_module(self.family, name)
            || self.defined.contains(&name.to_ascii_lowercase())
    }

    fn is_built_in(&self, name: &str) -> bool {
        let Some(variable) = catalog::variable(name, self.family) else { return false };
        let is_later = LATER.iter().any(|later| later.eq_ignore_ascii_case(name));
        if is_later && self.model.version().is_some_and(|version| version <= WITHOUT_LATER) {
            return false;
        }
        let listed = self.model.profile().modules.as_ref();
        let is_listed = |modules: &Vec<String>| modules.iter().any(|module| module == variable.module.name);
        variable.module.built_by_default || variable.origin == Origin::Plus || listed.is_none_or(is_listed)
    }

    fn nearest_defined(&self, name: &str) -> Option<&str> {
        catalog::nearest(name, self.defined.iter().map(String::as_str))
    }

    fn nearest(&self, name: &str) -> Option<&str> {
        let own = self.defined.iter().map(String::as_str);
        let built_in =
            catalog::variables().iter().filter(|variable| variable.family == self.family && !variable.prefix);
        let mut candidates: Vec<&str> = own.chain(built_in.map(|variable| variable.name)).collect();
        // The set has no order of its own.
        candidates.sort_unstable();
        catalog::nearest(name, candidates)
    }

    /// The other kind of block, if the variable exists there.
    fn elsewhere(&self, name: &str) -> Option<&'static str> {
        let (other, block) = match self.family {
            Family::Stream => (Family::Http, "http {}"),
            _ => (Family::Stream, "stream {}"),
        };
        let known = catalog::variable(name, other).is_some() || self.model.definitions_of(other, name).next().is_some();
        known.then_some(block)
    }
}

fn report(name: &str, reads: &[Mention<'_>], known: Option<&Known<'_>>, family: Family, findings: &mut Findings) {
    let [first, others @ ..] = reads else { return };
    let block = if family == Family::Stream { "stream {}" } else { "http {}" };
    let finding = findings.add(first.place(), format!("nothing in {block} defines ${}", first.name));
    finding.nginx_says(format!("unknown \"{name}\" variable"));
    if let Some(since) = evaluated_since(first.directive) {
        finding.since(since);
    }
    let cut = behind(first).starts_with('-');
    if matches!(name.as_bytes(), [b'1'..=b'9']) {
        finding.help(match first.directive.name() {
            "log_format" => "a log_format has no captures: name the group (?<name>…) and write $name".to_owned(),
            _ => format!("write ${name}: with braces it is not the capture but a variable of that name"),
        });
    } else if let Some(nearest) = known.and_then(|known| known.nearest(name)) {
        finding.help(format!("write ${nearest}"));
    } else if cut {
        finding.help("rename it: the name of a variable ends before a \"-\"; write _ instead");
    } else if let Some(elsewhere) = known.and_then(|known| known.elsewhere(name)) {
        finding.help(format!("write another one: ${name} exists in {elsewhere} only, and each has its own variables"));
    } else {
        finding.help(format!("correct the name, or define it with set, map or geo in {block}"));
    }
    let mut shown: Vec<Place> = vec![first.place()];
    for other in others {
        let place = other.place();
        if shown.len() > MOST_LABELS {
            break;
        }
        if !shown.iter().any(|known| known.location == place.location) {
            finding.label(place, "also read here");
            shown.push(place);
        }
    }
}

/// What follows a variable in its word.
fn behind<'m>(read: &Mention<'m>) -> &'m str {
    let word = read.directive.word(read.word).unwrap_or_default();
    word.split_once(&format!("${}", read.name)).map_or("", |(_, behind)| behind)
}

/// Whether a tool makes the name of a variable that is defined.
fn is_filled_in(definition: &Mention<'_>) -> bool {
    definition.directive.word(definition.word).is_some_and(has_placeholder)
}

/// Whether there are signs of a module that is not known: it may bring
/// variables of its own.
fn has_unknown_module(model: &Model<'_>, family: Family) -> bool {
    let loaded = model.main().directives("load_module").filter_map(|load| load.argument(0));
    let mut stems = loaded.map(|path| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".so"));
    stems.any(|stem| !catalog::modules().iter().any(|module| module.name == stem))
        || model.unknown_directives(family).take(MOST_UNKNOWN_DIRECTIVES).any(is_of_no_known_module)
}

/// A directive that is not even a slip of the pen.
fn is_of_no_known_module(directive: Directive<'_>) -> bool {
    let names = (0..catalog::name_count()).map(|index| catalog::name_of(index as u16));
    catalog::nearest(directive.name(), names).is_none()
}
