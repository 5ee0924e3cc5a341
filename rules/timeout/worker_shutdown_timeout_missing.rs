//! Workers that stay after a reload for as long as a connection lives.

use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, ListenOptions, Model, Protocol, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-shutdown-timeout-missing",
    group: Group::Timeout,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_shutdown_timeout"],
    equivalents: &[],
    page: include_str!("worker_shutdown_timeout_missing.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    let main = model.main();
    if main.is_unseen() || main.effective("worker_shutdown_timeout") != Effective::Default {
        return;
    }
    let Some((directive, what)) = long_connections(model) else { return };
    let finding = findings.add(
        directive.place(),
        format!("after a reload the old workers stay until the last {what} ends: no worker_shutdown_timeout"),
    );
    finding.note("every reload leaves workers behind that are shutting down: they take memory, and their clients still get what the old configuration says");
    finding.help("write outside of all blocks: worker_shutdown_timeout 30s;");
    if let Some(workers) = main.directive("worker_processes") {
        let edit = Edit::add_line_behind(workers, "worker_shutdown_timeout 30s;");
        finding.fix(false, "end connections 30 seconds after a reload", vec![edit]);
    }
}

/// What passes connections on that may live for hours, and their name.
fn long_connections<'m>(model: &'m Model<'m>) -> Option<(Directive<'m>, &'static str)> {
    let is_upgrade = |directive: &Directive<'_>| {
        let header = directive.argument(0).unwrap_or_default();
        header.eq_ignore_ascii_case("upgrade") && directive.argument(1) != Some("") && directive.is_read()
    };
    if let Some(header) = model.directives_named(&["proxy_set_header"]).find(is_upgrade) {
        return Some((header, "WebSocket"));
    }
    let grpc = || model.directives_named(&["grpc_pass"]).find(|directive| directive.is_read());
    let stream = || model.directives_named(&["proxy_pass"]).find(|directive| passes_tcp_on(*directive));
    let of_stream = || stream().map(|directive| (directive, "connection of stream"));
    grpc().map(|directive| (directive, "gRPC stream")).or_else(of_stream)
}

fn passes_tcp_on(directive: Directive<'_>) -> bool {
    let is_stream = Target::of(directive).is_some_and(|target| target.protocol == Protocol::Stream);
    let mut listens = directive.parent().directives("listen");
    is_stream && directive.is_read() && listens.any(|listen| !ListenOptions::of(listen).udp)
}
