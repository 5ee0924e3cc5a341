//! A key for a certificate that is not there.

use std::collections::HashSet;

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Effective, Model, TLS_PASS_NAMES, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-client-cert-incomplete",
    group: Group::Tls,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_certificate"],
    equivalents: &[],
    page: include_str!("proxy_ssl_client_cert_incomplete.md"),
    check: Check::Configuration(check),
};

const KEYS: [&str; 3] = ["proxy_ssl_certificate_key", "grpc_ssl_certificate_key", "uwsgi_ssl_certificate_key"];

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.directives_named(&KEYS).next().is_none() {
        return;
    }
    let mut reported = HashSet::new();
    for directive in model.directives_named(&TLS_PASS_NAMES) {
        let Some(tls) = Target::of(directive).and_then(Target::tls) else { continue };
        let Effective::Set(key) = tls.effective("certificate_key") else { continue };
        let is_empty = key.argument(0).is_none_or(str::is_empty);
        if is_empty || tls.effective("certificate") != Effective::Default || !reported.insert(key.id()) {
            continue;
        }
        let certificate = tls.name_of("certificate");
        findings
            .add(key.place(), format!("{} is set, and {certificate} is not: no certificate is shown", key.name()))
            .note(format!(
                "nginx takes the key and says nothing; a server that asks for a certificate ends the handshake, and nginx {}",
                tls.target.protocol.failure()
            ))
            .help(format!("add the certificate that the key is for: {certificate} FILE;"))
            .label(directive.place(), "passed on without a certificate");
    }
}
