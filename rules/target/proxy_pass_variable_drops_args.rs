//! A path made of captures or $uri in a target, without the query string.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, LocationKind, Protocol, Target, Template};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-variable-drops-args",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_variable_drops_args.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// Ends of names of files that are the same for every query string.
const STATIC: [&str; 14] =
    ["jpg", "jpeg", "jpe", "png", "gif", "css", "js", "svg", "ico", "woff", "ttf", "pdf", "mp4", "webp"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let Some(path) = target.written_path() else { return };
    let text = &target.text[path.clone()];
    let is_http = target.protocol == Protocol::Proxy && directive.definition().is_some();
    let head = target.location().and_then(LocationHead::of_block);
    let is_exact = head.is_some_and(|head| head.kind == LocationKind::Exact);
    if !is_http || is_exact || text.contains('?') || target.is_internal() != Some(false) || changes_args(target) {
        return;
    }
    let variables: Vec<&str> = Template::parse(text).variables().collect();
    if variables.is_empty() || !variables.iter().all(|name| is_capture(target, name)) {
        return;
    }
    let finding = findings.add(
        directive.place_in_argument(0, path),
        format!("requests are passed on as \"{text}\", without their query strings"),
    );
    finding.note(
        "with variables in the target nginx sends what the target says and adds nothing: ?page=2 does not arrive",
    );
    finding.help(format!("write {}$is_args$args", target.text));
    let is_of_files = head.is_some_and(|head| STATIC.iter().any(|end| head.pattern.contains(end)));
    let is_tree = variables.last().is_some_and(|last| text.ends_with(last) && is_any_text(target, last));
    if is_of_files || !is_tree {
        finding.severity(Severity::Info);
    }
    if let Some(mut location) = directive.editable_argument(0) {
        location.span.start = location.span.end;
        finding.fix(false, "pass on the query string", vec![Edit::replace(location, "$is_args$args")]);
    }
}

/// Whether a variable is a group of the location's regular expression, which
/// holds a part of the path alone.
fn is_capture(target: Target<'_>, name: &str) -> bool {
    let is_number = matches!(name.as_bytes(), [b'1'..=b'9']);
    is_number || target.captured(name).is_some()
}

/// Whether a capture may be any path, as that of `(.*)`.
fn is_any_text(target: Target<'_>, name: &str) -> bool {
    target.captured(name).is_some_and(|capture| capture.blank)
}

/// Whether the query string is changed or sent elsewhere on purpose.
fn changes_args(target: Target<'_>) -> bool {
    let headers = target.block().effective_list("proxy_set_header");
    let is_sent = |value: &str| value.contains("$request_uri") || value.contains("args") || value.contains("query");
    if headers.directives.iter().any(|header| header.argument(1).is_some_and(is_sent)) {
        return true;
    }
    let mut scopes = [Some(target.block()), target.location()].into_iter().flatten();
    scopes.any(|block| block.directives("set").any(|set| set.argument(0) == Some("$args")))
}
