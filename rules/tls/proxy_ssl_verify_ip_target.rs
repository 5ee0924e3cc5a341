//! A certificate that is compared with an address, as text.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, TLS_PASS_NAMES, Target, TlsPeer};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-verify-ip-target",
    group: Group::Tls,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_name"],
    equivalents: &[],
    page: include_str!("proxy_ssl_verify_ip_target.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(tls) = Target::of(directive).and_then(Target::tls) else { return };
    let nameless = tls.peers.iter().find_map(|peer| match peer {
        TlsPeer::Address(text) => Some(("address", text)),
        TlsPeer::Socket(text) => Some(("path", text)),
        TlsPeer::Name(_) | TlsPeer::Group(_) => None,
    });
    let Some((what, text)) = nameless else { return };
    if !tls.is_verified() || tls.effective("name") != Effective::Default {
        return;
    }
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the certificate of the server is compared with its {what} \"{text}\", as if that were a host name"),
    );
    finding.note(format!(
        "nginx looks only at the names in a certificate, not at its IP addresses: nginx {}: upstream SSL certificate does not match \"{text}\" while SSL handshaking to upstream",
        tls.target.protocol.failure()
    ));
    finding.help(format!("add the name that the certificate is for: {} NAME.IN.THE.CERTIFICATE;", tls.name_of("name")));
    if let Some(verify) = tls.effective("verify").directive() {
        finding.label(verify.place(), "verified because of this");
    }
}
