//! A name that nginx looks up once.

use crate::catalog::Version;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, Endpoint, Host, HostNameKind, PASS_AND_SERVER_NAMES, Resolver, Server, Target, is_cluster_service,
    is_of_hosts_file, is_placeholder_name, kind_of_host_name,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "static-hostname-resolved-once",
    group: Group::Dns,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server",
    ],
    equivalents: &[],
    page: include_str!("static_hostname_resolved_once.md"),
    check: Check::Directives(&PASS_AND_SERVER_NAMES, check),
};

/// From it on a server of a group can have `resolve`.
const RESOLVES: Version = Version::new(1, 27, 3);

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(endpoint) = endpoint(directive) else { return };
    let Host::Name(name) = endpoint.host else { return };
    let kind = kind_of_host_name(name);
    // What the hosts file has stays as it is.
    if name.is_empty() || is_of_hosts_file(name) || is_placeholder_name(name) {
        return;
    }
    let changes = kind == HostNameKind::Cloud || is_cluster_service(name);
    let why = match kind {
        HostNameKind::Cloud => ", and its provider changes its addresses at any time",
        _ if changes => ", and a service that is made anew has another address",
        _ => "",
    };
    let finding = findings
        .add(directive.place_of_argument(0), format!("the name \"{name}\" is looked up once, when nginx starts{why}"));
    finding.note(
        "when its address changes, requests get 502 or 504 until nginx is reloaded; and while it cannot be \
         looked up nginx does not start at all: host not found in upstream",
    );
    finding.help(help(directive, name));
    if !changes {
        finding.severity(Severity::Info);
    }
    if let Some(edit) = edit(directive) {
        finding.fix(false, "look it up again and again", vec![edit]);
    }
}

/// The host that is looked up when nginx starts.
fn endpoint(directive: Directive<'_>) -> Option<Endpoint<'_>> {
    if directive.name() == "server" {
        let server = Server { directive };
        return server.endpoint().filter(|_| server.is_in_group() && !server.is_resolved_again());
    }
    let target = Target::of(directive)?;
    // What has no port can be a group that is out of sight.
    let is_host = |endpoint: &Endpoint<'_>| endpoint.has_port || directive.model().is_whole(target.protocol.family());
    target.own_endpoint().filter(is_host)
}

fn help(directive: Directive<'_>, name: &str) -> String {
    let may_resolve = directive.model().version().is_none_or(|version| version >= RESOLVES);
    let is_server = directive.name() == "server";
    match (may_resolve, is_server) {
        (true, true) => format!(
            "write: server {} resolve; with a zone in the group and a resolver (nginx {RESOLVES} or later)",
            directive.argument(0).unwrap_or(name)
        ),
        (true, false) => format!(
            "pass to a group with a zone and: server {name} resolve; (nginx {RESOLVES} or later), \
             or write the name in a variable; both need a resolver"
        ),
        (false, _) => format!("pass to a variable that holds \"{name}\", and set a resolver"),
    }
}

/// Adds `resolve` where all that it needs is there.
fn edit(directive: Directive<'_>) -> Option<Edit> {
    let group = directive.parent();
    let has_all = directive.name() == "server"
        && directive.model().version().is_some_and(|version| version >= RESOLVES)
        && group.directive("zone").is_some()
        && Resolver::in_force(group).is_some();
    let mut end = directive.terminator();
    end.span.end = end.span.start;
    has_all.then(|| Edit::replace(end, " resolve"))
}
