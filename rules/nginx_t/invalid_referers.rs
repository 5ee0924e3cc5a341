//! Referers that nginx does not take, or that stand twice.

use std::collections::HashMap;

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, HashKeyError, HashKeys, Place};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-referers",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_referer_module.html#valid_referers"],
    equivalents: &[],
    page: include_str!("invalid_referers.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

/// So many `server_name` of a server are compared.
const MOST_NAMES: usize = 1_000;

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut all = block.directives("valid_referers").filter(|list| list.taken_as().is_some()).peekable();
    let Some(first) = all.peek().copied() else { return };
    let mut seen = Seen::default();
    for list in all {
        for (index, referer) in list.arguments().enumerate() {
            check_referer(list, index, referer, &mut seen, findings);
        }
    }
    if seen.server_names.is_some() {
        check_server_names(block, &mut seen, findings);
    }
    let nothing = seen.keys.is_empty() && !seen.is_uncertain && !block.is_unseen_for("valid_referers");
    if let Some(place) = seen.special.filter(|_| nothing) {
        findings
            .add(place, "these valid_referers name nobody")
            .nginx_says(
                "the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" directive without any valid referer",
            )
            .label(first.place(), "only none, blocked and regular expressions")
            .help("add server_names or a name, such as *.example.com");
    }
}

/// What the words so far have said.
#[derive(Default)]
struct Seen<'m> {
    keys: HashKeys,
    lines: HashMap<String, Place>,
    /// The first `none` or `blocked`.
    special: Option<Place>,
    server_names: Option<(Directive<'m>, usize)>,
    /// Something may be a name that is not known.
    is_uncertain: bool,
}

fn check_referer<'m>(
    list: Directive<'m>,
    index: usize,
    referer: &'m str,
    seen: &mut Seen<'m>,
    findings: &mut Findings,
) {
    let place = list.place_of_argument(index);
    match referer {
        _ if list.is_template(index) => seen.is_uncertain = true,
        "" => {
            findings
                .add(place, "an empty word is no referer")
                .nginx_says("invalid referer \"\"")
                .nginx_names(list.terminator())
                .help("write none for requests without a Referer header");
        }
        "none" | "blocked" => {
            seen.special.get_or_insert(place);
        }
        "server_names" => {
            seen.server_names.get_or_insert((list, index));
        }
        "~" => {
            findings
                .add(place, "there is no regular expression behind \"~\"")
                .nginx_says("empty regex in \"~\"")
                .nginx_names(list.terminator())
                .help("write it right behind the \"~\", without a blank");
        }
        _ if referer.starts_with('~') => {}
        _ => {
            let host = referer.split('/').next().unwrap_or_default();
            match seen.keys.add(host, true) {
                Ok(()) => {
                    seen.lines.insert(host.to_ascii_lowercase(), place);
                }
                Err(error) => refused(list, index, host, error, seen, findings),
            }
        }
    }
}

fn refused(
    list: Directive<'_>,
    index: usize,
    host: &str,
    error: HashKeyError,
    seen: &mut Seen<'_>,
    findings: &mut Findings,
) {
    let place = list.place_of_argument(index);
    seen.is_uncertain = true;
    match error {
        HashKeyError::Invalid => {
            findings
                .add(place, format!("\"{host}\" is no host name, and no wildcard for some"))
                .nginx_says(format!("invalid hostname or wildcard \"{host}\""))
                .nginx_names(list.terminator())
                .help("write \"*.name\", \".name\" or \"name.*\", or a regular expression that begins with ~");
        }
        HashKeyError::Conflicting => {
            let lower = host.to_ascii_lowercase();
            let finding = findings.add(place, conflict(host, list.argument(index).unwrap_or_default()));
            finding
                .nginx_says(format!("conflicting parameter \"{lower}\""))
                .nginx_names(list.terminator())
                .help("keep one of them");
            if let Some(first) = seen.lines.get(&lower) {
                finding.label(*first, "the first one");
            }
        }
    }
}

fn conflict(host: &str, written: &str) -> String {
    match (host, written) {
        ("", _) => format!("\"{written}\" names no host, and another one does neither"),
        _ if host == written => format!("the referer \"{host}\" is there already"),
        _ => format!("the host of the referer \"{written}\" is there already"),
    }
}

/// `server_names` brings in those of the server, once all is read.
fn check_server_names(block: Block<'_>, seen: &mut Seen<'_>, findings: &mut Findings) {
    let Some((list, index)) = seen.server_names else { return };
    let Some(server) = block.outwards().find(|outer| outer.is(Context::Server)) else { return };
    let http = server.parent().and_then(|http| http.head());
    let names: Vec<_> = server.directives("server_name").collect();
    if server.is_unseen_for("server_name") {
        seen.is_uncertain = true;
    } else if names.is_empty() && seen.keys.add("", true).is_err() {
        // nginx gives a server without a name the empty one.
        let place = list.place_of_argument(index);
        let finding = findings.add(place, "server_names brings in no name, and another referer has none either");
        finding.nginx_says("conflicting parameter \"\"").help("give the server a name, or remove server_names");
        if let Some(http) = http {
            finding.nginx_names(http.last_byte());
        }
    }
    for names in names.into_iter().take(MOST_NAMES) {
        for (at, name) in names.arguments().enumerate().filter(|(_, name)| !name.starts_with('~')) {
            if name.eq_ignore_ascii_case("$hostname") || names.is_template(at) {
                seen.is_uncertain = true;
            } else if seen.keys.add(name, true) == Err(HashKeyError::Conflicting) {
                let finding = findings.add(
                    list.place_of_argument(index),
                    format!("server_names brings in \"{name}\", which is there already"),
                );
                finding
                    .nginx_says(format!("conflicting parameter \"{}\"", name.to_ascii_lowercase()))
                    .label(names.place_of_argument(at), "the name of this server")
                    .help(format!("remove \"{name}\" from valid_referers"));
                if let Some(http) = http {
                    finding.nginx_names(http.last_byte());
                }
                return;
            }
        }
    }
}
