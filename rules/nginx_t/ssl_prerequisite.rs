//! Directives about TLS that need another one, or rule another one out.

use crate::catalog::{Context, Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Model, tls_of_pass};

/// See the page.
pub const RULE: Rule = Rule {
    name: "ssl-prerequisite",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_verify_client"],
    equivalents: &[],
    page: include_str!("ssl_prerequisite.md"),
    check: Check::Configuration(check),
};

/// From this release on ssl_trusted_certificate is enough to verify clients.
const TRUSTED_IS_ENOUGH: Version = Version::new(1, 27, 2);

/// From this release on every server of stream that has a certificate is
/// prepared for TLS; before, only one that listens with it.
const STREAM_LIKE_HTTP: Version = Version::new(1, 25, 5);

/// The first release that can compress certificates.
const COMPRESSES: Version = Version::new(1, 29, 1);

/// The first release with `listen … quic`.
const QUIC: Version = Version::new(1, 25, 0);

fn check(model: &Model<'_>, findings: &mut Findings) {
    for family in [Family::Http, Family::Stream, Family::Mail] {
        for server in model.servers(family).filter(|server| is_prepared(*server, family)) {
            check_clients(server, findings);
            check_compression(server, findings);
        }
    }
    check_quic(model, findings);
    for directive in model.directives_named(&["proxy_pass", "grpc_pass", "uwsgi_pass"]) {
        if let Some(prefix) = tls_of_pass(directive).filter(|_| directive.is_read()) {
            check_verify(directive.parent(), prefix, findings);
        }
    }
    for server in model.servers(Family::Stream).filter(|server| server.is(Context::StreamServer)) {
        if server.is_on("proxy_ssl") == Some(true) {
            check_verify(server, "proxy_ssl", findings);
        }
    }
}

/// Whether nginx prepares a server for TLS: only then does it look at the rest.
fn is_prepared(server: Block<'_>, family: Family) -> bool {
    let Some(tls) = server.server_certificates() else { return false };
    // A certificate without a key is refused first.
    if tls.keys.len() < tls.certificates.len() {
        return false;
    }
    let version = server.model().version();
    let by_certificate = !tls.certificates.is_empty() || tls.rejects;
    match family {
        Family::Http => by_certificate,
        Family::Stream if version.is_some_and(|version| version >= STREAM_LIKE_HTTP) => by_certificate,
        _ => !tls.certificates.is_empty() && server.tls_directive().is_some(),
    }
}

/// What a directive says in a server, in small letters; the directive with it.
fn word<'m>(server: Block<'m>, name: &str) -> Option<(String, Directive<'m>)> {
    let directive = server.effective(name).directive()?;
    Some((directive.argument(0)?.to_ascii_lowercase(), directive))
}

/// Whether a directive with a file says nothing, or names no file.
fn is_empty(block: Block<'_>, name: &str) -> Option<bool> {
    match block.effective(name) {
        Effective::Set(directive) => Some(directive.argument(0) == Some("")),
        Effective::Default => Some(true),
        Effective::Unseen => None,
    }
}

fn check_clients(server: Block<'_>, findings: &mut Findings) {
    let Some((verify, directive)) = word(server, "ssl_verify_client") else { return };
    if verify == "optional_no_ca" {
        check_ocsp(server, directive, findings);
        return;
    }
    if !matches!(verify.as_str(), "on" | "optional") {
        return;
    }
    let (Some(no_client), Some(no_trusted)) =
        (is_empty(server, "ssl_client_certificate"), is_empty(server, "ssl_trusted_certificate"))
    else {
        return;
    };
    if !no_client {
        return;
    }
    let before = server.model().version().is_some_and(|version| version < TRUSTED_IS_ENOUGH);
    let needed = if before || !no_trusted {
        "ssl_client_certificate"
    } else {
        "ssl_client_certificate or ssl_trusted_certificate"
    };
    let finding = findings.add(
        directive.place(),
        format!(
            "ssl_verify_client {verify} needs the certificates of the authorities that signed those of the clients"
        ),
    );
    finding.nginx_says(format!("no {needed} for ssl_verify_client"));
    finding.help("add \"ssl_client_certificate FILE;\" with the certificates of these authorities");
    if !no_trusted {
        finding.before(TRUSTED_IS_ENOUGH);
    }
}

fn check_ocsp(server: Block<'_>, verify: Directive<'_>, findings: &mut Findings) {
    let Some((ocsp, directive)) = word(server, "ssl_ocsp") else { return };
    if !matches!(ocsp.as_str(), "on" | "leaf") || !directive.is_read() {
        return;
    }
    findings
        .add(
            directive.place(),
            "ssl_ocsp asks about certificates that ssl_verify_client optional_no_ca does not verify",
        )
        .nginx_says("\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"")
        .label(verify.place(), "optional_no_ca is here")
        .help("write \"ssl_verify_client optional;\" and ssl_client_certificate, or leave ssl_ocsp out");
}

fn check_compression(server: Block<'_>, findings: &mut Findings) {
    let (Some((stapling, by)), Some((compression, directive))) =
        (word(server, "ssl_stapling"), word(server, "ssl_certificate_compression"))
    else {
        return;
    };
    if stapling != "on" || compression != "on" || !directive.is_read() {
        return;
    }
    findings
        .add(directive.place(), "ssl_certificate_compression and ssl_stapling are both on")
        .nginx_says("\"ssl_stapling\" is incompatible with \"ssl_certificate_compression\"")
        .since(COMPRESSES)
        .label(by.place(), "ssl_stapling is on here")
        .help("leave one of the two out");
}

/// QUIC is TLS 1.3, whatever else is allowed.
fn check_quic(model: &Model<'_>, findings: &mut Findings) {
    if model.version().is_some_and(|version| version < QUIC) {
        return;
    }
    for listener in model.listeners(Family::Http).filter(|listener| listener.is_udp()) {
        let directives = || listener.listenings().filter_map(|listening| listening.directive);
        let Some(listen) = directives().find(|directive| directive.has_flag("quic")) else { continue };
        let is_marked = directives().any(|directive| directive.has_flag("default_server"));
        if !is_marked && !model.knows_all_listeners(Family::Http) {
            continue;
        }
        let Some(server) = listener.default_server() else { continue };
        let has_certificate = server.server_certificates().is_some_and(|tls| !tls.certificates.is_empty());
        let Effective::Set(protocols) = server.effective("ssl_protocols") else { continue };
        let enables = protocols.arguments().any(|word| word.eq_ignore_ascii_case("TLSv1.3"));
        let unknown = (0..protocols.argument_count()).any(|index| protocols.is_template(index));
        if !has_certificate || enables || unknown {
            continue;
        }
        let finding = findings.add(protocols.place(), "QUIC needs TLSv1.3, which these ssl_protocols do not allow");
        finding
            .nginx_says("\"ssl_protocols\" must enable TLSv1.3 for the \"listen ... quic\" directive")
            .label(listen.place(), "QUIC is asked for here")
            .help("add TLSv1.3");
        if let Some(head) = server.head() {
            finding.nginx_names(head.terminator());
        }
    }
}

/// To verify the server that requests are passed on to, nginx has to know
/// whom to trust.
fn check_verify(block: Block<'_>, prefix: &str, findings: &mut Findings) {
    let verify = format!("{prefix}_verify");
    let trusted = format!("{prefix}_trusted_certificate");
    let Some(directive) = block.effective(&verify).directive() else { return };
    if block.is_on(&verify) != Some(true) || is_empty(block, &trusted) != Some(true) {
        return;
    }
    // A certificate without a key is refused first.
    let certificate = format!("{prefix}_certificate");
    if is_empty(block, &certificate) == Some(false)
        && block.effective(&format!("{certificate}_key")) == Effective::Default
    {
        return;
    }
    findings
        .add(directive.place(), format!("{verify} is on, and no {trusted} says whom to trust"))
        .nginx_says(format!("no {trusted} for {verify}"))
        .help(format!("add \"{trusted} /etc/ssl/certs/ca-certificates.crt;\", or the file with your own authority"));
}
