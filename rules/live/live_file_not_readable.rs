//! Files and directories that the workers cannot read.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{FileFact, FileKind};
use crate::model::{Base, Block, Directive, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-file-not-readable",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html#auth_basic_user_file"],
    equivalents: &[],
    page: include_str!("live_file_not_readable.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.facts().is_none() {
        return;
    }
    for directive in model.directives_named(&["auth_basic_user_file"]).filter(|directive| asks_for_users(*directive)) {
        say_of_users(model, directive, findings);
    }
    for directive in model.directives_named(&["root", "alias"]).filter(|directive| serves_files(*directive)) {
        say_of_root(model, directive, findings);
    }
}

/// Whether somebody is asked for a name and password of this file.
fn asks_for_users(directive: Directive<'_>) -> bool {
    let is_on = |asking: Directive<'_>| asking.argument(0) != Some("off");
    let is_its = |asking: &Directive<'_>| {
        let file = asking.parent().effective(directive.name()).directive();
        file.is_some_and(|file| file.id() == directive.id())
    };
    let own = directive.parent().effective("auth_basic").directive();
    own.is_some_and(is_on)
        || directive.model().directives_named(&["auth_basic"]).any(|asking| is_on(asking) && is_its(&asking))
}

fn say_of_users(model: &Model<'_>, directive: Directive<'_>, findings: &mut Findings) {
    let path = directive.argument(0).and_then(|text| model.absolute_path(text, Base::Configuration));
    let Some((path, fact)) = path.as_deref().and_then(|path| model.fact_at(path)) else { return };
    let place = directive.place_of_argument(0);
    if fact.kind == FileKind::Missing {
        let finding = findings.add(place, format!("{path}, the file with users and passwords, is not there"));
        finding.note("whoever gives a name and password gets 403: \"open() failed (2: No such file or directory)\"; nginx -t does not look for the file");
        finding.help(format!("make it: htpasswd -c {path} NAME"));
        return;
    }
    if fact.worker_reads != Some(false) {
        return;
    }
    let message = match &fact.worker_stops_at {
        Some(stop) => format!("the workers cannot read {path}: they may not enter {stop}"),
        None => format!("the workers may not read {path}{}", described(fact)),
    };
    let finding = findings.add(place, message);
    finding.note("whoever gives a name and password gets 500: \"open() failed (13: Permission denied)\"; nginx -t does not look at the file");
    finding.help(match (&fact.worker_stops_at, user(model)) {
        (Some(stop), _) => format!("let the user of the workers enter it: chmod o+x {stop}"),
        (None, Some(user)) => format!("let {user} read it: chown root:{user} {path}; chmod 640 {path}"),
        (None, None) => "let the user of the workers read it".to_owned(),
    });
}

fn say_of_root(model: &Model<'_>, directive: Directive<'_>, findings: &mut Findings) {
    let path = directive.argument(0).and_then(|text| model.absolute_path(text, Base::Prefix));
    let Some((path, fact)) = path.as_deref().and_then(|path| model.fact_at(path)) else { return };
    // A directory that may be entered and not listed serves its files.
    let is_shut = fact.worker_reads == Some(false) && fact.mode.is_some_and(|mode| mode & 0o001 == 0);
    let is_closed = fact.worker_stops_at.is_some() || (fact.kind == FileKind::Directory && is_shut);
    if !is_closed || fact.kind == FileKind::Missing {
        return;
    }
    let stop = fact.worker_stops_at.as_deref().unwrap_or(path);
    let message = if stop == path {
        format!("the workers may not enter {path}{}", described(fact))
    } else {
        format!("the workers cannot get to {path}: they may not enter {stop}")
    };
    let finding = findings.add(directive.place_of_argument(0), message);
    finding.severity(Severity::Warning);
    finding.note("files there get 403: \"failed (13: Permission denied)\"; try_files takes them for missing");
    finding.help(format!("let the user of the workers enter it: chmod o+x {stop}"));
}

fn user<'m>(model: &'m Model<'_>) -> Option<&'m str> {
    let user = model.facts()?.nginx.user.as_ref()?;
    Some(user.name.as_str()).filter(|name| !name.is_empty())
}

fn described(fact: &FileFact) -> String {
    match (&fact.owner, fact.mode) {
        (Some(owner), Some(mode)) => format!(", which belongs to {owner} with mode {:03o}", mode & 0o777),
        (Some(owner), None) => format!(", which belongs to {owner}"),
        (None, _) => String::new(),
    }
}

/// Whether files of this directory are certainly asked for: by the block it
/// stands in, or by a location in there that leaves its requests to them.
fn serves_files(directive: Directive<'_>) -> bool {
    let block = directive.parent();
    let answers = |block: Block<'_>| !block.handlers().is_empty() || block.directive("return").is_some();
    if block.is(Context::Location) {
        return !answers(block);
    }
    let mut locations = block.directives("location").filter_map(|location| location.block()).peekable();
    if locations.peek().is_none() {
        return block.is(Context::Server) && !answers(block);
    }
    locations.any(|location| {
        let is_own = location.effective(directive.name()).directive().is_some_and(|own| own.id() == directive.id());
        is_own && (location.is_left_to_files() || location.directive("try_files").is_some()) && !answers(location)
    })
}
