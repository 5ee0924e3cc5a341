//! A target with variables whose host nginx knows from a target without.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, HostNameKind, PASS_NAMES, Target, kind_of_host_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "static-peer-shadows-variable",
    group: Group::Dns,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver",
    ],
    equivalents: &[],
    page: include_str!("static_peer_shadows_variable.md"),
    check: Check::Directives(&PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(target) = Target::of(directive).filter(|target| target.has_variables() && !target.is_template()) else {
        return;
    };
    let resolver = directive.parent().effective("resolver");
    // Without a resolver nobody expects new addresses.
    if resolver == Effective::Default || directive.definition().is_none() {
        return;
    }
    let hosts = target.run_time_hosts();
    let changes = |name: &str| kind_of_host_name(name) != HostNameKind::Localhost;
    let Some((name, twin)) = hosts.known.iter().find(|(name, _)| changes(name)) else { return };
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the resolver is not asked for \"{name}\": another target names the same host without variables"),
    );
    finding.note(format!(
        "nginx takes the addresses that it found when it started; when they change it {} until it is reloaded",
        target.protocol.failure()
    ));
    finding.help("use the variable in the other target too, or let that one name an upstream group with this server");
    finding.label(twin.directive.place_of_argument(0), "the same host and port, without variables");
    // A variable for the host is there to have it looked up; one in the path
    // may have other reasons.
    if hosts.is_written_out || resolver == Effective::Unseen {
        finding.severity(Severity::Info);
    }
}
