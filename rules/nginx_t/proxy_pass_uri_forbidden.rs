//! A path in a proxy_pass where nginx cannot replace one.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Kind, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-pass-uri-forbidden",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("proxy_pass_uri_forbidden.md"),
    check: Check::Directives(&["proxy_pass"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.protocol == Protocol::Proxy) else { return };
    let parts = target.parts();
    let Some(uri) = parts.uri.filter(|_| !target.has_variables() && !parts.scheme.is_empty()) else { return };
    let Some(why) = forbidding(directive.parent()) else { return };
    let path = &target.text[uri.clone()];
    let finding = findings.add(
        directive.place_in_argument(0, uri.clone()),
        format!("the path \"{path}\" is not allowed in this proxy_pass: it stands in {why}"),
    );
    finding.note("nginx refuses to start or reload: \"proxy_pass\" cannot have URI part here; it would not know which part of the request's path to replace");
    if let Some(head) = directive.parent().head() {
        finding.label(head.place(), why);
    }
    let without = &target.text[..parts.address.end];
    if path == "/" {
        finding.help(format!("write {without} without the slash: the path of the request is passed on as it is"));
    } else {
        finding.help(format!("write {without}, and change the path with a rewrite … break before it"));
    }
    if let Some(mut location) = directive.editable_argument(0).filter(|_| path == "/" && !without.contains("unix:")) {
        location.span.start += uri.start as u32;
        finding.fix(true, "remove the slash", vec![Edit::replace(location, "")]);
    }
}

/// What is special about a block in which proxy_pass takes no path.
fn forbidding(block: Block<'_>) -> Option<&'static str> {
    match block.kind() {
        Kind::Directives(Context::IfInLocation) => Some("an if block"),
        Kind::Directives(Context::LimitExcept) => Some("a limit_except block"),
        Kind::Directives(Context::Location) => {
            let first = block.head()?.argument(0)?;
            match first.as_bytes() {
                [b'~', ..] => Some("a location given by a regular expression"),
                [b'@', ..] => Some("a named location"),
                _ => None,
            }
        }
        _ => None,
    }
}
