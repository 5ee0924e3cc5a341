//! Lines of a map that nginx does not take.

use std::collections::HashMap;

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, HashKeyError, HashKeys, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-map",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_map_module.html#map"],
    equivalents: &[],
    page: include_str!("invalid_map.md"),
    check: Check::Directives(&["map"], check),
};

fn check(map: Directive<'_>, findings: &mut Findings) {
    let Some(block) = map.block().filter(|_| map.taken_as().is_some()) else { return };
    let mut seen = Seen::default();
    for line in block.lines() {
        check_line(line, &mut seen, findings);
    }
}

/// What the lines so far have said.
#[derive(Default)]
struct Seen<'m> {
    hostnames: bool,
    default: Option<Directive<'m>>,
    keys: HashKeys,
    /// For each key in lower case, its line.
    lines: HashMap<String, Directive<'m>>,
}

fn check_line<'m>(line: Directive<'m>, seen: &mut Seen<'m>, findings: &mut Findings) {
    let words = 1 + line.argument_count();
    match (words, line.name()) {
        (1, "hostnames") => seen.hostnames = true,
        (1, "volatile") => {}
        (2, "include") => {}
        (2, "default") => check_default(line, seen, findings),
        (2, key) if key.starts_with('~') || has_placeholder(key) => {}
        (2, key) => check_key(line, key, seen, findings),
        _ => wrong_number(line, findings),
    }
}

fn check_default<'m>(line: Directive<'m>, seen: &mut Seen<'m>, findings: &mut Findings) {
    let Some(first) = seen.default else {
        seen.default = Some(line);
        return;
    };
    findings
        .add(line.place(), "this map has two lines for \"default\"")
        .nginx_says("duplicate default map parameter")
        .nginx_names(line.terminator())
        .label(first.place(), "the first one")
        .help("keep one of them; for the value \"default\" itself write \\default");
}

fn check_key<'m>(line: Directive<'m>, key: &'m str, seen: &mut Seen<'m>, findings: &mut Findings) {
    let name = key.strip_prefix('\\').unwrap_or(key);
    let lower = name.to_ascii_lowercase();
    match seen.keys.add(name, seen.hostnames) {
        Ok(()) => {
            seen.lines.entry(lower).or_insert(line);
        }
        Err(HashKeyError::Conflicting) => {
            let first = seen.lines.get(&lower);
            let message = match first {
                Some(first) if first.name() == key => format!("this map has two lines for \"{key}\""),
                Some(first) => {
                    format!("this map has lines for \"{}\" and \"{key}\", which are the same to it", first.name())
                }
                None => format!("another line of this map stands for \"{key}\" already"),
            };
            let finding = findings.add(line.place_of_name(), message);
            finding
                .nginx_says(format!("conflicting parameter \"{lower}\""))
                .nginx_names(line.terminator())
                .help("keep one of them; where case matters write a regular expression, as in \"~^Text$\"");
            if let Some(first) = first {
                finding.label(first.place_of_name(), "the first one");
            }
        }
        Err(HashKeyError::Invalid) => {
            findings
                .add(line.place_of_name(), format!("\"{key}\" is no host name, and no wildcard for some"))
                .nginx_says(format!("invalid hostname or wildcard \"{name}\""))
                .nginx_names(line.terminator())
                .help("with \"hostnames\", write \"*.name\", \".name\" or \"name.*\", or a regular expression that begins with ~");
        }
    }
}

fn wrong_number(line: Directive<'_>, findings: &mut Findings) {
    if line.words().iter().enumerate().any(|(index, _)| index > 0 && line.is_template(index - 1)) {
        return;
    }
    let key = line.name();
    let message = match line.argument_count() {
        0 => format!("\"{key}\" has no value in this map"),
        more => format!("\"{key}\" has {more} values in this map instead of one"),
    };
    let help = match line.argument_count() {
        0 => "write the value behind it; \"\" is the empty one",
        _ if line.goes_on_in_another_line() => "end each line with \";\"",
        _ => "put quotes around a key or a value with blanks in it",
    };
    findings
        .add(line.place(), message)
        .nginx_says("invalid number of the map parameters")
        .nginx_names(line.terminator())
        .help(help);
}
