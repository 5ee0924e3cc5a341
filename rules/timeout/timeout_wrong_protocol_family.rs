//! Timeouts and buffers of another protocol than the one requests are passed
//! on with.

use std::sync::LazyLock;

use crate::catalog::{self, Context};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, PASS_DIRECTIVES, Protocol};

/// See the page.
pub const RULE: Rule = Rule {
    name: "timeout-wrong-protocol-family",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_read_timeout"],
    equivalents: &[],
    page: include_str!("timeout_wrong_protocol_family.md"),
    check: Check::Blocks(&[Context::Location], check),
};

/// What the names go on with, behind the prefix of their protocol.
const SUFFIXES: [&str; 13] = [
    "_read_timeout",
    "_send_timeout",
    "_connect_timeout",
    "_buffers",
    "_buffer_size",
    "_buffering",
    "_busy_buffers_size",
    "_max_temp_file_size",
    "_temp_file_write_size",
    "_request_buffering",
    "_next_upstream",
    "_next_upstream_timeout",
    "_next_upstream_tries",
];

/// Those whose sizes must fit each other: under another prefix they meet
/// others, and nginx may refuse them.
const SIZES: [&str; 5] =
    ["_buffers", "_buffer_size", "_busy_buffers_size", "_max_temp_file_size", "_temp_file_write_size"];

/// Words that `next_upstream` has in every protocol.
const COMMON_CONDITIONS: [&str; 4] = ["error", "timeout", "invalid_header", "off"];

fn check(block: Block<'_>, findings: &mut Findings) {
    let passes: Vec<(Directive<'_>, Protocol)> =
        PASS_DIRECTIVES.iter().filter_map(|(name, protocol)| Some((block.directive(name)?, *protocol))).collect();
    let Some((pass, used)) = passes.first() else { return };
    let mut strangers = block.directives_by_name().filter_map(|directive| {
        let name = directive.model().name_index(directive.id())?;
        let (protocol, suffix) = settings()[usize::from(name)]?;
        passes.iter().all(|(_, used)| *used != protocol).then_some((directive, protocol, suffix))
    });
    let Some(first) = strangers.next() else { return };
    // What was not seen, and a block inside, may use what this one sets.
    if !block.model().is_seen_throughout(block) {
        return;
    }
    let inside: Vec<Protocol> = block.model().targets_within(block).map(|target| target.protocol).collect();
    for (directive, protocol, suffix) in std::iter::once(first).chain(strangers) {
        // A file that many take in may have settings for all protocols.
        if !inside.contains(&protocol) && (directive.file() == pass.file() || directive.is_included_once()) {
            report(directive, suffix, *pass, *used, findings);
        }
    }
}

/// What [`setting`] says of each name of the catalog.
fn settings() -> &'static [Option<(Protocol, &'static str)>] {
    static SETTINGS: LazyLock<Vec<Option<(Protocol, &str)>>> =
        LazyLock::new(|| (0..catalog::name_count() as u16).map(|name| setting(catalog::name_of(name))).collect());
    &SETTINGS
}

/// The protocol that a directive is a setting of, and the rest of its name.
fn setting(name: &str) -> Option<(Protocol, &'static str)> {
    let (prefix, _) = name.split_once('_')?;
    let (_, protocol) = PASS_DIRECTIVES.iter().find(|(_, protocol)| protocol.prefix() == prefix)?;
    let suffix = SUFFIXES.iter().find(|suffix| **suffix == &name[prefix.len()..])?;
    Some((*protocol, suffix))
}

fn report(directive: Directive<'_>, suffix: &str, pass: Directive<'_>, used: Protocol, findings: &mut Findings) {
    let name = directive.name();
    let right = format!("{}{suffix}", used.prefix());
    let exists = catalog::find_in(&right, Context::Location).is_some();
    let finding = findings
        .add(directive.place(), format!("{name} has no effect here: requests are passed on with {}", pass.name()));
    finding.label(pass.place(), "passes requests on");
    finding.note(
        "each protocol has its own settings; what is in force here is what the protocol in use says, or its default",
    );
    if !exists {
        finding.help("remove it");
        return;
    }
    let value: Vec<&str> = directive.arguments().collect();
    finding.help(format!("write {right} {};", value.join(" ")));
    if can_be_renamed(directive, suffix, &right) {
        let edit = Edit::replace(directive.place_of_name().location, right.clone());
        finding.fix(true, format!("rename it to {right}"), vec![edit]);
    }
}

/// Whether nginx takes the same value under the other name, and nothing else
/// was said under it.
fn can_be_renamed(directive: Directive<'_>, suffix: &str, right: &str) -> bool {
    let is_common = suffix != "_next_upstream" || directive.arguments().all(|word| COMMON_CONDITIONS.contains(&word));
    let is_said = matches!(directive.parent().effective(right), Effective::Set(_));
    is_common && !is_said && !SIZES.contains(&suffix)
}
