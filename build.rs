//! Compiles `grammar/directives.txt` and `grammar/variables.txt` into static Rust tables for the
//! room `catalog`, which includes them.
//!
//! The formats are explained at the top of the two files. A line that cannot be read fails the
//! build with its place and what is wrong with it; all such lines are reported at once.
//!
//! The way of a line: [`lines`] numbers it, [`parse_module`], [`parse_directive`] or
//! [`parse_variable`] reads it, the `impl Display` of what came out writes it as Rust.

use std::fmt::{self, Display, Write as _};
use std::path::Path;
use std::str::SplitWhitespace;
use std::{env, fs, process};

#[path = "src/catalog/hash.rs"]
mod hash;

const DIRECTIVES: &str = "grammar/directives.txt";
const VARIABLES: &str = "grammar/variables.txt";

fn main() {
    for input in [DIRECTIVES, VARIABLES, "src/catalog/hash.rs", "build.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let output = env::var("OUT_DIR").map_err(|error| vec![error.to_string()]);
    let result = output.and_then(|directory| {
        let source = compile(&read(DIRECTIVES)?, &read(VARIABLES)?)?;
        let path = Path::new(&directory).join("catalog.rs");
        fs::write(&path, source).map_err(|error| vec![format!("{}: {error}", path.display())])
    });
    if let Err(problems) = result {
        for problem in problems {
            println!("cargo::error={problem}");
        }
        process::exit(1);
    }
}

fn read(path: &str) -> Result<String, Vec<String>> {
    fs::read_to_string(path).map_err(|error| vec![format!("{path}: {error}")])
}

/// The Rust source of all tables, or what is wrong with the data.
fn compile(directives: &str, variables: &str) -> Result<String, Vec<String>> {
    let mut problems = Vec::new();
    let (modules, mut directives) = parse_directives(directives, &mut problems);
    let mut variables = parse_variables(variables, &modules, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    // Stable: within a name the order of the file remains, but what was removed comes last.
    directives.sort_by(|a, b| (&a.name, a.removed.is_some()).cmp(&(&b.name, b.removed.is_some())));
    variables.sort_by(|a, b| (&a.name, a.family).cmp(&(&b.name, b.family)));
    Ok(emit(&modules, &directives, &variables))
}

// ---------------------------------------------------------------------------------------------
// Words of the data, and the Rust they become.

/// A word and what it becomes.
type Vocabulary = &'static [(&'static str, &'static str)];

const FAMILIES: Vocabulary = &[
    ("core", "Core"),
    ("events", "Events"),
    ("http", "Http"),
    ("stream", "Stream"),
    ("mail", "Mail"),
    ("foreign", "Foreign"),
];

const CONTEXTS: Vocabulary = &[
    ("main", "Main"),
    ("events", "Events"),
    ("http", "Http"),
    ("stream", "Stream"),
    ("mail", "Mail"),
    ("location", "Location"),
    ("if-in-server", "IfInServer"),
    ("if-in-location", "IfInLocation"),
    ("limit_except", "LimitExcept"),
    ("foreign", "Foreign"),
];

/// Kinds of values without parentheses.
const PLAIN_VALUES: Vocabulary = &[
    ("flag", "Flag"),
    ("number", "Number(None)"),
    ("size", "Size"),
    ("offset", "Offset"),
    ("msec", "Milliseconds"),
    ("sec", "Seconds"),
    ("bufs", "Buffers"),
    ("string", "String"),
    ("strings", "StringList"),
    ("complex", "Complex"),
    ("complexes", "ComplexList"),
    ("complex-size", "ComplexSize"),
    ("keyval", "KeyValue"),
    ("path", "Path"),
    ("path-glob", "PathGlob"),
    ("path-levels", "PathLevels"),
    ("url", "Url"),
    ("cidr", "Cidr"),
    ("bind", "BindAddress"),
    ("listen", "Listen"),
    ("log", "Log(Words { list: &[], any_case: false })"),
    ("log-format", "LogFormat"),
    ("mime-types", "MimeTypes"),
    ("access", "Access"),
    ("resolver", "Resolver"),
    ("cache-path", "CachePath"),
    ("cache-valid", "CacheValid"),
    ("charset", "Charset"),
    ("server-names", "ServerNames"),
    ("cpu-mask", "CpuMask"),
    ("regex", "Regex"),
    ("regexes", "RegexList"),
    ("custom", "Custom"),
    ("any", "Any"),
];

/// Kinds of values that name their words, and whether these may be in any case.
const WORD_VALUES: &[(&str, &str, bool)] = &[
    ("enum", "Enumeration", true),
    ("word", "Enumeration", false),
    ("bitmask", "Bitmask", true),
    ("log", "Log", false),
];

const DUPLICATES: Vocabulary = &[
    ("error", "Error"),
    ("error-same-zone", "ErrorSameZone"),
    ("accumulate", "Accumulate"),
    ("warn-per-value", "WarnPerValue"),
    ("warn", "Warn"),
    ("last-wins", "LastWins"),
    ("ignored", "Ignored"),
];

const INHERITANCES: Vocabulary = &[
    ("override", "Override"),
    ("replace-all", "ReplaceAll"),
    ("not-inherited", "None"),
    ("in-sequence", "Sequence"),
    ("into-if", "IntoIf"),
    ("into-unnamed", "IntoUnnamed"),
    ("one-level", "NotApplicable"),
];

const PARTS: &[&str] = &[
    "condition",
    "from",
    "key",
    "numbers",
    "parameters",
    "path",
    "pool",
    "replacement",
    "source",
    "text",
    "time",
    "uri",
    "value",
    "whole",
];

const FEATURES: &[&str] = &[
    "http_cache",
    "http_gzip",
    "http_ssl",
    "http_upstream_zone",
    "http_x_forwarded_for",
    "openat",
    "stream_ssl",
    "stream_upstream_zone",
    "tcp_info",
];

fn look_up(vocabulary: Vocabulary, word: &str) -> Option<&'static str> {
    let (_, rust) = vocabulary.iter().find(|(known, _)| *known == word)?;
    Some(rust)
}

fn one_of(known: &[&str], word: &str, what: &str) -> Result<String, String> {
    if known.contains(&word) {
        Ok(word.to_owned())
    } else {
        Err(format!("{word:?} is no {what}: {}", known.join(", ")))
    }
}

// ---------------------------------------------------------------------------------------------
// Lines.

/// The lines that say something, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim_end)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn parse_directives(text: &str, problems: &mut Vec<String>) -> (Vec<Module>, Vec<Directive>) {
    let mut modules = Vec::new();
    let mut directives: Vec<Directive> = Vec::new();
    for (number, line) in lines(text) {
        let result = match line.strip_prefix("module ") {
            Some(facts) => parse_module(facts).map(|module| modules.push(module)),
            None => parse_directive(line, number, &modules).and_then(|directive| {
                refuse_twin(&directive, &directives)?;
                directives.push(directive);
                Ok(())
            }),
        };
        if let Err(problem) = result {
            problems.push(format!("{DIRECTIVES}:{number}: {problem}"));
        }
    }
    (modules, directives)
}

fn parse_variables(text: &str, modules: &[Module], problems: &mut Vec<String>) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for (number, line) in lines(text) {
        let variable = parse_variable(line, modules).and_then(|variable| {
            let twin = |other: &Variable| (&other.name, other.family) == (&variable.name, variable.family);
            match variables.iter().any(twin) {
                true => Err(format!("{} stands here a second time", variable.name)),
                false => Ok(variable),
            }
        });
        match variable {
            Ok(variable) => variables.push(variable),
            Err(problem) => problems.push(format!("{VARIABLES}:{number}: {problem}")),
        }
    }
    variables
}

/// A module may have several records of a name, but only for different contexts.
fn refuse_twin(directive: &Directive, others: &[Directive]) -> Result<(), String> {
    let twin = others.iter().rev().find(|other| {
        other.name == directive.name
            && other.module == directive.module
            && other.contexts.iter().any(|context| directive.contexts.contains(context))
    });
    match twin {
        Some(twin) => Err(format!("{} stands already in line {}", twin.name, twin.line)),
        None => Ok(()),
    }
}

fn next<'a>(words: &mut SplitWhitespace<'a>, what: &str) -> Result<&'a str, String> {
    words.next().ok_or_else(|| format!("{what} is missing"))
}

/// Sets what may be said only once.
fn set<T>(field: &mut Option<T>, value: T, word: &str) -> Result<(), String> {
    match field.replace(value) {
        Some(_) => Err(format!("{word:?} says a second time what was said before")),
        None => Ok(()),
    }
}

// ---------------------------------------------------------------------------------------------
// Modules.

struct Module {
    name: String,
    family: &'static str,
    origin: Origin,
    built_by_default: bool,
    configure: Option<String>,
    platform: Option<String>,
    page: Option<String>,
}

#[derive(Clone, PartialEq)]
enum Origin {
    OpenSource,
    Plus,
    Package(String),
}

fn parse_module(facts: &str) -> Result<Module, String> {
    let mut words = facts.split_whitespace();
    let name = next(&mut words, "the module's name")?.to_owned();
    let family = parse_family(next(&mut words, "the module's family")?)?;
    let origin = match next(&mut words, "the module's origin")? {
        "oss" => Origin::OpenSource,
        "plus" => Origin::Plus,
        package => Origin::Package(package.to_owned()),
    };
    let built_by_default = match origin {
        Origin::OpenSource => parse_default(next(&mut words, "default or optional")?)?,
        Origin::Plus | Origin::Package(_) => false,
    };
    let mut module = Module { name, family, built_by_default, configure: None, platform: None, page: None, origin };
    for word in words {
        let (field, value) = match word.split_once('=') {
            Some(("configure", value)) => (&mut module.configure, value),
            Some(("platform", value)) => (&mut module.platform, value),
            Some(("docs", value)) => (&mut module.page, value),
            _ => return Err(format!("a module has no {word:?}")),
        };
        set(field, value.to_owned(), word)?;
    }
    Ok(module)
}

/// Whether nginx has the module unless told otherwise.
fn parse_default(word: &str) -> Result<bool, String> {
    match word {
        "default" => Ok(true),
        "optional" => Ok(false),
        _ => Err(format!("{word:?} is neither default nor optional")),
    }
}

fn parse_family(word: &str) -> Result<&'static str, String> {
    look_up(FAMILIES, word).ok_or_else(|| format!("{word:?} is no family of modules"))
}

// ---------------------------------------------------------------------------------------------
// Directives.

/// A directive; what is Rust already is a `String` or `&'static str` of it.
#[derive(Default)]
struct Directive {
    line: usize,
    name: String,
    /// Place in the list of modules.
    module: usize,
    contexts: Vec<&'static str>,
    /// The bits of `Arguments`.
    arguments: u16,
    body: Option<String>,
    value: Option<String>,
    variables: Option<String>,
    duplicate: Option<&'static str>,
    inheritance: Option<&'static str>,
    slot: Option<String>,
    undocumented: Option<()>,
    page: Option<String>,
    requires: Option<String>,
    since: Option<Version>,
    changes: Vec<Change>,
    last_in: Option<Version>,
    removed: Option<Version>,
    deprecated: Option<Option<Version>>,
    instead: Option<String>,
    defaults: Vec<String>,
    /// The release that changed it and what it was before, the newest first.
    earlier_defaults: Vec<(Version, Vec<String>)>,
}

fn parse_directive(line: &str, number: usize, modules: &[Module]) -> Result<Directive, String> {
    let module = modules.last().ok_or("a directive before the first module")?;
    let mut parts = line.split(" = ");
    let mut words = parts.next().unwrap_or_default().split_whitespace();
    let name = next(&mut words, "the directive's name")?.to_owned();
    let (contexts, count) = parse_contexts(&mut words, module.family)?;
    let (defaults, earlier_defaults) = parse_defaults(parts)?;
    let mut directive = Directive {
        line: number,
        name,
        module: modules.len() - 1,
        contexts,
        arguments: parse_arguments(count)?,
        defaults,
        earlier_defaults,
        ..Directive::default()
    };
    for word in words {
        directive.take(word, module)?;
    }
    directive.finish(module)?;
    Ok(directive)
}

/// Defaults of the newest release, and the earlier ones with the release that ended each.
type Defaults = (Vec<String>, Vec<(Version, Vec<String>)>);

/// Reads `TEXT`, `TEXT  before 1.19.10` with the text before that in the next part, or
/// `TEXT  before 1.29.7 nothing`.
fn parse_defaults<'a>(parts: impl Iterator<Item = &'a str>) -> Result<Defaults, String> {
    let (mut newest, mut earlier): Defaults = Default::default();
    let mut open = false;
    for part in parts {
        let (text, release) = part.split_once("  before ").unwrap_or((part, ""));
        let list = earlier.last_mut().map_or(&mut newest, |(_, list): &mut (Version, Vec<String>)| list);
        list.push(text.trim().to_owned());
        let release = release.trim();
        let nothing = release.strip_suffix(" nothing");
        open = !release.is_empty() && nothing.is_none();
        if !release.is_empty() {
            earlier.push((parse_version(nothing.unwrap_or(release))?, Vec::new()));
        }
    }
    match open {
        true => Err("say what the default was before, or \"nothing\"".to_owned()),
        false => Ok((newest, earlier)),
    }
}

/// Reads contexts up to the first word that is none, and hands that over: the argument count.
fn parse_contexts<'a>(words: &mut SplitWhitespace<'a>, family: &str) -> Result<(Vec<&'static str>, &'a str), String> {
    let mut contexts = Vec::new();
    loop {
        let word = next(words, "the number of arguments")?;
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            return match contexts.is_empty() {
                true => Err(format!("no context before {word:?}")),
                false => Ok((contexts, word)),
            };
        }
        contexts.extend(parse_context(word, family)?);
    }
}

fn parse_context(word: &str, family: &str) -> Result<Vec<&'static str>, String> {
    if word == "any" {
        let blocks = ["Server", "Upstream", "StreamServer", "StreamUpstream", "MailServer"];
        let all = CONTEXTS.iter().map(|(_, rust)| *rust);
        return Ok(all.chain(blocks).collect());
    }
    let context = match (word, family) {
        ("server", "Http") => "Server",
        ("server", "Stream") => "StreamServer",
        ("server", "Mail") => "MailServer",
        ("upstream", "Http") => "Upstream",
        ("upstream", "Stream") => "StreamUpstream",
        _ => look_up(CONTEXTS, word)
            .ok_or_else(|| format!("{word:?} is neither a context of this family nor a number of arguments"))?,
    };
    Ok(vec![context])
}

/// Reads `1`, `1-3`, `1,3` or `2+` as the bits of `Arguments`.
fn parse_arguments(text: &str) -> Result<u16, String> {
    const COUNTED: u32 = 7;
    const MORE: u16 = 1 << 15;
    let wrong = || format!("{text:?} is no number of arguments from 0 to {COUNTED}");
    let digit = |text: &str| text.parse().ok().filter(|n| *n <= COUNTED).ok_or_else(wrong);
    let range = |from: u32, to: u32| (from..=to).fold(0, |bits, n| bits | 1 << n);
    if let Some(from) = text.strip_suffix('+') {
        return Ok(range(digit(from)?, COUNTED) | MORE);
    }
    text.split(',').try_fold(0, |bits, run| {
        let (from, to) = run.split_once('-').unwrap_or((run, run));
        match range(digit(from)?, digit(to)?) {
            0 => Err(wrong()),
            more => Ok(bits | more),
        }
    })
}

impl Directive {
    /// Takes one of the words that follow the number of arguments, in any order.
    fn take(&mut self, word: &str, module: &Module) -> Result<(), String> {
        if word.starts_with('{') {
            set(&mut self.body, parse_body(word, module.family)?, word)
        } else if let Some(part) = word.strip_prefix('$') {
            set(&mut self.variables, parse_expansion(part)?, word)
        } else if let Some(value) = parse_value(word)? {
            set(&mut self.value, value, word)
        } else if let Some(duplicate) = look_up(DUPLICATES, word) {
            set(&mut self.duplicate, duplicate, word)
        } else if let Some(inheritance) = look_up(INHERITANCES, word) {
            set(&mut self.inheritance, inheritance, word)
        } else if word == "undocumented" {
            set(&mut self.undocumented, (), word)
        } else if word == "deprecated" {
            set(&mut self.deprecated, None, word)
        } else if let Some((key, value)) = word.split_once('=') {
            self.take_key(key, value, module)
        } else {
            Err(format!("{word:?} is neither a kind of value nor a policy nor a key"))
        }
    }

    fn take_key(&mut self, key: &str, value: &str, module: &Module) -> Result<(), String> {
        match key {
            "docs" => set(&mut self.page, value.to_owned(), key),
            "requires" => {
                let feature = one_of(FEATURES, value, "feature of the build")?;
                set(&mut self.requires, feature, key)
            }
            "slot" => set(&mut self.slot, value.to_owned(), key),
            "since" => set(&mut self.since, parse_version(value)?, key),
            "last" => set(&mut self.last_in, parse_version(value)?, key),
            "removed" => set(&mut self.removed, parse_version(value)?, key),
            "deprecated" => set(&mut self.deprecated, Some(parse_version(value)?), key),
            "instead" => set(&mut self.instead, value.to_owned(), key),
            "before" => {
                let change = parse_change(value, &self.contexts, module.family)?;
                self.changes.push(change);
                Ok(())
            }
            _ => Err(format!("there is no key {key:?}")),
        }
    }

    /// Fills in what a line may leave out.
    fn finish(&mut self, module: &Module) -> Result<(), String> {
        if self.last_in.is_some() != self.removed.is_some() {
            return Err("last= and removed= go together".to_owned());
        }
        if self.instead.is_some() && self.deprecated.is_none() {
            return Err("instead= goes with deprecated".to_owned());
        }
        if !self.changes.is_sorted_by(|a, b| a.before < b.before) {
            return Err("the releases of before= must ascend".to_owned());
        }
        if self.defaults.iter().any(String::is_empty) {
            return Err("an empty default is written = \"\"".to_owned());
        }
        if !self.earlier_defaults.is_sorted_by(|(a, _), (b, _)| a > b) {
            return Err("the releases that changed the default must descend".to_owned());
        }
        if self.undocumented.is_none() && self.page.is_none() {
            self.page = module.page.clone();
        }
        self.finish_value();
        if module.origin == Origin::OpenSource && self.removed.is_none() {
            self.finish_policies();
        }
        Ok(())
    }

    fn finish_value(&mut self) {
        let nothing = self.arguments == 1;
        let value = self.value.get_or_insert_with(|| {
            let value = if nothing { "Nothing" } else { "Unknown" };
            value.to_owned()
        });
        let expansion = match value.starts_with("Complex") {
            true => "Everywhere",
            false => "Never",
        };
        self.variables.get_or_insert_with(|| expansion.to_owned());
    }

    /// What nginx's own parsers of values do unless a directive says otherwise.
    fn finish_policies(&mut self) {
        let bitmask = self.value.as_ref().is_some_and(|value| value.starts_with("Bitmask"));
        self.duplicate.get_or_insert(if bitmask { "WarnPerValue" } else { "Error" });
        self.inheritance.get_or_insert(match self.contexts[..] {
            // A location can stand in a location.
            ["Location"] => "Override",
            [_] => "NotApplicable",
            _ => "Override",
        });
    }
}

fn parse_body(word: &str, family: &str) -> Result<String, String> {
    let inner = word.trim_start_matches('{').trim_end_matches('}');
    Ok(match inner {
        "data" => "Data".to_owned(),
        "lua" => "Lua".to_owned(),
        "if" => "If".to_owned(),
        _ => match parse_context(inner, family)?.as_slice() {
            [context] => format!("Directives(Context::{context})"),
            _ => return Err(format!("{word:?} is not one context")),
        },
    })
}

fn parse_expansion(part: &str) -> Result<String, String> {
    if part.is_empty() {
        return Ok("Everywhere".to_owned());
    }
    let part = one_of(PARTS, part, "part of a value")?;
    Ok(format!("Only({part:?})"))
}

/// Reads a kind of value; `None` if the word is something else.
fn parse_value(word: &str) -> Result<Option<String>, String> {
    let Some((kind, rest)) = word.split_once('(') else {
        return Ok(look_up(PLAIN_VALUES, word).map(str::to_owned));
    };
    let inner = rest.strip_suffix(')').ok_or_else(|| format!("{word:?} has no end"))?;
    if kind == "number" {
        return parse_bounds(inner).map(Some);
    }
    let (_, rust, any_case) = WORD_VALUES
        .iter()
        .find(|(known, ..)| *known == kind)
        .ok_or_else(|| format!("{kind:?} is no kind of value with words"))?;
    let list: Vec<&str> = inner.split('|').collect();
    if list.contains(&"") {
        return Err(format!("an empty word in {word:?}"));
    }
    Ok(Some(format!("{rust}(Words {{ list: &{list:?}, any_case: {any_case} }})")))
}

fn parse_bounds(text: &str) -> Result<String, String> {
    let bounds = text.split_once("..").and_then(|(low, high)| {
        let bounds: (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
        (bounds.0 <= bounds.1).then_some(bounds)
    });
    match bounds {
        Some(bounds) => Ok(format!("Number(Some({bounds:?}))")),
        None => Err(format!("{text:?} are no bounds such as 1..9")),
    }
}

/// What a directive was before a release.
struct Change {
    before: Version,
    contexts: Vec<&'static str>,
    arguments: u16,
    flag: bool,
}

/// Reads `1.9.3:1-2@http,server`.
fn parse_change(text: &str, now: &[&'static str], family: &str) -> Result<Change, String> {
    let (before, form) = text.split_once(':').ok_or_else(|| format!("before={text} does not say what was before"))?;
    let (count, contexts) = match form.split_once('@') {
        None => (form, now.to_vec()),
        Some((count, contexts)) => {
            let contexts: Result<Vec<_>, _> = contexts.split(',').map(|word| parse_context(word, family)).collect();
            (count, contexts?.concat())
        }
    };
    let flag = count == "flag";
    Ok(Change {
        before: parse_version(before)?,
        contexts,
        arguments: parse_arguments(if flag { "1" } else { count })?,
        flag,
    })
}

#[derive(PartialEq, PartialOrd)]
struct Version(u16, u16, u16);

fn parse_version(text: &str) -> Result<Version, String> {
    let numbers: Result<Vec<u16>, _> = text.split('.').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[major, minor, patch]) => Ok(Version(major, minor, patch)),
        _ => Err(format!("{text:?} is no version such as 1.25.1")),
    }
}

// ---------------------------------------------------------------------------------------------
// Variables.

struct Variable {
    /// Without the star of a prefix.
    name: String,
    family: &'static str,
    /// Place in the list of modules.
    module: usize,
    origin: Origin,
    prefix: bool,
    changeable: Option<()>,
    volatile: Option<()>,
    undocumented: Option<()>,
    requires: Option<String>,
}

fn parse_variable(line: &str, modules: &[Module]) -> Result<Variable, String> {
    let mut words = line.split_whitespace();
    let full = next(&mut words, "the variable's name")?;
    let name = full.strip_suffix('*').unwrap_or(full);
    let written = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if !name.bytes().all(written) {
        return Err(format!("{full:?} is no name of a variable in lower case"));
    }
    let family = parse_family(next(&mut words, "the variable's family")?)?;
    let module_name = next(&mut words, "the variable's module")?;
    let module = modules
        .iter()
        .position(|module| module.name == module_name && module.family == family)
        .ok_or_else(|| format!("{DIRECTIVES} has no {module_name} of this family"))?;
    let mut variable = Variable {
        name: name.to_owned(),
        family,
        module,
        origin: modules[module].origin.clone(),
        prefix: name != full,
        changeable: None,
        volatile: None,
        undocumented: None,
        requires: None,
    };
    for word in words {
        variable.take(word)?;
    }
    Ok(variable)
}

impl Variable {
    fn take(&mut self, word: &str) -> Result<(), String> {
        match word.split_once('=').unwrap_or((word, "")) {
            ("changeable", "") => set(&mut self.changeable, (), word),
            ("volatile", "") => set(&mut self.volatile, (), word),
            ("undocumented", "") => set(&mut self.undocumented, (), word),
            ("plus", "") => {
                self.origin = Origin::Plus;
                Ok(())
            }
            ("requires", feature) => {
                let feature = one_of(FEATURES, feature, "feature of the build")?;
                set(&mut self.requires, feature, word)
            }
            _ => Err(format!("a variable has no {word:?}")),
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Rust source.

fn emit(modules: &[Module], directives: &[Directive], variables: &[Variable]) -> String {
    let directive_names = names(directives.iter().map(|directive| &*directive.name));
    let variable_names = names(variables.iter().map(|variable| &*variable.name));
    let mut source = String::new();
    table(&mut source, "MODULES", "Module", modules);
    table(&mut source, "DIRECTIVES", "Directive", directives);
    table(&mut source, "VARIABLES", "Variable", variables);
    table(&mut source, "VARIABLE_PREFIXES", "u16", &prefixes(variables));
    name_table(&mut source, "DIRECTIVE_NAMES", &directive_names);
    name_table(&mut source, "VARIABLE_NAMES", &variable_names);
    source
}

fn table<T: Display>(source: &mut String, name: &str, kind: &str, entries: &[T]) {
    let count = entries.len();
    let _ = writeln!(source, "pub(super) static {name}: [{kind}; {count}] = [");
    for entry in entries {
        let _ = writeln!(source, "    {entry},");
    }
    source.push_str("];\n");
}

/// The places of the prefixes, the longest first.
fn prefixes(variables: &[Variable]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..variables.len()).filter(|place| variables[*place].prefix).collect();
    places.sort_by_key(|place| std::cmp::Reverse(variables[*place].name.len()));
    places
}

/// The distinct names and where the records of each begin, and where the last ones end.
fn names<'a>(sorted: impl Iterator<Item = &'a str>) -> (Vec<&'a str>, Vec<usize>) {
    let (mut names, mut starts, mut count) = (Vec::new(), Vec::new(), 0);
    for name in sorted {
        if names.last() != Some(&name) {
            names.push(name);
            starts.push(count);
        }
        count += 1;
    }
    starts.push(count);
    (names, starts)
}

fn name_table(source: &mut String, table: &str, (names, starts): &(Vec<&str>, Vec<usize>)) {
    let slots = slots(names);
    let _ = writeln!(
        source,
        "pub(super) static {table}: NameTable = NameTable {{\n    \
         names: &{names:?},\n    starts: &{starts:?},\n    slots: &{slots:?},\n}};"
    );
}

/// Places each name in the first free slot from its home on.
fn slots(names: &[&str]) -> Vec<u32> {
    let mut slots = vec![hash::EMPTY; (names.len() * 2).next_power_of_two()];
    for (index, name) in (0..).zip(names) {
        let hash = hash::hash(name);
        let mut at = hash::home(hash, slots.len());
        while slots[at] != hash::EMPTY {
            at = (at + 1) % slots.len();
        }
        slots[at] = hash::tag(hash) << 16 | index;
    }
    slots
}

fn contexts_of(contexts: &[&str]) -> String {
    let list: Vec<String> = contexts.iter().map(|name| format!("Context::{name}")).collect();
    format!("Contexts::of(&[{}])", list.join(", "))
}

/// Writes an option of something that is written as Rust by its `Display`.
fn option<T: Display>(value: &Option<T>) -> String {
    value.as_ref().map_or("None".to_owned(), |value| format!("Some({value})"))
}

/// Writes an option of text.
fn text(value: &Option<String>) -> String {
    format!("{value:?}")
}

impl Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(major, minor, patch) = self;
        write!(formatter, "Version::new({major}, {minor}, {patch})")
    }
}

impl Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenSource => formatter.write_str("Origin::OpenSource"),
            Self::Plus => formatter.write_str("Origin::Plus"),
            Self::Package(name) => write!(formatter, "Origin::Package({name:?})"),
        }
    }
}

impl Display for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Module {{ name: {:?}, family: Family::{}, origin: {}, built_by_default: {}, \
             configure: {}, platform: {}, page: {} }}",
            self.name,
            self.family,
            self.origin,
            self.built_by_default,
            text(&self.configure),
            text(&self.platform),
            text(&self.page),
        )
    }
}

impl Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Change {{ before: {}, form: Form {{ contexts: {}, \
             arguments: Arguments::from_bits({}), flag: {} }} }}",
            self.before,
            contexts_of(&self.contexts),
            self.arguments,
            self.flag,
        )
    }
}

impl Display for Directive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes: Vec<String> = self.changes.iter().map(Change::to_string).collect();
        let earlier = self
            .earlier_defaults
            .iter()
            .map(|(before, values)| format!("EarlierDefaults {{ before: {before}, values: &{values:?} }}"));
        let earlier: Vec<String> = earlier.collect();
        let deprecated = self.deprecated.as_ref().map(|since| {
            let (since, instead) = (option(since), text(&self.instead));
            format!("Deprecation {{ since: {since}, instead: {instead} }}")
        });
        write!(
            formatter,
            "Directive {{ name: {:?}, module: &MODULES[{}], contexts: {}, \
             arguments: Arguments::from_bits({}), body: Body::{}, value: ValueKind::{}, \
             variables: Expansion::{}, duplicate: Duplicate::{}, inheritance: Inheritance::{}, \
             slot: {:?}, defaults: &{:?}, earlier_defaults: &[{}], page: {}, requires: {}, since: {}, changes: &[{}], last_in: {}, \
             removed: {}, deprecated: {} }}",
            self.name,
            self.module,
            contexts_of(&self.contexts),
            self.arguments,
            self.body.as_deref().unwrap_or("None"),
            self.value.as_deref().unwrap_or("Unknown"),
            self.variables.as_deref().unwrap_or("Never"),
            self.duplicate.unwrap_or("Unknown"),
            self.inheritance.unwrap_or("Unknown"),
            self.slot.as_ref().unwrap_or(&self.name),
            self.defaults,
            earlier.join(", "),
            text(&self.page),
            text(&self.requires),
            option(&self.since),
            changes.join(", "),
            option(&self.last_in),
            option(&self.removed),
            option(&deprecated),
        )
    }
}

impl Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Variable {{ name: {:?}, family: Family::{}, module: &MODULES[{}], origin: {}, \
             prefix: {}, changeable: {}, volatile: {}, documented: {}, requires: {} }}",
            self.name,
            self.family,
            self.module,
            self.origin,
            self.prefix,
            self.changeable.is_some(),
            self.volatile.is_some(),
            self.undocumented.is_none(),
            text(&self.requires),
        )
    }
}
