//! An address that stands twice in a group.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use std::collections::HashMap;

use crate::model::{AddressForm, Block, HostAddress, Server, Upstream, parse_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-upstream-server",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server"],
    equivalents: &[],
    page: include_str!("duplicate_upstream_server.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if !upstream.has_several_servers() {
        return;
    }
    let servers: Vec<Server<'_>> = upstream.servers().filter(|server| !server.is_down()).collect();
    let mut firsts: HashMap<(HostAddress, u16, &str), Server<'_>> = HashMap::new();
    let mut doubles: Vec<(Server<'_>, Server<'_>)> = Vec::new();
    for server in servers.iter().copied() {
        let Some(key) = key(server, block) else { continue };
        match firsts.get(&key) {
            Some(first) => doubles.push((server, *first)),
            None => {
                firsts.insert(key, server);
            }
        }
    }
    if doubles.is_empty() || !upstream.is_run_by_nginx() {
        return;
    }
    let is_only_one = upstream.is_whole() && firsts.len() == 1 && doubles.len() + 1 == servers.len();
    for (server, first) in doubles {
        report(upstream, server, first, is_only_one, findings);
    }
}

/// What nginx connects to, as far as the text says.
fn key<'m>(server: Server<'m>, block: Block<'m>) -> Option<(HostAddress, u16, &'m str)> {
    server.endpoint()?;
    let default_port = if block.is(Context::Upstream) { 80 } else { 0 };
    let address = parse_address(server.address(), AddressForm { default_port, ..AddressForm::default() }).ok()?;
    let service = server.parameter("service").map_or("", |(_, service)| service);
    let host = match address.kind {
        HostAddress::Name(name) => HostAddress::Name(name.to_ascii_lowercase()),
        other => other,
    };
    Some((host, address.port, service))
}

fn report(upstream: Upstream<'_>, server: Server<'_>, first: Server<'_>, is_only_one: bool, findings: &mut Findings) {
    let finding = findings.add(
        server.directive.place_of_argument(0),
        format!("\"{}\" stands twice in upstream \"{}\"", server.address(), upstream.name()),
    );
    let is_never_out = server.max_fails() == Some(0) && first.max_fails() == Some(0);
    if is_only_one && !is_never_out {
        finding.note("nginx takes it for two servers: after one failed try of each it is out, and requests get 502 for fail_timeout: no live upstreams; a single server is always tried again");
    } else {
        finding.note("it gets two shares of the requests, and a failed request may be tried there again");
    }
    // Some write it for the second try.
    if is_never_out || server.is_backup() != first.is_backup() {
        finding.severity(Severity::Info);
    }
    finding.help("remove it, or write the address that was meant; for a larger share write weight=2");
    finding.label(first.directive.place_of_argument(0), "the same address");
    // A file that is included twice has the line once.
    if server.directive.whole() == first.directive.whole() {
        return;
    }
    finding.fix(false, "remove the second one", vec![Edit::remove(server.directive)]);
}
