//! A second balancing method in a group, which takes the place of the first.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Balancer, Block, KEPT_BY_DEFAULT_SINCE, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "multiple-balancing-methods",
    group: Group::Upstream,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_upstream_module.html#least_conn"],
    equivalents: &[],
    page: include_str!("multiple_balancing_methods.md"),
    check: Check::Blocks(&[Context::Upstream, Context::StreamUpstream], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let mut earlier = None;
    let mut keepalive = None;
    for balancer in (Upstream { block }).balancers() {
        let method = match balancer {
            Balancer::Method(method) => method,
            Balancer::Keepalive(directive) => {
                keepalive = Some(directive);
                continue;
            }
            // What it made of the group is not known.
            Balancer::Foreign(_) => return,
        };
        if let Some(earlier) = earlier.replace(method) {
            let (name, other) = (method.name(), earlier.name());
            let finding = findings.add(
                method.place(),
                format!("\"{name}\" takes the place of \"{other}\": of several methods only the last one counts"),
            );
            finding.nginx_says("load balancing method redefined").nginx_names(method.terminator());
            finding.label(earlier.place(), "not used").help(format!("remove \"{other}\" or \"{name}\""));
            if let Some(keepalive) = keepalive.filter(|_| block.model().may_be_before(KEPT_BY_DEFAULT_SINCE)) {
                finding.label(keepalive.place(), "does nothing either");
                finding.note(format!(
                    "before nginx {KEPT_BY_DEFAULT_SINCE} it takes the place of \"keepalive\" as well: no connections are kept"
                ));
            }
        }
    }
}
