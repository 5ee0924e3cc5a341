//! Answers whose header does not fit into the buffer for it.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, Model, PAGE, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-too-big-header",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size"],
    equivalents: &[],
    page: include_str!("log_too_big_header.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::TooBigHeader]) {
        say(&seen, findings);
    }
}

fn say(seen: &Seen<'_>, findings: &mut Findings) {
    let setting = seen
        .target
        .map_or_else(|| "proxy_buffer_size".to_owned(), |target| format!("{}_buffer_size", target.protocol.prefix()));
    let (place, now) = match seen.target.map(|target| target.effective("buffer_size")) {
        Some(Effective::Set(directive)) => (directive.place(), directive.argument(0).unwrap_or_default().to_owned()),
        _ => (seen.place(), format!("its default of {}k", PAGE / 1024)),
    };
    let finding = findings.add(place, format!("headers of answers are larger than {setting}, which is {now}"));
    finding.note("these requests get 502; the log has \"upstream sent too big header while reading response header from upstream\"");
    let module = setting.trim_end_matches("_buffer_size");
    finding.help(format!("write {setting} 16k; and with it {module}_buffers 8 16k; (nginx refuses the first alone)"));
    if let Some(target) = seen.target.filter(|target| target.directive.place() != place) {
        finding.label(target.directive.place(), "the answers come from here");
    }
    finding.seen(seen);
}
