//! The two ways of checking links in one place.

use crate::catalog::Context;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Block;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-secure-link",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_secure_link_module.html#secure_link_secret"],
    equivalents: &[],
    page: include_str!("invalid_secure_link.md"),
    check: Check::Blocks(&[Context::Server, Context::Location], check),
};

fn check(block: Block<'_>, findings: &mut Findings) {
    let secret = block.directive("secure_link_secret").filter(|secret| secret.taken_as().is_some());
    let other = ["secure_link", "secure_link_md5"].into_iter().find_map(|name| block.directive(name));
    let (Some(secret), Some(other)) = (secret, other.filter(|other| other.taken_as().is_some())) else { return };
    let finding = findings.add(secret.place(), format!("secure_link_secret stands beside {}", other.name()));
    finding
        .nginx_says("\"secure_link_secret\" cannot be mixed with \"secure_link\" and \"secure_link_md5\"")
        .label(other.place(), "the other way of checking a link")
        .help("keep secure_link with secure_link_md5, or the older secure_link_secret");
    let http = block.outwards().find(|outer| outer.is(Context::Http));
    if let Some(head) = http.and_then(|http| http.head()) {
        finding.nginx_names(head.last_byte());
    }
}
