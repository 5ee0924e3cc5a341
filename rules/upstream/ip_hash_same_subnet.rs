//! `ip_hash` where many clients are the same to it.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, ListenOptions, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "ip-hash-same-subnet",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#ip_hash"],
    equivalents: &[],
    page: include_str!("ip_hash_same_subnet.md"),
    check: Check::Directives(&["ip_hash"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let upstream = Upstream { block: directive.parent() };
    let counts = upstream.method() == Some(directive);
    if !upstream.block.is(Context::Upstream)
        || !counts
        || !upstream.has_several_servers()
        || !upstream.is_run_by_nginx()
    {
        return;
    }
    let users: Vec<Target<'_>> = directive.model().targets_of(upstream).collect();
    if users.is_empty() || !users.iter().all(|user| is_without_real_addresses(*user)) {
        return;
    }
    let behind_listener = users.iter().all(|user| has_only_proxies_as_clients(*user));
    if directive.model().surroundings().behind_proxy || behind_listener {
        report_proxy(directive, upstream, behind_listener, findings);
    } else {
        report_network(directive, upstream, findings);
    }
}

/// Whether addresses of clients are certainly those of the connections.
fn is_without_real_addresses(user: Target<'_>) -> bool {
    let from = user.block().effective_list("set_real_ip_from");
    from.complete && from.directives.is_empty()
}

/// Whether its server takes connections of proxies alone.
fn has_only_proxies_as_clients(user: Target<'_>) -> bool {
    let Some(server) = user.block().outwards().find(|block| block.is(Context::Server)) else { return false };
    let mut listens = server.directives("listen").peekable();
    listens.peek().is_some() && listens.all(|listen| ListenOptions::of(listen).proxy_protocol)
}

fn report_proxy(directive: Directive<'_>, upstream: Upstream<'_>, by_protocol: bool, findings: &mut Findings) {
    let finding = findings.add(
        directive.place(),
        format!("ip_hash sees the proxy in front of nginx, not the clients of upstream \"{}\"", upstream.name()),
    );
    finding.note("the hash is of the first three numbers of an IPv4 address: all requests that come through one proxy, or through proxies of one network, go to one server, and the others are idle");
    let header = if by_protocol { "proxy_protocol" } else { "X-Forwarded-For" };
    finding.help(format!(
        "take the address of the client from the proxy: set_real_ip_from ADDRESS-OF-THE-PROXY; real_ip_header {header};"
    ));
}

fn report_network(directive: Directive<'_>, upstream: Upstream<'_>, findings: &mut Findings) {
    let finding = findings.add(
        directive.place(),
        format!("ip_hash sends all clients of a /24 network to one server of upstream \"{}\"", upstream.name()),
    );
    finding.note("the hash is of the first three numbers of an IPv4 address: an office, or a load balancer in front of nginx, is one client to it");
    finding.help("write hash $binary_remote_addr consistent; to take the whole address");
    finding.severity(Severity::Info);
    let edit = Edit::replace(directive.place().location, "hash $binary_remote_addr consistent");
    finding.fix(false, "take the whole address", vec![edit]);
}
