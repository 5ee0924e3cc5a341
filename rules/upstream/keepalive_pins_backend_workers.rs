//! Idle connections to servers that take a process for each.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Effective, Kept, Protocol, Target, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "keepalive-pins-backend-workers",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html#fastcgi_keep_conn",
        "https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive",
    ],
    equivalents: &[],
    page: include_str!("keepalive_pins_backend_workers.md"),
    check: Check::Blocks(&[Context::Upstream], check),
};

/// A connection that is idle for no longer than this many milliseconds keeps
/// nobody waiting for long.
const SHORT: u64 = 1_000;

fn check(block: Block<'_>, findings: &mut Findings) {
    let upstream = Upstream { block };
    let Some(kept) = upstream.kept_connections().filter(|kept| kept.milliseconds > SHORT) else { return };
    let model = block.model();
    let is_user = |target: &Target<'_>| match target.protocol {
        Protocol::Fastcgi => true,
        // What is kept by default only is another matter.
        Protocol::Proxy => kept.keepalive.is_some(),
        _ => false,
    };
    let mut users = model.targets_of(upstream).filter(|target| is_user(target) && target.kept() == Kept::Open);
    let processes = model.surroundings().backend_workers;
    let user = match processes {
        Some(_) => users.next(),
        None => users.find(|target| target.protocol == Protocol::Fastcgi),
    };
    let Some(user) = user else { return };
    let (name, count) = (upstream.name(), kept.count);
    let place = match (kept.keepalive, user.effective("keep_conn")) {
        (Some(keepalive), _) => keepalive.place(),
        (None, Effective::Set(keep_conn)) => keep_conn.place(),
        (None, _) => user.directive.place(),
    };
    let message = match processes {
        Some(processes) => {
            let servers = upstream.endpoints().count() as u64;
            let workers = model.least_worker_processes();
            if count.saturating_mul(workers) < processes.saturating_mul(servers) {
                return;
            }
            let by = if workers > 1 { format!("each of {workers} workers") } else { "each worker".to_owned() };
            format!(
                "{by} keeps up to {count} idle connections to upstream \"{name}\", whose servers have {processes} processes each"
            )
        }
        None => format!(
            "each worker keeps up to {count} idle FastCGI connections to upstream \"{name}\", and each takes a process there"
        ),
    };
    let finding = findings.add(place, message);
    finding.note("servers such as PHP-FPM work on one connection for each process, and wait on it while it is idle: once all processes wait, requests on new connections get 504, upstream timed out while reading response header, though there is nothing to do");
    finding.label(user.directive.place(), "passed on over these connections");
    match processes {
        Some(_) => finding.help("keep fewer connections than there are processes, all workers together; or add keepalive_timeout 1s; or keep none"),
        None => finding.severity(Severity::Info).help("keep fewer connections than there are processes, all workers together; backend-workers in nginx-lint.toml has it checked"),
    };
}
