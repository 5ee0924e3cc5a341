//! A name of a server that nginx cannot read.

use std::collections::HashSet;

use crate::catalog::{Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Listener, Model, NameKind, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-server-name",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/server_names.html"],
    equivalents: &[],
    page: include_str!("invalid_server_name.md"),
    check: Check::Configuration(check),
};

/// From it on, servers of stream can share an address.
const VIRTUAL_STREAM: Version = Version::new(1, 25, 5);

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream] {
        // Servers of stream have names since then.
        if family == Family::Stream && model.version().is_some_and(|version| version < VIRTUAL_STREAM) {
            continue;
        }
        let mut has_misplaced = false;
        for server in model.servers(family) {
            for name in server.server_names() {
                let Some((directive, index)) = name.directive else { continue };
                if directive.is_template(index) {
                    continue;
                }
                let sound = check_name(directive, index, findings);
                has_misplaced |= sound && name.kind == NameKind::Misplaced;
            }
        }
        if has_misplaced {
            check_wildcards(model, family, findings);
        }
    }
}

/// What nginx sees when it reads the directive. True if it goes on.
fn check_name(directive: Directive<'_>, index: usize, findings: &mut Findings) -> bool {
    let text = directive.argument(index).unwrap_or_default();
    let place = directive.place_of_argument(index);
    if is_refused_at_once(text) {
        let finding = findings.add(place, format!("\"{text}\" is no name of a server"));
        finding.nginx_says(format!("server name \"{text}\" is invalid")).nginx_names(directive.terminator());
        finding.help(match text.trim_matches(['*', '.']) {
            "" => "for a server that takes what fits no other, write _ and make it the default_server".to_owned(),
            rest => format!("write *.{rest} for all names that end in .{rest}"),
        });
        return false;
    }
    if text == "~" {
        findings
            .add(place, "there is no regular expression behind \"~\"")
            .nginx_says("empty regex in server name \"~\"")
            .nginx_names(directive.terminator())
            .help("write the expression right behind it, such as ~^www\\d+\\.example\\.com$");
        return false;
    }
    if text.contains('/') {
        let finding = findings.add(place, format!("\"{text}\" has a slash, which no name of a host has"));
        finding.severity(Severity::Warning).not_refused();
        finding.nginx_says(format!("server name \"{text}\" has suspicious symbols"));
        finding.nginx_names(directive.terminator());
        finding.note("no request has such a Host, so it never reaches this server by that name");
        if let Some(host) = host_of_url(text) {
            finding.help(format!("write {host}"));
        }
    }
    true
}

fn is_refused_at_once(text: &str) -> bool {
    match text.as_bytes() {
        [b'*', rest @ ..] => rest.len() < 2 || rest[0] != b'.',
        [b'.'] => true,
        _ => false,
    }
}

/// The host of something that looks like a URL.
fn host_of_url(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', ':']).next().filter(|host| !host.is_empty() && !text.starts_with('~'))
}

/// Asterisks and dots that nginx only looks at when it has to choose between
/// servers.
fn check_wildcards(model: &Model<'_>, family: Family, findings: &mut Findings) {
    let mut reported = HashSet::new();
    for listener in model.listeners_by_port(family).into_iter().filter(|listener| looks_at_names(*listener)) {
        for server in listener.servers() {
            for name in server.server_names().iter().filter(|name| name.kind == NameKind::Misplaced) {
                let Some((directive, index)) = name.directive else { continue };
                let text = directive.argument(index).unwrap_or_default();
                if is_refused_at_once(text) || has_placeholder(text) {
                    continue;
                }
                let place = directive.place_of_argument(index);
                if !reported.insert(place) {
                    continue;
                }
                let socket = listener.socket();
                let finding = findings.add(place, message(text));
                finding.nginx_says(format!("invalid server name or wildcard \"{}\" on {socket}", name.text));
                finding.help("an asterisk can stand at the beginning, as in *.example.com, or at the end, as in www.example.*; for anything else write a regular expression, such as ~^www\\d+\\.example\\.com$");
            }
        }
    }
}

fn message(text: &str) -> String {
    if text.contains("..") {
        return format!("\"{text}\" has two dots in a row");
    }
    format!("\"{text}\" has an asterisk where nginx takes none")
}

/// Whether nginx looks at the names on an address: it does when more than one
/// server shares it, or when the default one has captures for variables.
fn looks_at_names(listener: Listener<'_>) -> bool {
    let (stated, implied): (Vec<_>, Vec<_>) =
        listener.listenings().partition(|listening| listening.directive.is_some());
    // Where a server without any listen is depends on who starts nginx.
    let has_many = |servers: &[Block<'_>]| servers.iter().any(|server| *server != servers[0]);
    let stated: Vec<Block<'_>> = stated.into_iter().map(|listening| listening.server).collect();
    let implied: Vec<Block<'_>> = implied.into_iter().map(|listening| listening.server).collect();
    has_many(&stated) || has_many(&implied) || listener.default_server().is_some_and(Block::has_capturing_name)
}
