//! Requests that go out as HTTP/1.0, because nothing says otherwise.

use std::collections::HashSet;

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Effective, Host, Model, Protocol, Target, split_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "http10-to-modern-backend",
    group: Group::Target,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::before(Version::new(1, 29, 7)),
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_http_version"],
    equivalents: &[],
    page: include_str!("http10_to_modern_backend.md"),
    check: Check::Configuration(check),
};

/// One default is in force for all of them, so it is said once.
fn check(model: &Model<'_>, findings: &mut Findings) {
    let passes: Vec<Target<'_>> = model.targets().filter(|target| goes_out_as_1_0(*target)).collect();
    let Some(first) = passes.first() else { return };
    let others = match passes.len() {
        1 => String::new(),
        2 => ", and of one more place".to_owned(),
        count => format!(", and of {} more places", count - 1),
    };
    let finding = findings.add(
        first.directive.place(),
        format!("requests of this place{others} go out as HTTP/1.0: proxy_http_version is not set"),
    );
    finding.note("before nginx 1.29.7 the default is 1.0: servers that want 1.1, such as Envoy, answer 426, and WebSocket is not possible");
    finding.help("add to http {}: proxy_http_version 1.1;");
    for target in passes.iter().skip(1).take(2) {
        finding.label(target.directive.place(), "passed on as HTTP/1.0");
    }
    if passes.iter().all(|target| target.block().is(Context::Location)) {
        let edits = passes.iter().map(|target| Edit::add_line_behind(target.directive, "proxy_http_version 1.1;"));
        // A file that is included twice is edited once.
        let mut edited = HashSet::new();
        finding.fix(false, "speak HTTP/1.1", edits.filter(|edit| edited.insert(edit.location)).collect());
    }
}

/// Whether the default is in force. A group that keeps connections has more to
/// say about it, and a socket leads to no gateway.
fn goes_out_as_1_0(target: Target<'_>) -> bool {
    let is_http = target.protocol == Protocol::Proxy && target.directive.definition().is_some();
    let host = &target.text[target.parts().address];
    is_http
        && target.effective("http_version") == Effective::Default
        && !matches!(split_address(host).0, Host::Unix(_))
        && target.upstreams().iter().all(|group| group.keepalive().is_none())
}
