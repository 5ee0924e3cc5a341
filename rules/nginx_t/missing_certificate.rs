//! TLS without a certificate, and certificates without a key, but for mail.

use std::collections::HashSet;

use crate::catalog::{Context, Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Block, BlockId, Directive, Effective, ListenOptions, Listener, Model, has_placeholder, tls_of_pass,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-certificate",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_certificate"],
    equivalents: &[],
    page: include_str!("missing_certificate.md"),
    check: Check::Configuration(check),
};

/// From this release on servers of stream share addresses, and are judged as
/// those of http are.
const STREAM_LIKE_HTTP: Version = Version::new(1, 25, 5);

/// The first release with `listen … quic`.
const QUIC: Version = Version::new(1, 25, 0);

/// The first release without `ssl on`.
const NO_SSL_DIRECTIVE: Version = Version::new(1, 25, 1);

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream] {
        if !model.is_whole(family) {
            continue;
        }
        let mut reported = HashSet::new();
        if family == Family::Http {
            check_ssl_on(model, &mut reported, findings);
        }
        for listener in model.listeners(family) {
            check_listener(model, listener, family, &mut reported, findings);
        }
        for server in model.servers(family) {
            check_keys(server, family, findings);
        }
    }
    check_passes(model, findings);
}

/// The server that answers first has to have a certificate, or to take no
/// connection; then every other one on the address has to.
fn check_listener(
    model: &Model<'_>,
    listener: Listener<'_>,
    family: Family,
    reported: &mut HashSet<BlockId>,
    findings: &mut Findings,
) {
    let directives = || listener.listenings().filter_map(|listening| listening.directive);
    let knows_quic = model.version().is_none_or(|version| version >= QUIC);
    let quic = directives().find(|directive| knows_quic && directive.has_flag("quic"));
    let Some(asks) = quic.or_else(|| directives().find(|directive| ListenOptions::of(*directive).ssl)) else { return };
    let is_marked = directives().any(|directive| ListenOptions::of(directive).default_server);
    // An address that is not known may be this one, and another server the first.
    if !is_marked && !model.knows_all_listeners(family) {
        return;
    }
    let Some(default) = listener.default_server() else { return };
    let Some(certificates) = default.server_certificates() else { return };
    if !certificates.certificates.is_empty() {
        return;
    }
    let parameter = if quic.is_some() { "quic" } else { "ssl" };
    if !certificates.rejects {
        if reported.insert(default.id()) {
            report(listener, default, asks, parameter, family, findings);
        }
        return;
    }
    for server in listener.servers() {
        let Some(own) = server.server_certificates() else { return };
        if own.certificates.is_empty() && !own.rejects {
            if reported.insert(server.id()) {
                report(listener, server, asks, parameter, family, findings);
            }
            return;
        }
    }
}

fn report(
    listener: Listener<'_>,
    server: Block<'_>,
    asks: Directive<'_>,
    parameter: &str,
    family: Family,
    findings: &mut Findings,
) {
    let own = listener.listenings().find(|listening| listening.server == server);
    let (Some(listen), Some(head)) = (own.and_then(|own| own.directive).or(Some(asks)), server.head()) else { return };
    let address = listen.argument(0).unwrap_or_default();
    let message = match listen.has_flag(parameter) {
        true => format!("\"listen {address} {parameter}\" needs a certificate, and this server has none"),
        false => "another server makes this address speak TLS, and this server has no certificate".to_owned(),
    };
    let before = server.model().version().is_some_and(|version| version < STREAM_LIKE_HTTP);
    let named = if family == Family::Stream && before { listen } else { head };
    let finding = findings.add(listen.place(), message);
    finding
        .nginx_says(format!("no \"ssl_certificate\" is defined for the \"listen ... {parameter}\" directive"))
        .nginx_names(named.terminator())
        .help(
            "add ssl_certificate and ssl_certificate_key to this server; one that is only to turn unknown names away can say \"ssl_reject_handshake on;\" instead",
        );
    if listen != asks {
        finding.label(asks.place(), format!("{parameter} is asked for here"));
    }
}

/// Releases before 1.25.1 have a directive for what `listen … ssl` is now.
fn check_ssl_on(model: &Model<'_>, reported: &mut HashSet<BlockId>, findings: &mut Findings) {
    if model.version().is_some_and(|version| version >= NO_SSL_DIRECTIVE) {
        return;
    }
    for server in model.servers(Family::Http) {
        let Effective::Set(ssl) = server.effective("ssl") else { continue };
        let Some(certificates) = server.server_certificates().filter(|_| server.is_on("ssl") == Some(true)) else {
            continue;
        };
        if !certificates.certificates.is_empty() || certificates.rejects || !reported.insert(server.id()) {
            continue;
        }
        findings
            .add(ssl.place(), "\"ssl on\" needs a certificate, and the server has none")
            .nginx_says("no \"ssl_certificate\" is defined for the \"ssl\" directive")
            .nginx_names(ssl.terminator())
            .before(NO_SSL_DIRECTIVE)
            .help("add ssl_certificate and ssl_certificate_key, and write \"listen 443 ssl\" instead of \"ssl on\"");
    }
}

/// As many keys as certificates, in every server, whatever it listens on.
fn check_keys(server: Block<'_>, family: Family, findings: &mut Findings) {
    let Some(tls) = server.server_certificates() else { return };
    let Some(last) = tls.certificates.last().filter(|_| tls.keys.len() < tls.certificates.len()) else { return };
    let finding = findings.add(last.place(), lacks_key(*last));
    finding.help(HELP_FOR_KEY);
    let file = last.argument(0).unwrap_or_default();
    let asks = server.tls_directive();
    let before = server.model().version().is_some_and(|version| version < STREAM_LIKE_HTTP);
    match asks.filter(|_| family == Family::Stream && before) {
        Some(asks) => {
            let certificate = if tls.keys.is_empty() { String::new() } else { format!("certificate \"{file}\" and ") };
            finding
                .nginx_says(format!(
                    "no \"ssl_certificate_key\" is defined for {certificate}the \"listen ... ssl\" directive"
                ))
                .nginx_names(asks.terminator());
        }
        None => {
            finding.nginx_says(format!("no \"ssl_certificate_key\" is defined for certificate \"{file}\""));
        }
    }
    if family == Family::Stream && asks.is_none() {
        finding.since(STREAM_LIKE_HTTP);
    }
}

const HELP_FOR_KEY: &str =
    "add \"ssl_certificate_key FILE;\", one for each ssl_certificate; the file may be the same if it has both";

fn lacks_key(certificate: Directive<'_>) -> String {
    format!("{} \"{}\" has no key that goes with it", certificate.name(), certificate.argument(0).unwrap_or_default())
}

/// The certificates that nginx shows to the servers it passes requests on to.
fn check_passes(model: &Model<'_>, findings: &mut Findings) {
    for directive in model.directives_named(&["proxy_pass", "grpc_pass", "uwsgi_pass"]) {
        if let Some(prefix) = tls_of_pass(directive).filter(|_| directive.is_read()) {
            check_key_of_client(directive.parent(), prefix, findings);
        }
    }
    for server in model.servers(Family::Stream).filter(|server| server.is(Context::StreamServer)) {
        if server.is_on("proxy_ssl") == Some(true) {
            check_key_of_client(server, "proxy_ssl", findings);
        }
    }
}

fn check_key_of_client(block: Block<'_>, prefix: &str, findings: &mut Findings) {
    let key = format!("{prefix}_certificate_key");
    let Effective::Set(certificate) = block.effective(&format!("{prefix}_certificate")) else { return };
    let Some(file) = certificate.argument(0).filter(|file| !file.is_empty() && !has_placeholder(file)) else { return };
    if block.effective(&key) != Effective::Default {
        return;
    }
    findings
        .add(certificate.place(), lacks_key(certificate))
        .nginx_says(format!("no \"{key}\" is defined for certificate \"{file}\""))
        .help(format!("add \"{key} FILE;\"; the file may be the same if it has both"));
}
