//! A host that is written out, and a variable beside it that makes nginx look
//! the host up for each request, without a resolver to ask.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, HostNameKind, PASS_NAMES, Protocol, Target, Template, kind_of_host_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "variable-in-uri-needs-resolver",
    group: Group::Dns,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver",
    ],
    equivalents: &[],
    page: include_str!("variable_in_uri_needs_resolver.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

/// The path as the client sent it, which nginx passes on by itself when a
/// target has no path.
const WHOLE_PATH: [&str; 2] = ["$request_uri", "${request_uri}"];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let is_without = directive.parent().effective("resolver") == Effective::Default;
    if !is_without || directive.definition().is_none() {
        return;
    }
    let hosts = target.run_time_hosts();
    let Some(name) = hosts.asked.first().filter(|_| hosts.is_written_out) else { return };
    let variable = Template::parse(target.text).variables().next().unwrap_or_default();
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("${variable} makes nginx look up \"{name}\" for each request, but no resolver is set"),
    );
    finding.note(format!(
        "a variable anywhere in the target, even in its path, is enough; nginx starts, and {} each time: \
         no resolver defined to resolve {name}",
        target.protocol.failure()
    ));
    if kind_of_host_name(name) == HostNameKind::Localhost {
        finding.help("write 127.0.0.1 in its place: an address is not looked up");
        if let Some(host) = target.editable_host(name).filter(|_| name.eq_ignore_ascii_case("localhost")) {
            finding.fix(true, "write 127.0.0.1", vec![Edit::replace(host, "127.0.0.1")]);
        }
    } else if let Some(start) = without_whole_path(target).filter(|_| sees_whole_path(directive)) {
        finding
            .help(format!("leave out ${variable}: without a path in the target nginx passes on that of the request"));
        if let Some(mut location) = directive.editable_argument(0) {
            location.span.start += start.len() as u32;
            // nginx does not start when it cannot find the host then.
            finding.fix(false, format!("leave out ${variable}"), vec![Edit::replace(location, "")]);
        }
    } else {
        finding.help(help(target, name));
    }
}

fn help(target: Target<'_>, name: &str) -> String {
    let written = &target.text[target.written_address()];
    let address = &written[..written.find('$').unwrap_or(written.len())];
    let port = match target.text.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => "443",
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => "80",
        _ => "",
    };
    match address.get(name.len()..).unwrap_or_default() {
        // A group of the same name, and the target stays as it is.
        "" if !port.is_empty() && !written.contains(':') => {
            format!("add: upstream {name} {{ server {name}:{port}; }} or a resolver, such as: resolver 127.0.0.53;")
        }
        port if port.len() > ":".len() => format!(
            "add an upstream with: server {name}{port}; and write its name here, or add a resolver, such as: \
             resolver 127.0.0.53;"
        ),
        _ => "add a resolver, such as: resolver 127.0.0.53;".to_owned(),
    }
}

/// A target that has nothing but the whole path behind host and port, without
/// it.
fn without_whole_path(target: Target<'_>) -> Option<&str> {
    let has_other_path = target.written_address().end < target.text.len();
    let start = WHOLE_PATH.iter().find_map(|path| target.text.strip_suffix(path))?;
    (target.protocol == Protocol::Proxy && !has_other_path && !start.contains('$')).then_some(start)
}

/// Whether a request comes here as the client sent it, as far as its location
/// says.
fn sees_whole_path(directive: Directive<'_>) -> bool {
    directive.parent().is(Context::Location)
        && directive.parent().outwards().all(|block| !block.is_unseen() && block.directive("rewrite").is_none())
}
