//! Versions of TLS that servers behind nginx may not have.

use std::collections::HashSet;

use crate::catalog::{Context, Version};
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Model, TLS_PASS_NAMES, Target, TlsPass};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-protocols-mismatch",
    group: Group::Tls,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_protocols"],
    equivalents: &[],
    page: include_str!("proxy_ssl_protocols_mismatch.md"),
    check: Check::Configuration(check),
};

/// The first release that speaks TLS 1.3 to servers without being told to.
const SPEAKS_TLS_1_3: Version = Version::new(1, 23, 4);

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut reported = HashSet::new();
    for directive in model.directives_named(&TLS_PASS_NAMES) {
        let Some(tls) = Target::of(directive).and_then(Target::tls) else { continue };
        match tls.effective("protocols") {
            Effective::Set(protocols) if reported.insert(protocols.id()) => listed(&tls, protocols, findings),
            Effective::Default if model.version().is_some_and(|version| version < SPEAKS_TLS_1_3) => {
                without_tls_1_3(&tls, findings);
            }
            _ => {}
        }
    }
}

fn listed(tls: &TlsPass<'_>, protocols: Directive<'_>, findings: &mut Findings) {
    let has = |name: &str| protocols.arguments().any(|word| word.eq_ignore_ascii_case(name));
    let unknown = (0..protocols.argument_count()).any(|index| protocols.is_template(index));
    if unknown || has("TLSv1.2") {
        return;
    }
    let written = protocols.arguments().collect::<Vec<_>>().join(" ");
    let failure = tls.target.protocol.failure();
    if has("TLSv1.3") {
        findings
            .add(protocols.place(), format!("servers behind nginx are spoken to with {written} alone"))
            .note(format!("with a server that has no TLS 1.3, nginx {failure}: SSL_do_handshake() failed (… alert protocol version …)"))
            .help(format!("write: {} TLSv1.2 TLSv1.3;", protocols.name()))
            .severity(Severity::Info);
        return;
    }
    let finding = findings.add(
        protocols.place(),
        format!("servers behind nginx are spoken to with {written} alone, which most of them no longer take"),
    );
    finding.note(format!("with a server that wants TLS 1.2 or newer, nginx {failure}: the handshake fails"));
    finding.help(format!("write: {} TLSv1.2 TLSv1.3;", protocols.name()));
    finding.label(tls.target.directive.place(), "passed on over TLS here");
    let last = protocols.argument_count().saturating_sub(1);
    if let (Some(location), Some(word)) = (protocols.editable_argument(last), protocols.argument(last)) {
        let edit = Edit::replace(location, format!("{word} TLSv1.2 TLSv1.3"));
        finding.fix(true, "allow TLS 1.2 and 1.3", vec![edit]);
    }
}

fn without_tls_1_3(tls: &TlsPass<'_>, findings: &mut Findings) {
    let directive = tls.target.directive;
    let name = tls.name_of("protocols");
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("TLS 1.3 is not spoken to this server: {name} leaves it out before nginx 1.23.4"),
    );
    finding.note(format!(
        "with a server that has TLS 1.3 alone, nginx {}: SSL_do_handshake() failed (… alert protocol version …)",
        tls.target.protocol.failure()
    ));
    finding.help(format!("add: {name} TLSv1.2 TLSv1.3;"));
    finding.severity(Severity::Info);
    let block = tls.target.block();
    if block.is(Context::Location) || block.is(Context::StreamServer) {
        let line = Edit::add_line_behind(directive, &format!("{name} TLSv1.2 TLSv1.3;"));
        finding.fix(true, "speak TLS 1.3, too", vec![line]);
    }
}
