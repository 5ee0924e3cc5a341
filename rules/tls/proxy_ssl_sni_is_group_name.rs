//! A TLS server that is asked for by the name of a group.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, TLS_PASS_NAMES, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-sni-is-group-name",
    group: Group::Tls,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_name"],
    equivalents: &[],
    page: include_str!("proxy_ssl_sni_is_group_name.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(tls) = Target::of(directive).and_then(Target::tls) else { return };
    let Some(group) = tls.misnamed_group() else { return };
    // Where the certificate is verified, the same name breaks that first.
    if tls.is_on("server_name") != Some(true) || tls.is_on("verify") != Some(false) {
        return;
    }
    let name = group.name();
    let finding = findings.add(
        directive.place_of_argument(0),
        format!("the servers of upstream \"{name}\" are asked for the TLS server \"{name}\", the name of the group"),
    );
    finding.note(format!(
        "a server that chooses by the name (SNI) ends the handshake or shows another certificate; where it ends it, nginx {}: SSL_do_handshake() failed (… alert unrecognized name …)",
        tls.target.protocol.failure()
    ));
    let real = group.public_name().unwrap_or("NAME.OF.THE.SERVER");
    finding.help(format!("add: {} {real};", tls.name_of("name")));
    if let Some(server_name) = tls.effective("server_name").directive() {
        finding.label(server_name.place(), "the name is sent because of this");
    }
    if let Some(head) = group.block.head() {
        finding.label(head.place(), "the group");
    }
    // Servers that are addresses, or known to a private network alone, mostly
    // have one certificate and ask for no name.
    if group.public_name().is_none() {
        finding.severity(Severity::Info);
    }
}
