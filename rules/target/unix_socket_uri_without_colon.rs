//! A path behind a socket that became part of the socket's own path.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, LocationHead, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unix-socket-uri-without-colon",
    group: Group::Target,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("unix_socket_uri_without_colon.md"),
    check: Check::Directives(
        &["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "server"],
        check,
    ),
};

/// What names of sockets end with.
const ENDS: [&str; 2] = [".sock", ".socket"];

/// Variables that begin with a slash.
const PATHS: [&str; 3] = ["$request_uri", "$uri", "$document_uri"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|_| directive.is_read() && !directive.is_template(0)) else { return };
    let lower = text.to_ascii_lowercase();
    let Some(unix) = lower.find("unix:") else { return };
    let path = unix + "unix:".len();
    if directive.name() == "server" {
        let in_group = directive.parent().is(Context::Upstream) || directive.parent().is(Context::StreamUpstream);
        if in_group && unix == 0 {
            colon_in_socket(directive, text, path, findings);
        }
        return;
    }
    let Some(target) = Target::of(directive) else { return };
    if target.protocol == Protocol::Proxy {
        let is_scheme = ["http://", "https://"].contains(&&lower[..unix]);
        if is_scheme && !text[path..].contains(':') {
            path_in_socket(directive, text, path, findings);
        }
    } else {
        colon_in_socket(directive, text, path, findings);
    }
}

/// `unix:/run/app.sock/path`: where a path is allowed, a colon is missing.
fn path_in_socket(directive: Directive<'_>, text: &str, path: usize, findings: &mut Findings) {
    let Some(end) =
        end_of_name(text, path, |rest| rest.starts_with('/') || PATHS.iter().any(|name| rest.starts_with(name)))
    else {
        return;
    };
    let uri = &text[end..];
    let finding = findings.add(
        directive.place_in_argument(0, path..text.len()),
        format!("\"{uri}\" is taken for a part of the socket's path: a colon is missing in front of it"),
    );
    for seen in &directive.model().seen_of_socket(directive) {
        finding.seen(seen);
    }
    finding.note(format!(
        "requests get 502: connect() to {} failed (20: Not a directory), where the socket is there",
        &text[path - "unix:".len()..]
    ));
    let takes_path = text.contains('$') || (directive.parent().is(Context::Location) && !is_regex_or_named(directive));
    if !takes_path {
        finding.help(format!("write {}: here proxy_pass takes no path", &text[..end]));
        return;
    }
    finding.help(format!("write {}:{uri}", &text[..end]));
    if let Some(mut location) = directive.editable_argument(0) {
        location.span.start += end as u32;
        location.span.end = location.span.start;
        finding.fix(true, "add the colon", vec![Edit::replace(location, ":")]);
    }
}

/// `unix:/run/app.sock:/path` where no path is taken, colon or not.
fn colon_in_socket(directive: Directive<'_>, text: &str, path: usize, findings: &mut Findings) {
    let Some(end) = end_of_name(text, path, |rest| rest.starts_with(':')) else { return };
    let uri = &text[end..];
    let finding = findings.add(
        directive.place_in_argument(0, end..text.len()),
        format!("\"{uri}\" is taken for a part of the socket's path: {} takes no path of a request", directive.name()),
    );
    for seen in &directive.model().seen_of_socket(directive) {
        finding.seen(seen);
    }
    finding.note(format!(
        "requests get 502: connect() to {} failed (2: No such file or directory)",
        &text[path - "unix:".len()..]
    ));
    finding.help(format!("write {}", &text[..end]));
    if let Some(mut location) = directive.editable_argument(0) {
        location.span.start += end as u32;
        finding.fix(false, "leave out what is behind the socket", vec![Edit::replace(location, "")]);
    }
}

/// Where a name such as `app.sock` ends, when this follows it.
fn end_of_name(text: &str, path: usize, follows: impl Fn(&str) -> bool) -> Option<usize> {
    let ends = ENDS.iter().flat_map(|end| text[path..].match_indices(end).map(|(at, end)| path + at + end.len()));
    ends.filter(|end| follows(&text[*end..])).min()
}

fn is_regex_or_named(directive: Directive<'_>) -> bool {
    LocationHead::of_block(directive.parent()).is_none_or(|head| head.is_regex() || head.pattern.starts_with('@'))
}
