//! Servers in the internet whose certificates nobody looks at.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Host, TLS_PASS_NAMES, Target, TlsPeer, is_private, split_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-verify-off",
    group: Group::Tls,
    severity: Severity::Info,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_verify"],
    equivalents: &[],
    page: include_str!("proxy_ssl_verify_off.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(tls) = Target::of(directive).and_then(Target::tls) else { return };
    let Some(peer) = tls.peers.iter().find(|peer| is_in_the_internet(peer)) else { return };
    if tls.is_on("verify") != Some(false) {
        return;
    }
    let host = match peer {
        TlsPeer::Group(group) => group.name(),
        TlsPeer::Name(text) | TlsPeer::Address(text) | TlsPeer::Socket(text) => text,
    };
    let verify = tls.name_of("verify");
    findings
        .add(directive.place_of_argument(0), format!("the certificate of \"{host}\" is not verified: {verify} is off"))
        .note("whoever can stand between nginx and the server can read and change everything; nginx takes any certificate, also one that is expired or for another name")
        .help(format!(
            "add: {verify} on; {} /etc/ssl/certs/ca-certificates.crt; {} 2;",
            tls.name_of("trusted_certificate"),
            tls.name_of("verify_depth")
        ));
}

fn is_in_the_internet(peer: &TlsPeer<'_>) -> bool {
    match peer {
        TlsPeer::Group(group) => group.leaves_the_private_network(),
        TlsPeer::Name(name) => !is_private(Host::Name(name)),
        TlsPeer::Address(address) => !is_private(split_address(address).0),
        TlsPeer::Socket(_) => false,
    }
}
