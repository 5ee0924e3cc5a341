//! TLS to a server that has to know which of its names is meant, and is not
//! told.

use crate::catalog::Context;
use crate::engine::{Check, Edit, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, Effective, Host, TLS_PASS_NAMES, Target, TlsPass, TlsPeer, Upstream, is_public_name};

/// See the page.
pub const RULE: Rule = Rule {
    name: "proxy-ssl-sni-off",
    group: Group::Tls,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Sometimes,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ssl_server_name"],
    equivalents: &[],
    page: include_str!("proxy_ssl_sni_off.md"),
    check: Check::Directives(&TLS_PASS_NAMES, check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(tls) = Target::of(directive).and_then(Target::tls) else { return };
    if tls.is_on("server_name") != Some(false) {
        return;
    }
    match tls.effective("name") {
        Effective::Set(name) => name_is_not_sent(&tls, name, findings),
        Effective::Default => host_is_not_named(&tls, findings),
        Effective::Unseen => {}
    }
}

/// A name is given, and only `server_name` would send it.
fn name_is_not_sent(tls: &TlsPass<'_>, name: Directive<'_>, findings: &mut Findings) {
    let text = name.argument(0).unwrap_or_default();
    if text.is_empty() || name.is_template(0) {
        return;
    }
    let is_verified = tls.is_on("verify");
    let switch = tls.name_of("server_name");
    let finding = findings.add(
        tls.target.directive.place_of_argument(0),
        format!("the server is not told that \"{text}\" is meant: {switch} is off"),
    );
    finding.note(format!("{}; {}", what_happens(tls), "the name alone only says what a certificate is verified for"));
    finding.help(format!("add: {switch} on;"));
    finding.label(name.place(), "the name");
    if let Some(line) = fix_line(tls, &switch) {
        finding.fix(true, format!("send the name with {switch}"), vec![line]);
    }
    let leaves = tls.peers.iter().any(is_public);
    if tls.effective("server_name") != Effective::Default || (is_verified != Some(false) && !leaves) {
        finding.severity(Severity::Info);
    }
}

/// Nothing is given: the host of the target would be sent.
fn host_is_not_named(tls: &TlsPass<'_>, findings: &mut Findings) {
    // The name of a group breaks the verification first.
    if tls.is_verified() && tls.misnamed_group().is_some() {
        return;
    }
    let by_name = |peer: &&TlsPeer<'_>| matches!(peer, TlsPeer::Name(_) | TlsPeer::Group(_));
    let public = tls.peers.iter().find(|peer| is_public(peer));
    let Some(peer) = public.or_else(|| tls.peers.iter().find(by_name)) else { return };
    let switch = tls.name_of("server_name");
    let host = match peer {
        TlsPeer::Group(group) if group.is_named_like_a_host() => group.name(),
        TlsPeer::Group(group) => group.public_name().unwrap_or(group.name()),
        TlsPeer::Name(name) | TlsPeer::Address(name) | TlsPeer::Socket(name) => name,
    };
    let finding = findings.add(
        tls.target.directive.place_of_argument(0),
        format!("\"{host}\" is not told which of its names is meant: {switch} is off"),
    );
    finding.note(what_happens(tls));
    match peer {
        TlsPeer::Group(group) if !group.is_named_like_a_host() => {
            let name = tls.name_of("name");
            let real = group.public_name().unwrap_or("NAME.OF.THE.SERVER");
            finding.help(format!("add: {switch} on; and, because the group has a name of its own: {name} {real};"));
            if let (Some(line), true) = (fix_line(tls, &switch), has_one_name(*group, host)) {
                let second =
                    Edit { text: format!("{}{}", line.text, line_of(tls, &format!("{name} {host};"))), ..line };
                finding.fix(false, format!("send the name \"{host}\""), vec![second]);
            }
        }
        _ => {
            finding.help(format!("add: {switch} on;"));
            if let Some(line) = fix_line(tls, &switch) {
                finding.fix(true, format!("send the name with {switch}"), vec![line]);
            }
        }
    }
    // Who writes "off" knows the server; a private one mostly has one name.
    if !is_public(peer) || tls.effective("server_name") != Effective::Default {
        finding.severity(Severity::Info);
    }
}

fn what_happens(tls: &TlsPass<'_>) -> String {
    format!(
        "nginx names no server in the handshake (SNI): one that needs the name ends the handshake, and nginx {}: SSL_do_handshake() failed (… alert handshake failure …); others show another site's certificate",
        tls.target.protocol.failure()
    )
}

fn is_public(peer: &TlsPeer<'_>) -> bool {
    match peer {
        TlsPeer::Group(group) => {
            let is_named_so = is_public_name(Host::Name(group.name())) && group.leaves_the_private_network();
            is_named_so || group.public_name().is_some()
        }
        TlsPeer::Name(name) => is_public_name(Host::Name(name)),
        TlsPeer::Address(_) | TlsPeer::Socket(_) => false,
    }
}

/// Whether all servers of a group have this name.
fn has_one_name(group: Upstream<'_>, host: &str) -> bool {
    let has_it = |host_of: Host<'_>| matches!(host_of, Host::Name(name) if name == host);
    group.is_whole() && group.public_name().is_some() && group.endpoints().all(|endpoint| has_it(endpoint.host))
}

/// None in an `if`, where the directive is not allowed, and where "off" is
/// written: a person has to look.
fn fix_line(tls: &TlsPass<'_>, switch: &str) -> Option<Edit> {
    let block = tls.target.block();
    let possible = (block.is(Context::Location) || block.is(Context::StreamServer))
        && tls.effective("server_name") == Effective::Default;
    possible.then(|| Edit::add_line_behind(tls.target.directive, &format!("{switch} on;")))
}

fn line_of(tls: &TlsPass<'_>, text: &str) -> String {
    format!("\n{}{text}", tls.target.directive.indentation())
}
