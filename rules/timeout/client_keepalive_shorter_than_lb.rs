//! Connections that nginx closes while the load balancer in front of it still
//! uses them.

use crate::catalog::{Context, Family};
use crate::engine::{Check, Edit, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Model, parse_milliseconds, time_in_words};

/// See the page.
pub const RULE: Rule = Rule {
    name: "client-keepalive-shorter-than-lb",
    group: Group::Timeout,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Unsafe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout"],
    equivalents: &[],
    page: include_str!("client_keepalive_shorter_than_lb.md"),
    check: Check::Configuration(check),
};

/// Unless it is set, in milliseconds.
const DEFAULT: u64 = 75_000;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(balancer) = model.surroundings().load_balancer_idle_timeout else { return };
    for directive in model.directives_named(&["keepalive_timeout"]) {
        if directive.taken_in() == Some(Family::Http) && !directive.parent().is(Context::Upstream) {
            check_setting(directive, balancer, findings);
        }
    }
    if balancer >= DEFAULT {
        check_default(model, balancer, findings);
    }
}

fn check_setting(directive: Directive<'_>, balancer: u64, findings: &mut Findings) {
    let value = directive.argument(0).unwrap_or_default();
    let Some(time) = parse_milliseconds(value).filter(|time| *time <= balancer) else { return };
    let longer = time_in_words(balancer.saturating_add(10_000));
    let place = directive.place();
    if time == 0 {
        let message = "keepalive_timeout 0: the load balancer needs a new connection for each request";
        let finding = findings.add(place, message);
        finding.note("nginx says so in its answers (Connection: close), so nothing breaks; it costs time and ports");
        finding.help(format!("write keepalive_timeout {longer};"));
        finding.severity(Severity::Info);
        return;
    }
    let message = format!(
        "keepalive_timeout {value} closes connections that the load balancer keeps for {}",
        time_in_words(balancer)
    );
    let finding = findings.add(place, message);
    explain(finding, &longer);
    if let Some(edit) = Edit::replace_value(directive, &longer) {
        finding.fix(false, format!("keep connections for {longer}"), vec![edit]);
    }
}

/// The default is in force where neither a server nor `http` says otherwise.
fn check_default(model: &Model<'_>, balancer: u64, findings: &mut Findings) {
    let has_default = |directive: &Directive<'_>| {
        let server = directive.block().filter(|block| block.is(Context::Server));
        server.is_some_and(|server| server.effective("keepalive_timeout") == Effective::Default)
    };
    let Some(server) = model.directives_named(&["server"]).find(has_default) else { return };
    let message =
        format!("connections are closed after 75s that the load balancer keeps for {}", time_in_words(balancer));
    let finding = findings.add(server.place_of_name(), message);
    explain(finding, &time_in_words(balancer.saturating_add(10_000)));
}

fn explain(finding: &mut Finding, longer: &str) {
    finding.note("when the next request is on its way while nginx closes, the load balancer answers 502 by itself, and nginx logs nothing");
    finding.help(format!("write in http: keepalive_timeout {longer};"));
}
