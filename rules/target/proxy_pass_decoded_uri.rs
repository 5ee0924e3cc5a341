//! A path that was decoded, put into the target of a request as it is.

use crate::engine::{Check, Edit, Equivalent, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, LocationKind, Protocol, Target, Template, captures_of};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-decoded-uri",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[Equivalent { tool: "gixy", name: "http_splitting" }],
    page: include_str!("proxy_pass_decoded_uri.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// What the whole path of a request is written as, and `$request_uri` is what
/// arrived.
const WHOLE_PATHS: [&str; 8] = [
    "$uri$is_args$args",
    "$uri$is_args$query_string",
    "$uri?$args",
    "$uri?$query_string",
    "$uri",
    "$document_uri$is_args$args",
    "$document_uri?$args",
    "$document_uri",
];

/// What of a target was decoded.
enum Decoded<'t> {
    /// `$uri` or `$document_uri`.
    Path(&'t str),
    /// A group that can capture the end of a line.
    LineEnd(&'t str),
    /// A group that can capture a blank, and no end of a line but a lone
    /// carriage return.
    Blank(&'t str),
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    if target.protocol != Protocol::Proxy || directive.definition().is_none() {
        return;
    }
    // At the beginning stands a whole address that a rewrite has made.
    let Some(range) = target.written_path().filter(|range| range.start > 0) else { return };
    let path = &target.text[range.clone()];
    let Some(decoded) = decoded(target, path) else { return };
    let place = directive.place_in_argument(0, range.clone());
    let finding = match decoded {
        Decoded::Path(name) => {
            let finding =
                findings.add(place, format!("${name} is the decoded path, and is sent in the request line as it is"));
            let without_args = !path.contains('?') && !path.contains("args") && !path.contains("query_string");
            let args = if without_args { "; and the query string is not sent at all" } else { "" };
            finding.note(format!("/a%20b arrives as \"GET /a b\", which is mostly answered 400, and %0d%0a begins a new line: a client can write headers of its own{args}"));
            finding.help(
                "use $request_uri, or leave the path out and change it with a rewrite … break: nginx then encodes it",
            );
            finding
        }
        Decoded::LineEnd(name) => {
            let finding = findings
                .add(place, format!("${name} is captured from the decoded path and can hold the end of a line"));
            finding.note("%0d%0a in the request begins a new line: a client can write headers of its own");
            finding.help("leave the path out and change it with a rewrite … break: nginx then encodes it; or keep \\s out of the group");
            finding
        }
        Decoded::Blank(name) => {
            let finding =
                findings.add(place, format!("${name} is captured from the decoded path, and is sent as it is"));
            finding.note("/a%20b arrives as \"GET /a b\", which is mostly answered 400");
            finding.help("leave the path out and change it with a rewrite … break: nginx then encodes it");
            finding.severity(Severity::Info);
            finding
        }
    };
    if target.is_internal() == Some(true) {
        finding.severity(Severity::Info);
    }
    let written = WHOLE_PATHS.iter().find(|written| path.ends_with(**written));
    let Some(before) = written.and_then(|written| path.strip_suffix(*written)) else { return };
    if before.contains('$') || is_rewritten(target) {
        return;
    }
    if let Some(mut location) = directive.editable_argument(0) {
        location.span.start += (range.start + before.len()) as u32;
        finding.fix(false, "use $request_uri", vec![Edit::replace(location, "$request_uri")]);
    }
}

fn decoded<'t>(target: Target<'_>, path: &'t str) -> Option<Decoded<'t>> {
    let names: Vec<&str> = Template::parse(path).variables().collect();
    let whole = names.iter().find(|name| ["uri", "document_uri"].contains(name));
    if let Some(name) = whole.filter(|_| can_be_anything(target)) {
        return Some(Decoded::Path(name));
    }
    let captured = names.iter().filter_map(|name| Some((*name, target.captured(name)?)));
    let mut worst = None;
    for (name, capture) in captured {
        if capture.line_end {
            return Some(Decoded::LineEnd(name));
        }
        if capture.blank && worst.is_none() {
            worst = Some(Decoded::Blank(name));
        }
    }
    worst
}

/// Whether the location takes paths with ends of lines or blanks.
fn can_be_anything(target: Target<'_>) -> bool {
    let Some(head) = target.location().and_then(LocationHead::of_block) else { return true };
    match head.kind {
        LocationKind::Exact => false,
        LocationKind::Regex { .. } => {
            let is_bound = head.pattern.starts_with('^') && head.pattern.ends_with('$');
            let whole = captures_of(head.pattern).swap_remove(0);
            !is_bound || whole.line_end || whole.blank
        }
        LocationKind::Prefix | LocationKind::PrefixWithoutRegex | LocationKind::Named => true,
    }
}

/// Whether the path may be another one than that which arrived.
fn is_rewritten(target: Target<'_>) -> bool {
    target.block().outwards().any(|block| {
        let in_branches =
            || block.directives("if").filter_map(Directive::block).any(|branch| branch.directive("rewrite").is_some());
        block.directive("rewrite").is_some() || in_branches()
    })
}
