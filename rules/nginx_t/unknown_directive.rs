//! A directive that no module has.

use crate::catalog::{self, Directive as Definition, Origin};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Kind, Misfit, Model, is_first_in_plus};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unknown-directive",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/dirindex.html"],
    equivalents: &[],
    page: include_str!("unknown_directive.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (directive, misfit) in model.misfits() {
        if misfit == Misfit::Unknown && !is_known_but_for_a_lookalike(directive.name()) {
            report(directive, findings);
        }
    }
    tell_of_plus(model, findings);
}

/// Of directives that only NGINX Plus has, the first is told of when it is not
/// known which nginx is meant.
fn tell_of_plus(model: &Model<'_>, findings: &mut Findings) {
    if model.profile().modules.is_some() {
        return;
    }
    let Some(directive) = model.first_of_plus().filter(|directive| directive.is_read()) else { return };
    let name = directive.name();
    let finding = findings.add(directive.place_of_name(), format!("only NGINX Plus has \"{name}\""));
    finding.severity(Severity::Info).not_refused();
    finding.note(format!("open source nginx refuses to start or reload: unknown directive \"{name}\""));
    finding
        .help("leave it out; or, if this is for NGINX Plus, say so in nginx-lint.toml: [nginx] modules = [\"plus\"]");
}

/// Whether only a character that looks like a blank makes it unknown; another
/// rule says that.
fn is_known_but_for_a_lookalike(name: &str) -> bool {
    let is_letter = |character: char| character.is_ascii() && !matches!(character, '\u{b}' | '\u{c}');
    !name.chars().all(is_letter)
        && name.split(|character| !is_letter(character)).any(|part| !catalog::find(part).is_empty())
}

fn report(directive: Directive<'_>, findings: &mut Findings) {
    let known = catalog::find(directive.name());
    if known.is_empty() {
        report_unknown(directive, findings);
    } else {
        report_missing(directive, known, findings);
    }
}

/// A name that no nginx and no module that is known has.
fn report_unknown(directive: Directive<'_>, findings: &mut Findings) {
    let name = directive.name();
    let message = if name.is_empty() {
        "an empty word stands where a directive should be".to_owned()
    } else {
        format!("there is no directive \"{name}\"")
    };
    let meant = intended(directive);
    if meant.is_none() && is_cut_off_by_a_brace(directive) {
        let finding = findings
            .add(directive.place_of_name(), format!("\"{{\" opens a block here, and \"{name}\" is its first word"));
        finding.nginx_says(Misfit::Unknown.says(name)).nginx_names(directive.terminator());
        finding.help("quote the whole argument, so that \"{\" is a part of it");
        return;
    }
    let broken = directive.model().files()[directive.file().index()].syntax.problem_count > 0;
    if broken && meant.is_none() {
        // What a missing quote or brace has cut loose is no directive.
        return;
    }
    let finding = findings.add(directive.place_of_name(), message);
    let printed = directive.until_nul(0);
    finding.nginx_says(Misfit::Unknown.says(printed)).nginx_names(directive.terminator());
    match meant {
        Some(meant) => {
            finding.help(format!("did you mean \"{meant}\"?"));
        }
        None if may_be_of_another_module(directive) => {
            finding.severity(Severity::Warning).not_refused().verdict = None;
            finding.note("nginx refuses the file unless a module that is not known here brings it");
            finding.help("check the spelling, or that the module is loaded");
        }
        None => {
            finding.help("check the spelling, or load the module that brings it with \"load_module\"");
        }
    }
}

/// Whether it is the rest of a word that has a brace in it, as in the regular
/// expression `^/a{2}$` without quotes.
fn is_cut_off_by_a_brace(directive: Directive<'_>) -> bool {
    let Some(head) = directive.parent().head() else { return false };
    let brace = head.terminator().span;
    let own = directive.place_of_name().location.span;
    let before = head.place().location.span.end;
    head.file() == directive.file() && brace.start == before && brace.end == own.start
}

/// The directive that may stand here and has nearly this name; else one that
/// may stand elsewhere.
fn intended(directive: Directive<'_>) -> Option<&'static str> {
    let Kind::Directives(context) = directive.parent().kind() else { return None };
    let profile = directive.model().profile();
    let possible = |definition: &&Definition| profile.has(definition);
    let here = catalog::all().iter().filter(possible).filter(|definition| definition.contexts.contains(context));
    catalog::nearest(directive.name(), here.map(|definition| definition.name))
        .or_else(|| catalog::nearest(directive.name(), catalog::all().iter().filter(possible).map(|it| it.name)))
}

/// Whether a module that the catalog does not know may bring it: one is
/// loaded, or it is not said which modules there are and the name is made like
/// those of modules, with a prefix.
fn may_be_of_another_module(directive: Directive<'_>) -> bool {
    let name = directive.name();
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let has_prefix = name.trim_matches('_').contains('_');
    let model = directive.model();
    let is_possible = loads_another_module(model) || (has_prefix && model.profile().modules.is_none());
    is_possible && !name.is_empty() && name.bytes().all(is_letter)
}

fn loads_another_module(model: &Model<'_>) -> bool {
    let main = model.main();
    let is_known = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        let name = file.strip_suffix(".so").unwrap_or(file);
        catalog::modules().iter().any(|module| module.name == name)
    };
    main.directives("load_module").any(|load| load.argument(0).is_some_and(|path| !is_known(path)))
}

/// A name that is known, but not to the nginx that is meant.
fn report_missing(directive: Directive<'_>, known: &'static [Definition], findings: &mut Findings) {
    let name = directive.name();
    let model = directive.model();
    let profile = model.profile();
    if model.is_for_plus() && known.iter().any(is_first_in_plus) {
        return;
    }
    let in_release = |definition: &&Definition| profile.version.is_none_or(|version| definition.exists_in(version));
    let (message, help) = match known.iter().find(in_release) {
        Some(definition) => without_module(name, definition),
        None => outside_of_release(directive, known),
    };
    let finding = findings.add(directive.place_of_name(), message);
    finding.nginx_says(Misfit::Unknown.says(name)).nginx_names(directive.terminator());
    if let Some(help) = help {
        finding.help(help);
    }
}

fn without_module(name: &str, definition: &Definition) -> (String, Option<String>) {
    if definition.module.origin == Origin::Plus {
        return (format!("only NGINX Plus has \"{name}\", and this nginx is another"), Some(instead_of_plus(name)));
    }
    let module = definition.module.name;
    let help = match (definition.module.origin, definition.module.configure) {
        (Origin::Package(package), _) => format!("install {package} and load the module with \"load_module\""),
        (Origin::OpenSource, Some(option)) => format!("nginx has it when it is built with {option}"),
        _ => "load the module with \"load_module\"".to_owned(),
    };
    (format!("\"{name}\" needs the module {module}, which is not there"), Some(help))
}

/// What open source nginx has for the same end.
fn instead_of_plus(name: &str) -> String {
    let other = match name {
        "health_check" | "match" => "max_fails and fail_timeout leave out servers that fail",
        "status_zone" | "api" | "status" => "stub_status counts connections and requests",
        "state" => "write the servers into the group",
        "queue" => "a request that finds no server gets 502 at once",
        _ => "open source nginx has nothing like it",
    };
    format!("leave it out: {other}")
}

fn outside_of_release(directive: Directive<'_>, known: &'static [Definition]) -> (String, Option<String>) {
    let name = directive.name();
    let target = directive.model().version().map(|version| version.to_string()).unwrap_or_default();
    let added =
        known.iter().filter_map(|definition| definition.since).filter(|since| directive.model().may_be_before(*since));
    if let Some(since) = added.min() {
        let help = known.iter().any(is_first_in_plus).then(|| "NGINX Plus has it for longer".to_owned());
        return (format!("\"{name}\" came with nginx {since}, this configuration is for {target}"), help);
    }
    let removed = known.iter().filter_map(|definition| definition.removed).max();
    let removed = removed.map(|version| version.to_string()).unwrap_or_default();
    (format!("\"{name}\" was removed in nginx {removed}"), replacement(name).map(|text| format!("write {text}")))
}

/// What took the place of the removed directives that are still met.
fn replacement(name: &str) -> Option<&'static str> {
    match name {
        "ssl" => Some("\"listen 443 ssl\""),
        "limit_zone" => Some("\"limit_conn_zone\""),
        "spdy_headers_comp" | "spdy_chunk_size" => Some("\"http2 on\""),
        _ => None,
    }
}
