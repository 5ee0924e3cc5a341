//! Directives that the nginx of this machine does not have.

use std::collections::BTreeMap;

use crate::catalog::{self, Origin, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Binary;
use crate::model::{Block, Directive, Kind, Model, is_first_in_plus};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-running-version",
    group: Group::Live,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/control.html#upgrade"],
    equivalents: &[],
    page: include_str!("live_running_version.md"),
    check: Check::Configuration(check),
};

/// So many names are listed.
const NAMED: usize = 5;

/// The modules of whole blocks, and the options that build them.
const BLOCKS: [(&str, &str); 2] = [("ngx_stream_module", "--with-stream"), ("ngx_mail_module", "--with-mail")];

/// What is made of nginx, and counts its releases otherwise.
const RELATIVES: [&str; 5] = ["angie", "freenginx", "openresty", "plus", "tengine"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    let (installed, running) = model.releases_seen();
    if facts.nginx.binary.as_ref().is_some_and(is_a_relative) {
        return;
    }
    let master = facts.nginx.master.as_ref();
    let is_replaced = master.is_some_and(|master| master.is_replaced == Some(true));
    if let (Some(installed), Some(running), true) = (installed, running, is_replaced && installed != running) {
        say_replaced(model, installed, running, findings);
    }
    if model.version().is_some() || model.is_for_plus() {
        // The rules about what nginx refuses judge by it.
        return;
    }
    let arguments = facts.nginx.binary.as_ref().map_or(&[][..], |binary| &binary.arguments);
    let machine = Programs { installed, running: running.filter(|_| is_replaced), arguments };
    for (directive, missing) in first_of_each(model, &machine).into_iter().take(NAMED) {
        say(directive, &missing, findings);
    }
}

/// Whether it is a program with releases, or modules, of its own.
fn is_a_relative(binary: &Binary) -> bool {
    let texts = binary.arguments.iter().chain([&binary.path, &binary.version]);
    let mut names = texts.map(|text| text.to_ascii_lowercase());
    names.any(|text| RELATIVES.iter().any(|name| text.contains(name)))
}

/// The programs that may read the configuration.
struct Programs<'m> {
    installed: Option<Version>,
    /// When it is another one than the one installed.
    running: Option<Version>,
    arguments: &'m [String],
}

/// Why a directive is not known.
#[derive(Clone, Copy)]
enum Missing {
    Since(Version, Version),
    Removed(Version, Version),
    /// The module is not in the program.
    Module(&'static str, Option<&'static str>),
    /// The module is a file of its own, which nothing loads.
    Load(&'static str),
    /// The program that runs is too old, or too new; the other one is not.
    OfRunning(Version),
}

/// The first directive of each name that is not known.
fn first_of_each<'m>(model: &'m Model<'_>, programs: &Programs<'_>) -> Vec<(Directive<'m>, Missing)> {
    let mut found: BTreeMap<&str, (Directive<'m>, Missing)> = BTreeMap::new();
    let all = model.blocks().filter(|block| matches!(block.kind(), Kind::Directives(_)));
    for directive in all.flat_map(Block::directives_by_name) {
        let is_first = found.get(directive.name()).is_none_or(|(known, _)| directive.id() < known.id());
        if let Some(missing) = Some(directive).filter(|_| is_first).and_then(|it| missing(model, it, programs)) {
            found.insert(directive.name(), (directive, missing));
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|(directive, _)| directive.id());
    found
}

fn missing(model: &Model<'_>, directive: Directive<'_>, programs: &Programs<'_>) -> Option<Missing> {
    let definitions: Vec<_> = directive.definitions().collect();
    let is_foreign = |known: &&catalog::Directive| known.module.origin != Origin::OpenSource || is_first_in_plus(known);
    // What no supported release has is said without looking at the machine.
    if definitions.is_empty()
        || definitions.iter().any(is_foreign)
        || !definitions.iter().any(|it| model.profile().has(it))
    {
        return None;
    }
    let all = |why: &dyn Fn(&catalog::Directive) -> Option<Missing>| {
        let reasons: Option<Vec<Missing>> = definitions.iter().map(|known| why(known)).collect();
        reasons.and_then(|reasons| reasons.first().copied())
    };
    let by_installed = programs.installed.and_then(|version| all(&|known| by_release(known, version)));
    let by_running = programs
        .running
        .and_then(|version| all(&|known| by_release(known, version)).map(|_| Missing::OfRunning(version)));
    by_installed.or_else(|| all(&|known| by_module(model, known, programs))).or(by_running)
}

fn by_release(known: &catalog::Directive, version: Version) -> Option<Missing> {
    match (known.since, known.removed) {
        (Some(since), _) if version < since => Some(Missing::Since(since, version)),
        (_, Some(removed)) if removed <= version => Some(Missing::Removed(removed, version)),
        _ => None,
    }
}

fn by_module(model: &Model<'_>, known: &catalog::Directive, programs: &Programs<'_>) -> Option<Missing> {
    let module = known.module;
    let block = BLOCKS.iter().find(|(name, _)| *name == module.name).map(|(_, option)| *option);
    let option = block.or(module.configure).filter(|_| !programs.arguments.is_empty())?;
    let argument = programs
        .arguments
        .iter()
        .find_map(|argument| argument.strip_prefix(option).filter(|rest| rest.is_empty() || rest.starts_with('=')));
    let is_loaded = model.directives_named(&["load_module"]).any(|load| brings(load, module.name));
    match argument {
        _ if is_loaded => None,
        Some(_) if option.starts_with("--without") => Some(Missing::Module(module.name, None)),
        None if option.starts_with("--without") || (module.built_by_default && block.is_none()) => None,
        None => Some(Missing::Module(module.name, Some(option))),
        Some("=dynamic") if !model.main().is_unseen() => Some(Missing::Load(module.name)),
        Some(_) => None,
    }
}

/// Whether a `load_module` brings a module. A file may bring several: that of
/// stream brings what is in stream.
fn brings(load: Directive<'_>, module: &str) -> bool {
    let file = load.argument(0).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let family = family_of(module);
    file.contains(module) || (family.is_some() && family_of(file) == family)
}

/// `ngx_stream` of `ngx_stream_ssl_module`.
fn family_of(name: &str) -> Option<&str> {
    let family = name.match_indices('_').nth(1).map(|(at, _)| &name[..at]);
    family.filter(|family| *family != "ngx_http")
}

fn say(directive: Directive<'_>, missing: &Missing, findings: &mut Findings) {
    let name = directive.name();
    let message = match missing {
        Missing::Since(since, version) => format!("{name} needs nginx {since}, and {version} is installed"),
        Missing::Removed(removed, version) => format!("nginx {removed} took {name} out, and {version} is installed"),
        Missing::Module(module, _) => {
            format!("the nginx that is installed was built without {module}, which has {name}")
        }
        Missing::Load(module) => format!("{name} is in {module}, a file of its own, which no load_module loads"),
        Missing::OfRunning(version) => {
            format!("the nginx that runs is {version} and does not have {name}; the one installed has")
        }
    };
    let finding = findings.add(directive.place_of_name(), message).about(directive);
    finding.note(format!("nginx does not start with it, and refuses a reload: unknown directive \"{name}\""));
    finding.help(match missing {
        Missing::Since(since, _) => format!("install nginx {since} or newer, or write it in the way of the release that is there"),
        Missing::Removed(..) => "take it out, or write what replaced it".to_owned(),
        Missing::Module(_, Some(option)) => format!("install a package of nginx built with {option}, or load the module with load_module if it is a file of its own"),
        Missing::Module(_, None) => "install a package of nginx that has it".to_owned(),
        Missing::Load(module) => format!("install the package with it (libnginx-mod-... in Debian), or write load_module modules/{module}.so; at the top"),
        Missing::OfRunning(_) => "restart nginx, so that the program that is installed runs".to_owned(),
    });
}

fn say_replaced(model: &Model<'_>, installed: Version, running: Version, findings: &mut Findings) {
    let message = format!("nginx {running} runs, and {installed} is installed: it was not restarted since");
    let finding = findings.add(model.place_of_configuration(), message);
    finding.severity(Severity::Info);
    finding.note("a reload goes on with the old program; nginx -t asks the new one");
    finding.help("systemctl restart nginx, or upgrade without losing connections: signals USR2 and QUIT");
}
