//! An error page for a server that is down, asked of the same server.

use std::collections::{HashMap, HashSet};

use crate::catalog::{self, Context};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Block, Directive, LocationHead, LocationKind, PASS_NAMES, Protocol, Target, has_placeholder, split_target,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "error-page-502-points-to-proxy",
    group: Group::Routing,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#error_page"],
    equivalents: &[],
    page: include_str!("error_page_502_points_to_proxy.md"),
    check: Check::Blocks(&[Context::Server], check),
};

/// So many different pages of one server are looked at.
const MOST_PAGES: usize = 16;

/// What decides about a request before its location passes it on.
const REWRITES: [&str; 4] = ["rewrite", "return", "if", "try_files"];

fn check(server: Block<'_>, findings: &mut Findings) {
    let has_pages = catalog::name_index("error_page").is_some_and(|name| server.model().has_directives_named(name));
    if !has_pages || is_rewritten(server) {
        return;
    }
    let mut locations: HashMap<&str, Option<Block<'_>>> = HashMap::new();
    let mut reported = HashSet::new();
    for target in server.model().targets_within(server) {
        if target.has_variables() || target.is_template() || !target.is_in_place() {
            continue;
        }
        let pages = target.block().effective_list("error_page");
        for page in pages.directives.into_iter().filter(|_| pages.complete) {
            let Some(path) = page_for_a_dead_server(page) else { continue };
            if locations.len() == MOST_PAGES && !locations.contains_key(path) {
                return;
            }
            let search = || is_likely_passed_on(server, path).then(|| server.location_of_path(path)).flatten();
            let location = *locations.entry(path).or_insert_with(search);
            let leads_back = location.and_then(|location| way_back(target, page, location));
            if let Some(back) = leads_back.filter(|_| !reported.contains(&page.id())) {
                reported.insert(page.id());
                report(target, page, back, findings);
            }
        }
    }
}

/// The path of a page for answers that nginx makes when a server cannot be
/// reached.
fn page_for_a_dead_server(page: Directive<'_>) -> Option<&str> {
    let is_for = |code: &str| matches!(code, "502" | "504");
    let codes = page.argument_count().saturating_sub(1);
    let path = page.arguments().last().filter(|_| page.arguments().take(codes).any(is_for))?;
    let is_known = path.starts_with('/') && !path.contains('$') && !has_placeholder(path);
    is_known.then(|| path.split_once('?').map_or(path, |(path, _)| path))
}

/// Whether the location of a path passes requests on as long as no regular
/// expression takes it: trying these is what costs.
fn is_likely_passed_on(server: Block<'_>, path: &str) -> bool {
    let mut longest: Option<(usize, Block<'_>)> = None;
    for block in server.directives("location").filter_map(|location| location.block()) {
        let Some(head) = LocationHead::of_block(block) else { continue };
        let is_prefix = matches!(head.kind, LocationKind::Prefix | LocationKind::PrefixWithoutRegex);
        let length = match head.kind {
            LocationKind::Exact if head.pattern == path => usize::MAX,
            _ if is_prefix && path.starts_with(head.pattern) => head.pattern.len(),
            _ => continue,
        };
        if longest.is_none_or(|(other, _)| length > other) {
            longest = Some((length, block));
        }
    }
    longest.is_some_and(|(_, block)| PASS_NAMES.iter().any(|name| block.directive(name).is_some()))
}

/// The target of the location of an error page, if it certainly is the one
/// that failed.
fn way_back<'m>(failed: Target<'m>, page: Directive<'m>, location: Block<'m>) -> Option<Target<'m>> {
    let passes = PASS_NAMES.iter().filter_map(|name| location.directive(name));
    let back = passes.filter_map(Target::of).next()?;
    let is_same = back.protocol == failed.protocol && address_of(back).eq_ignore_ascii_case(address_of(failed));
    // A location for nothing but error pages does not fail by itself.
    let own = location == failed.block() && page.parent() != location && !takes_everything(location);
    let from_elsewhere = is_rewritten(location) || is_cached(location, back.protocol);
    (is_same && !own && !from_elsewhere).then_some(back)
}

fn address_of(target: Target<'_>) -> &str {
    &target.text[split_target(target.protocol, target.text).address]
}

fn is_rewritten(block: Block<'_>) -> bool {
    REWRITES.iter().any(|name| block.directive(name).is_some())
}

fn is_cached(block: Block<'_>, protocol: Protocol) -> bool {
    let cache = block.effective(&format!("{}_cache", protocol.prefix())).directive();
    cache.is_some_and(|cache| !cache.has_flag("off"))
}

fn takes_everything(location: Block<'_>) -> bool {
    LocationHead::of_block(location).is_some_and(|head| head.pattern == "/" && head.kind != LocationKind::Exact)
}

fn report(failed: Target<'_>, page: Directive<'_>, back: Target<'_>, findings: &mut Findings) {
    let path = page.arguments().last().unwrap_or_default();
    let finding = findings.add(
        page.place(),
        format!("the page \"{path}\" for a server that is down is asked of the same server: {}", address_of(back)),
    );
    finding.note(match failed.block().is_on("recursive_error_pages") {
        Some(true) => "nginx asks the server that is down for the page, again and again because of recursive_error_pages, and then answers 500",
        _ => "nginx asks the server that is down a second time, for the page, and sends its own plain \"502 Bad Gateway\"",
    });
    let file = path.split('?').next().unwrap_or_default();
    finding.help(format!("add to the server: location = {file} {{ root /usr/share/nginx/html; internal; }}"));
    finding.label(back.directive.place(), "the page is asked for here");
    if back.directive != failed.directive {
        finding.label(failed.directive.place(), "what fails here");
    }
}
