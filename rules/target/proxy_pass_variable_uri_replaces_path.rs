//! A fixed path behind a target with variables: every request goes there.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, LocationKind, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-variable-uri-replaces-path",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_variable_uri_replaces_path.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

/// Directives that `rewrite … break` keeps from being carried out.
const CARRIED_OUT_IN_ORDER: [&str; 5] = ["set", "if", "rewrite", "return", "break"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let Some(range) = target.written_path() else { return };
    let path = &target.text[range.clone()];
    let Some(location) = target.location() else { return };
    let Some(head) = LocationHead::of_block(location) else { return };
    let is_http = target.protocol == Protocol::Proxy && directive.definition().is_some();
    if !is_http || path.contains('$') || path.contains('?') || is_single(head, path) {
        return;
    }
    let below = if head.pattern.ends_with('/') { head.pattern } else { "" };
    let example =
        if head.is_regex() { "/a/b?c=1".to_owned() } else { format!("{}/x?q=1", head.pattern.trim_end_matches('/')) };
    let finding = findings.add(
        directive.place_in_argument(0, range.clone()),
        format!("every request is passed on as \"{path}\": with variables in the target it replaces the whole path"),
    );
    finding.note(format!(
        "nginx does not replace the path of the location as it does without variables: {example} arrives as {path}, and nothing is logged"
    ));
    if let Some(head) = location.head() {
        finding.label(head.place(), "all of these requests become one");
    }
    // One request of nginx itself may be meant, or a WebSocket, which has one path.
    if target.is_internal() != Some(false) || target.passes_upgrade() || !path.ends_with('/') {
        finding.severity(Severity::Info);
    }
    let without = &target.text[..range.start];
    if head.kind == LocationKind::Prefix && head.pattern == "/" && path == "/" {
        finding.help(format!("write {without}: the path of the request is passed on as it is"));
        if let Some(mut location) = directive.editable_argument(0) {
            location.span.start += range.start as u32;
            location.span.end = location.span.start + range.len() as u32;
            finding.fix(true, "leave out the path", vec![Edit::replace(location, "")]);
        }
        return;
    }
    let rewrite = format!("rewrite ^{below}(.*)$ {path}$1 break;");
    if below.is_empty() || !path.ends_with('/') || !is_plain(below) || head.is_regex() {
        finding
            .help(format!("write {without}, and change the path with a rewrite … break, or end it with $request_uri"));
        return;
    }
    finding.help(format!("write {without}, and change the path with: {rewrite}"));
    let in_order = |name: &str| location.directives(name).any(|later| later.id() > directive.id());
    let is_last = !CARRIED_OUT_IN_ORDER.iter().any(|name| in_order(name));
    if let Some(mut place) = directive.editable_argument(0).filter(|_| is_last && directive.parent() == location) {
        place.span.start += range.start as u32;
        place.span.end = place.span.start + range.len() as u32;
        let edits = vec![Edit::replace(place, ""), Edit::add_line_behind(directive, &rewrite)];
        finding.fix(false, "change the path with a rewrite", edits);
    }
}

/// Whether the location, or what is behind it, is one path and no tree.
fn is_single(head: LocationHead<'_>, path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = last.contains('.');
    let is_one_path = match head.kind {
        LocationKind::Exact | LocationKind::Named => true,
        LocationKind::Prefix | LocationKind::PrefixWithoutRegex => false,
        LocationKind::Regex { .. } => !path.ends_with('/') || is_one_text(head.pattern),
    };
    is_file || is_one_path
}

/// Whether a regular expression is bound on both sides and has no choice.
fn is_one_text(pattern: &str) -> bool {
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    inner.is_some_and(|inner| is_plain(inner.trim_end_matches("/?")))
}

/// Whether a path stands for itself in a regular expression.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-'))
}
