//! Bodies that nginx takes and the servers behind it do not.

use rustc_hash::FxHashSet;

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, Target, parse_offset, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "client-body-limit-above-backend",
    group: Group::Buffer,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size"],
    equivalents: &[],
    page: include_str!("client_body_limit_above_backend.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.directives_named(&["client_max_body_size"]).next().is_none() {
        return;
    }
    // Of the targets that a limit holds for, the first one is shown.
    let mut limits: Vec<(Directive<'_>, Target<'_>)> = Vec::new();
    let mut known: FxHashSet<_> = FxHashSet::default();
    let in_http = model.targets().filter(|target| target.protocol.family() == Family::Http && target.is_in_place());
    for target in in_http {
        let Some(limit) = target.block().effective("client_max_body_size").directive() else { continue };
        if known.insert(limit.id()) {
            limits.push((limit, target));
        }
    }
    for (limit, target) in limits {
        judge(limit, target, findings);
    }
}

fn judge(limit: Directive<'_>, target: Target<'_>, findings: &mut Findings) {
    let Some(bytes) = limit.argument(0).and_then(parse_offset).filter(|_| limit.is_read()) else { return };
    let taken = limit.model().surroundings().backend_max_body;
    let message = match taken {
        Some(taken) if bytes == 0 || bytes > taken => {
            let allowed = if bytes == 0 { "of any size".to_owned() } else { format!("up to {}", written_size(bytes)) };
            format!("nginx takes bodies {allowed}, the backend only up to {}", written_size(taken))
        }
        None if bytes == 0 && limit.parent().is(Context::Http) => {
            "nginx takes bodies of any size, whatever the backend takes".to_owned()
        }
        _ => return,
    };
    let finding = findings.add(limit.place(), message);
    finding.note("a backend that refuses a body and closes the connection while nginx still sends makes 502 of its 413: \"writev() failed (104: Connection reset by peer) while sending request to upstream\"");
    finding.label(target.directive.place(), "the body is passed on here");
    match taken {
        Some(taken) => {
            finding.help(format!("write client_max_body_size {}; so that nginx says 413", written_size(taken)))
        }
        None => finding.severity(Severity::Info).help("write the size that the backend takes, so that nginx says 413"),
    };
}
