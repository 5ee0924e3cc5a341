//! A group that keeps connections because newer releases do so by default.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Balancer, Block, KEPT_BY_DEFAULT_SINCE, Kept, Protocol, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "upstream-keepalive-on-by-default",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions { since: Some(KEPT_BY_DEFAULT_SINCE), before: None },
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive"],
    equivalents: &[],
    page: include_str!("upstream_keepalive_on_by_default.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

/// So many connections each worker keeps by default.
const BY_DEFAULT: u64 = 32;

/// Directives with which a group says what it keeps.
const SAYINGS: [&str; 4] = ["keepalive", "keepalive_timeout", "keepalive_requests", "keepalive_time"];

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    if block.is_unseen() || SAYINGS.iter().any(|name| block.directive(name).is_some()) {
        return;
    }
    let model = block.model();
    let is_certain = model.version().is_some();
    // When the release is not known, what is kept is said to be HTTP/1.0.
    let is_kept = |kept: Kept| kept == Kept::Open || (!is_certain && matches!(kept, Kept::Http10 | Kept::Closed));
    let mut users = model.targets_of(upstream).filter(|target| target.protocol == Protocol::Proxy);
    let Some(user) = users.find(|target| is_kept(target.kept())) else { return };
    let Some(head) = block.head().filter(|_| !is_foreign(upstream)) else { return };
    let name = upstream.name();
    let surroundings = model.surroundings();
    let Some(processes) = surroundings.backend_workers else {
        // A time after which the servers close connections is judged elsewhere.
        if is_certain && surroundings.backend_idle_timeout.is_none() {
            let finding = findings.add(
                head.place(),
                format!("upstream \"{name}\" keeps up to {BY_DEFAULT} idle connections in each worker: the default since nginx {KEPT_BY_DEFAULT_SINCE}"),
            );
            finding.severity(Severity::Info);
            finding.note("before, each request had a connection of its own; a server that takes a process for each connection can now run out of them (504), and one that closes idle connections within 60s costs POSTs (502)");
            finding.help("write keepalive 16; if that is meant, or keepalive 0; for what was before");
            finding.label(user.directive.place(), "passed on over these connections");
        }
        return;
    };
    let servers = upstream.endpoints().count() as u64;
    let workers = model.least_worker_processes();
    if BY_DEFAULT.saturating_mul(workers) < processes.saturating_mul(servers) {
        return;
    }
    let since = if is_certain { String::new() } else { format!("from nginx {KEPT_BY_DEFAULT_SINCE} on ") };
    let finding = findings.add(
        head.place(),
        format!("{since}upstream \"{name}\" keeps up to {BY_DEFAULT} idle connections in each worker; its servers have {processes} processes each"),
    );
    finding.note(format!(
        "that is the default since nginx {KEPT_BY_DEFAULT_SINCE}; an idle connection keeps its process, and once all are taken other requests wait and get 504: upstream timed out while reading response header"
    ));
    finding.label(user.directive.place(), "passed on over these connections");
    if is_certain {
        finding.help("write keepalive 0; which is what was before");
        if let Some(last) = upstream.servers().last() {
            let edit = Edit::add_line_behind(last.directive, "keepalive 0;");
            finding.fix(false, "keep no connections", vec![edit]);
        }
    } else {
        finding.severity(Severity::Info);
        finding.help(format!("once nginx is {KEPT_BY_DEFAULT_SINCE} or newer, write keepalive 0;"));
    }
}

fn is_foreign(upstream: Upstream<'_>) -> bool {
    upstream.balancers().iter().any(|balancer| matches!(balancer, Balancer::Foreign(_)))
}
