//! A pattern that finds no file, where files were meant.

use std::path::Path;

use crate::catalog::nearest;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, Nothing, is_leftover_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "include-matches-nothing",
    group: Group::Include,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#include"],
    equivalents: &[],
    page: include_str!("include_matches_nothing.md"),
    check: Check::Directives(&["include"], check),
};

/// Endings of files that are no configuration, or are meant to be left out.
const NOT_MEANT: [&str; 20] = [
    ".disabled",
    ".disable",
    ".off",
    ".inactive",
    ".sample",
    ".conf.example",
    ".dist",
    ".default",
    ".template",
    ".tmpl",
    ".tpl",
    ".j2",
    ".erb",
    ".in",
    ".md",
    ".txt",
    ".pem",
    ".crt",
    ".key",
    ".sh",
];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(nothing) = directive.include().and_then(|include| include.nothing.as_ref()) else { return };
    let argument = directive.argument(0).unwrap_or_default();
    let place = directive.place_of_argument(0);
    let silence = "nginx says nothing: what these files say is simply not there, and requests for their sites go to the default server";
    let missed = missed(directive.model(), nothing);
    if let Some((first, others)) = missed.split_first() {
        let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        let message = format!("\"{argument}\" matches nothing, though there is {first}{others} in that directory");
        findings
            .add(place, message)
            .note(silence)
            .help("rename the files so that the pattern finds them, or correct the pattern");
    } else if let Some(other) = similar(nothing) {
        let missing = shown(&nothing.directory);
        let message = format!("\"{argument}\" matches nothing: there is no {missing}, but there is {other}");
        findings.add(place, message).note(silence).help(format!("write {other} in the place of {missing}"));
    } else if nothing.names.is_empty() && (nothing.exists || nothing.live) {
        let what = if nothing.exists { "no such file in it" } else { "no such directory" };
        let message = format!("\"{argument}\" matches nothing: there is {what}");
        let finding = findings.add(place, message).severity(Severity::Info);
        finding.note("nginx includes nothing then, and does not complain").help("leave it, if files are to come there");
    }
}

/// The files that the pattern may have been meant to find, if nothing else
/// includes any.
fn missed<'n>(model: &Model<'_>, nothing: &'n Nothing) -> Vec<&'n str> {
    // Beside the main file lie files of many kinds.
    let main = model.files().first().and_then(|file| file.source.path().parent());
    if !nothing.exists || main == Some(&nothing.directory) {
        return Vec::new();
    }
    let is_included = |name: &str| {
        let path = nothing.directory.join(name);
        model.files().iter().any(|file| file.source.path() == path)
    };
    let is_meant = |name: &&str| !is_leftover_name(name) && !NOT_MEANT.iter().any(|ending| name.ends_with(ending));
    // What takes in some of them may leave out the others on purpose.
    if nothing.names.iter().any(|name| is_included(name)) {
        return Vec::new();
    }
    nothing.names.iter().map(String::as_str).filter(is_meant).collect()
}

/// A directory that exists and is written nearly the same.
fn similar(nothing: &Nothing) -> Option<&str> {
    let missing = nothing.directory.file_name().filter(|_| !nothing.exists)?.to_str()?;
    nearest(missing, nothing.names.iter().map(String::as_str))
}

fn shown(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or(directory.as_os_str());
    name.to_string_lossy().into_owned()
}
