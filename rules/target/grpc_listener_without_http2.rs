//! gRPC behind listeners that speak HTTP/1 only.

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Listener, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "grpc-listener-without-http2",
    group: Group::Target,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_grpc_module.html#example",
        "https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2",
    ],
    equivalents: &[],
    page: include_str!("grpc_listener_without_http2.md"),
    check: Check::Configuration(check),
};

/// The first release with the directive `http2`.
const DIRECTIVE: Version = Version::new(1, 25, 1);

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut last = None;
    for pass in model.directives_named(&["grpc_pass"]) {
        let Some(server) = pass.parent().outwards().find(|block| block.is(Context::Server)) else { continue };
        // One finding for a server, whose directives come together.
        if last == Some(server.id()) || !pass.is_read() || is_internal(pass) {
            continue;
        }
        last = Some(server.id());
        let Some(listeners) = model.listeners_of_server(server) else { continue };
        // A server without listen is a sketch.
        let listens = server.directive("listen").is_some() && !listeners.is_empty();
        if listens && listeners.iter().all(|listener| listener.takes_http2() == Some(false)) {
            report(pass, server, &listeners, findings);
        }
    }
}

fn is_internal(pass: Directive<'_>) -> bool {
    pass.parent().outwards().any(|block| block.directive("internal").is_some())
}

fn report(pass: Directive<'_>, server: Block<'_>, listeners: &[Listener<'_>], findings: &mut Findings) {
    let finding = findings.add(pass.place(), "grpc_pass in a server that takes HTTP/1 only: gRPC clients speak HTTP/2");
    finding.note("a gRPC client gets 400 Bad Request, or cannot agree on HTTP/2 in the TLS handshake; nothing is in the error log");
    finding.help(match server.model().version() {
        Some(version) if version >= DIRECTIVE => "add to the server: http2 on;".to_owned(),
        Some(_) => "add http2 to the listen of the server; without ssl it is then for HTTP/2 alone".to_owned(),
        None => format!("add to the server: http2 on; before nginx {DIRECTIVE}, add http2 to its listen"),
    });
    let listens: Vec<Directive<'_>> = server.directives("listen").collect();
    for listen in listens.iter().take(3) {
        finding.label(listen.place(), "without http2");
    }
    if let Some(edits) = edits(&listens, listeners) {
        finding.fix(false, "take HTTP/2", edits);
    }
}

/// The directive where there is one, else the parameter.
fn edits(listens: &[Directive<'_>], listeners: &[Listener<'_>]) -> Option<Vec<Edit>> {
    let last = *listens.last()?;
    let version = last.model().version();
    if version.is_some_and(|version| version >= DIRECTIVE) {
        return Some(vec![Edit::add_line_behind(last, "http2 on;")]);
    }
    // A port without TLS would no longer take HTTP/1.
    version.filter(|_| listeners.iter().all(|listener| listener.speaks_tls() == Some(true)))?;
    let add = |listen: &Directive<'_>| {
        let mut end = listen.place().location;
        end.span.start = end.span.end;
        Edit::replace(end, " http2")
    };
    Some(listens.iter().map(add).collect())
}
