//! A limit for long requests that comes too late: the request line is read
//! before it is known which server it is for.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family, name_index};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, BlockId, Directive, Effective, ListenOptions, Listener, Model, parse_size, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "large-client-header-buffers-vhost",
    group: Group::Buffer,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#large_client_header_buffers"],
    equivalents: &[],
    page: include_str!("large_client_header_buffers_vhost.md"),
    check: Check::Configuration(check),
};

const NAME: &str = "large_client_header_buffers";

/// The default size of one buffer.
const DEFAULT: u64 = 8 << 10;

fn check(model: &Model<'_>, findings: &mut Findings) {
    if name_index(NAME).is_none_or(|name| !model.has_directives_named(name)) || !model.knows_all_listeners(Family::Http)
    {
        return;
    }
    // With TLS the name comes before the request.
    let is_plain = |server: Block<'_>| !server.directives("listen").any(|listen| ListenOptions::of(listen).ssl);
    let in_servers = model.directives_named(&[NAME]).filter(|set| set.parent().is(Context::Server) && set.is_read());
    let plain = in_servers.filter(|set| is_plain(set.parent()));
    let mut waiting: FxHashMap<BlockId, Directive<'_>> = plain.map(|set| (set.parent().id(), set)).collect();
    for listener in model.listeners(Family::Http).filter(|listener| !is_for_tls(*listener)) {
        let Some(default) = listener.default_server() else { continue };
        let Some(limit) = size_in_force(default) else { continue };
        for server in listener.servers().into_iter().filter(|server| *server != default) {
            let is_larger = |set: &Directive<'_>| size_of(*set).is_some_and(|size| size > limit.0);
            if waiting.get(&server.id()).is_some_and(is_larger)
                && let Some(set) = waiting.remove(&server.id())
            {
                report(set, listener, default, limit, findings);
            }
        }
    }
}

fn is_for_tls(listener: Listener<'_>) -> bool {
    let mut directives = listener.listenings().filter_map(|listening| listening.directive);
    listener.is_udp() || directives.any(|directive| ListenOptions::of(directive).ssl)
}

fn size_of(directive: Directive<'_>) -> Option<u64> {
    parse_size(directive.argument(1)?)
}

/// The size in force in a server, and what says it.
fn size_in_force(server: Block<'_>) -> Option<(u64, Option<Directive<'_>>)> {
    match server.effective(NAME) {
        Effective::Set(set) => Some((size_of(set)?, Some(set))),
        Effective::Default => Some((DEFAULT, None)),
        Effective::Unseen => None,
    }
}

fn report(
    set: Directive<'_>,
    listener: Listener<'_>,
    default: Block<'_>,
    limit: (u64, Option<Directive<'_>>),
    findings: &mut Findings,
) {
    let (size, by) = limit;
    let own = set.argument(1).unwrap_or_default();
    let finding = findings.add(
        set.place(),
        format!(
            "{own} holds for headers only; lines of requests to {} have the {} of the default server",
            listener.socket(),
            written_size(size)
        ),
    );
    finding.note("the line is read before nginx knows the server: a longer URL gets 414, whatever this server says");
    finding.help("write it in http, or in the default server of this address too");
    match (by, default.head()) {
        (Some(by), _) => finding.label(by.place(), "holds for request lines"),
        (None, Some(head)) => finding.label(head.place(), "the default server, with 8k by default"),
        (None, None) => finding,
    };
}
