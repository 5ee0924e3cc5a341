//! A certificate that is compared with the name of a group of servers.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, TLS_PASS_NAMES, Target, TlsPass, Upstream};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-verify-group-name",
    group: Group::Tls,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_name"],
    equivalents: &[],
    page: include_str!("proxy_ssl_verify_group_name.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

/// Where systems keep the certificates of all public authorities. These sign
/// no name without a dot.
const PUBLIC_AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(tls) = Target::of(directive).and_then(Target::tls) else { return };
    // A certificate that was seen need not be guessed at.
    if let Some(group) = tls.misnamed_group().filter(|_| tls.is_verified() && !tls.has_shown_certificate()) {
        report(&tls, group, findings);
    }
}

fn report(tls: &TlsPass<'_>, group: Upstream<'_>, findings: &mut Findings) {
    let name = group.name();
    let finding = findings.add(
        tls.target.directive.place_of_argument(0),
        format!("the certificate of the servers of upstream \"{name}\" has to be for the name \"{name}\""),
    );
    finding.note(format!(
        "{} compares the certificate with the name of the group unless {} says another: nginx {}: upstream SSL certificate does not match \"{name}\" while SSL handshaking to upstream",
        tls.name_of("verify"),
        tls.name_of("name"),
        tls.target.protocol.failure(),
    ));
    let real = group.public_name().unwrap_or("NAME.IN.THE.CERTIFICATE");
    finding.help(format!("add: {} {real};", tls.name_of("name")));
    if let Some(verify) = tls.effective("verify").directive() {
        finding.label(verify.place(), "verified because of this");
    }
    if let Some(head) = group.block.head() {
        finding.label(head.place(), "the group");
    }
    if !is_certain(tls, group) {
        finding.severity(Severity::Warning);
    }
}

/// Whether no certificate can have the name of the group: an authority of
/// one's own may have signed any name.
fn is_certain(tls: &TlsPass<'_>, group: Upstream<'_>) -> bool {
    let trusted = tls.effective("trusted_certificate").directive().and_then(|trusted| trusted.argument(0));
    trusted.is_some_and(|path| PUBLIC_AUTHORITIES.contains(&path)) || group.public_name().is_some()
}
