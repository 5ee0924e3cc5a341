//! Several servers, and no second try when one of them fails.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "next-upstream-off-with-peers",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_next_upstream"],
    equivalents: &[],
    page: include_str!("next_upstream_off_with_peers.md"),
    check: Check::Directives(
        &[
            "proxy_next_upstream",
            "proxy_next_upstream_tries",
            "fastcgi_next_upstream",
            "fastcgi_next_upstream_tries",
            "uwsgi_next_upstream",
            "uwsgi_next_upstream_tries",
            "scgi_next_upstream",
            "scgi_next_upstream_tries",
            "grpc_next_upstream",
            "grpc_next_upstream_tries",
            "memcached_next_upstream",
            "memcached_next_upstream_tries",
        ],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let counts_tries = directive.name().ends_with("_tries");
    let forbids = if counts_tries { directive.argument(0) == Some("1") } else { directive.has_flag("off") };
    if !forbids || !directive.is_read() {
        return;
    }
    let is_harmed =
        |target: &Target<'_>| target.has_several_servers() == Some(true) && !(counts_tries && is_off_anyway(*target));
    let Some(target) = directive.targets_governed().find(is_harmed) else { return };
    let groups = target.upstreams();
    let Some(group) = groups.iter().find(|group| group.has_several_servers()) else { return };
    let written: Vec<&str> = directive.arguments().collect();
    let finding = findings.add(
        directive.place(),
        format!(
            "{} {}: when a server of upstream \"{}\" is down, no other one is asked",
            directive.name(),
            written.join(" "),
            group.name()
        ),
    );
    finding.note(if target.protocol == Protocol::Stream {
        "the connections that would go to that server are closed, though the others work: one in fail_timeout of each worker, all of them with max_fails=0"
    } else {
        "the requests that would go to that server get 502, though the others work: one in fail_timeout of each worker, all of them with max_fails=0"
    });
    finding.help(if counts_tries {
        format!("write {} 2;", directive.name())
    } else {
        format!("remove it: by default only errors and timeouts are tried again, and POST only if nothing was sent; {}_tries 2; limits the tries", directive.name())
    });
    finding.label(target.directive.place(), "passes requests to the group");
    if let Some(head) = group.block.head() {
        finding.label(head.place(), "has other servers");
    }
    let instead = match (counts_tries, target.protocol) {
        (true, _) => "2",
        (false, Protocol::Stream) => "on",
        (false, _) => "error timeout",
    };
    let is_alone = directive.argument_count() == 1;
    if let Some(edit) = Edit::replace_value(directive, instead).filter(|_| is_alone) {
        finding.fix(false, "ask another server", vec![edit]);
    }
}

fn is_off_anyway(target: Target<'_>) -> bool {
    target.effective("next_upstream").directive().is_some_and(|directive| directive.has_flag("off"))
}
