//! Timeouts and buffers of another protocol than the one requests are passed
//! on with.

use crate::catalog::{self, Context};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, PASS_DIRECTIVES, Protocol};

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
const SUFFIXES: [&str; 10] = [
    "_read_timeout",
    "_send_timeout",
    "_connect_timeout",
    "_buffers",
    "_buffer_size",
    "_buffering",
    "_busy_buffers_size",
    "_next_upstream",
    "_next_upstream_timeout",
    "_next_upstream_tries",
];

fn check(block: Block<'_>, findings: &mut Findings) {
    if block.is_unseen() {
        return;
    }
    let passes: Vec<(Directive<'_>, Protocol)> =
        PASS_DIRECTIVES.iter().filter_map(|(name, protocol)| Some((block.directive(name)?, *protocol))).collect();
    let Some((pass, used)) = passes.first() else { return };
    let mut strangers = Vec::new();
    for directive in block.directives_by_name() {
        // A nested block may use what this one sets.
        if directive.has_block() {
            return;
        }
        if let Some((protocol, suffix)) = setting(directive.name())
            && passes.iter().all(|(_, used)| *used != protocol)
        {
            strangers.push((directive, suffix));
        }
    }
    for (directive, suffix) in strangers {
        report(directive, suffix, *pass, *used, findings);
    }
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
    let exists = catalog::name_index(&right).is_some();
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
    if directive.parent().directive(&right).is_none() {
        let edit = Edit::replace(directive.place_of_name().location, right.clone());
        finding.fix(true, format!("rename it to {right}"), vec![edit]);
    }
}
