//! A directive that may stand once in a block, twice.

use crate::catalog::{self, Context, Duplicate};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Kind, once_read};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-directive",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/dirindex.html"],
    equivalents: &[],
    page: include_str!("duplicate_directive.md"),
    check: Check::EveryBlock(check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let Kind::Directives(context) = block.kind() else { return };
    if context == Context::Foreign {
        return;
    }
    let mut previous: Option<Directive<'_>> = None;
    for directive in block.directives_by_name() {
        match previous {
            Some(first) if directive.is_same_name(first) && !was_not_set(first) => judge(first, directive, findings),
            _ => previous = Some(directive),
        }
    }
}

fn judge(first: Directive<'_>, second: Directive<'_>, findings: &mut Findings) {
    let mut definitions = second.definitions().peekable();
    let known = definitions.peek().is_some();
    let once = once_read(second.name());
    let is_fine = |definition: &catalog::Directive| definition.duplicate != Duplicate::Error && once.is_none();
    if !known || definitions.any(is_fine) {
        return;
    }
    let name = second.name();
    let same_place = first.place().location == second.place().location;
    let message = if same_place {
        format!("\"{name}\" is set each time this file is included in the same block")
    } else {
        format!("\"{name}\" is set twice in the same block")
    };
    let finding = findings.add(second.place(), message);
    finding.nginx_says(format!("\"{name}\" directive is duplicate")).nginx_names(second.terminator()).about(second);
    finding.help("remove one of them");
    if let Some((_, before)) = once {
        finding.before(before);
    }
    if !same_place {
        finding.label(first.place(), "first set here");
    }
}

/// nginx takes a priority of 0 for one that was not set (`ngx_set_priority`).
fn was_not_set(first: Directive<'_>) -> bool {
    first.name() == "worker_priority"
        && first.argument(0).is_some_and(|value| value.trim_start_matches(['-', '+']).trim_matches('0').is_empty())
}
