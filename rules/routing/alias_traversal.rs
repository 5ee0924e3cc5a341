//! A location whose alias lets requests out of its directory.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Equivalent, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, LocationHead, LocationKind, PASS_NAMES};

/// See the page.
pub const RULE: Rule = Rule {
    name: "alias-traversal",
    group: Group::Routing,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#alias"],
    equivalents: &[Equivalent { tool: "gixy", name: "alias_traversal" }],
    page: include_str!("alias_traversal.md"),
    check: Check::Directives(&["alias"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let block = directive.parent();
    let (Some(head), Some(path)) = (LocationHead::of_block(block), directive.argument(0)) else { return };
    let is_prefix = matches!(head.kind, LocationKind::Prefix | LocationKind::PrefixWithoutRegex);
    let leads_out = path.ends_with('/') && path != "/" && !directive.is_template(0);
    if !is_prefix || head.pattern.is_empty() || head.pattern.ends_with('/') || !leads_out || !serves_files(block) {
        return;
    }
    let Some(location) = block.head().filter(|location| !location.is_template(head.argument)) else { return };
    let pattern = head.pattern;
    let finding = findings.add(
        location.place_of_argument(head.argument),
        format!("requests for \"{pattern}../\" are answered with files from outside of \"{path}\""),
    );
    finding.note(format!(
        "\"{pattern}\" is replaced by the alias and the rest is kept: {pattern}../secret becomes {path}../secret, and nginx answers 200 with that file"
    ));
    finding.help(format!("write \"location {pattern}/\""));
    finding.label(directive.place(), "the alias ends in \"/\", the location does not");
    if let Some(argument) = location.editable_argument(head.argument).filter(|_| !has_sibling(block, pattern)) {
        let text = location.argument(head.argument).unwrap_or_default();
        finding.fix(false, format!("write \"{pattern}/\""), vec![Edit::replace(argument, format!("{text}/"))]);
    }
}

/// Whether requests of clients get files here, and nothing else answers them.
fn serves_files(block: Block<'_>) -> bool {
    let others = PASS_NAMES.iter().chain(&["return"]);
    let is_answered = others.into_iter().any(|name| block.directive(name).is_some());
    let mut locations = block.outwards().take_while(|block| block.is(Context::Location));
    let is_internal = locations.any(|location| location.is_unseen() || location.directive("internal").is_some());
    !is_answered && !is_internal
}

/// Whether the location with a slash is there already.
fn has_sibling(block: Block<'_>, pattern: &str) -> bool {
    let Some(parent) = block.parent().filter(|parent| parent.is(Context::Server) || parent.is(Context::Location))
    else {
        return true;
    };
    let heads = parent.directives("location").filter_map(|location| LocationHead::of(location).ok());
    let mut texts = heads.filter(|head| !head.is_regex()).map(|head| head.pattern);
    texts.any(|text| text.strip_suffix('/') == Some(pattern))
}
