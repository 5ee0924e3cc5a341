//! A limit of files that the user who starts nginx may not raise.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "worker-rlimit-needs-privilege",
    group: Group::Worker,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("worker_rlimit_needs_privilege.md"),
    check: Check::Directives(&["worker_rlimit_nofile"], check),
};

/// What every process may open on the usual systems without asking.
const ALWAYS_ALLOWED: u64 = 1_024;

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(files) = directive.argument(0).and_then(parse_number).filter(|_| directive.is_read()) else { return };
    if files <= ALWAYS_ALLOWED || !directive.model().surroundings().unprivileged {
        return;
    }
    let finding = findings.add(
        directive.place(),
        format!("worker_rlimit_nofile {files} cannot raise the limit: nginx is started by a user that may not"),
    );
    finding.note(format!(
        "above the hard limit of that user the workers go on with the old one; nginx -t says nothing, and the error log \"setrlimit(RLIMIT_NOFILE, {files}) failed (1: Operation not permitted)\""
    ));
    finding.help(format!(
        "raise the limit where nginx is started, such as --ulimit nofile={files} of a container or LimitNOFILE={files} of a systemd unit"
    ));
    if let Some(connections) = directive.model().worker_connections().filter(|found| found.count > ALWAYS_ALLOWED) {
        finding.label(connections.place(), connections.described());
    }
}
