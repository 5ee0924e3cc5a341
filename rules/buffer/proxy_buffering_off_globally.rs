//! Buffering turned off for all that is passed on.

use rustc_hash::FxHashSet;

use crate::catalog::{Context, Family, name_index};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Model, Target, parse_flag};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-buffering-off-globally",
    group: Group::Buffer,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering"],
    equivalents: &[],
    page: include_str!("proxy_buffering_off_globally.md"),
    check: Check::Configuration(check),
};

const NAMES: [&str; 4] = ["proxy_buffering", "fastcgi_buffering", "uwsgi_buffering", "scgi_buffering"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    if !NAMES.iter().filter_map(|name| name_index(name)).any(|index| model.has_directives_named(index)) {
        return;
    }
    let mut known = FxHashSet::default();
    for target in model.targets().filter(|target| target.protocol.family() == Family::Http) {
        let Some(directive) = target.effective("buffering").directive().filter(|set| set.is_read()) else { continue };
        let is_off = directive.argument(0).and_then(parse_flag) == Some(false);
        if is_off && known.insert(directive.id()) {
            judge(directive, target, findings);
        }
    }
}

fn judge(directive: Directive<'_>, target: Target<'_>, findings: &mut Findings) {
    let scope = match directive.parent() {
        block if block.is(Context::Http) => "every site",
        block if block.is(Context::Server) => "the whole server",
        _ => return,
    };
    let finding = findings.add(
        directive.place(),
        format!("{} is off for {scope}: each slow client holds a request of the backend open", directive.name()),
    );
    match directive.model().surroundings().backend_workers {
        Some(workers) => finding.note(format!(
            "the backend has sent its answer only when the client has taken it: {workers} slow clients occupy its {workers} workers, and others get 504"
        )),
        None => finding
            .severity(Severity::Info)
            .note("the backend has sent its answer only when the client has taken it, and is occupied so long; nor is anything cached"),
    };
    finding.help("turn it off only in the locations that stream (events, logs, long polling), or let the backend say X-Accel-Buffering: no");
    finding.label(target.directive.place(), "passed on without buffering");
}
