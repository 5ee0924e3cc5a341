//! A server of mail that lacks what nginx needs: a protocol, somebody to ask
//! about users, a certificate.

use crate::catalog::{Context, Family};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Block, Directive, Effective, Place, has_placeholder, listen_form, parse_address};

/// See the page.
pub const RULE: Rule = Rule {
    name: "incomplete-mail-server",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/mail/ngx_mail_core_module.html"],
    equivalents: &[],
    page: include_str!("incomplete_mail_server.md"),
    check: Check::Blocks(&[Context::MailServer], check),
};

/// Ports that say which protocol is spoken there.
const PORTS: [u16; 7] = [25, 465, 587, 110, 995, 143, 993];

const PROTOCOLS: [&str; 3] = ["imap", "pop3", "smtp"];

fn check(block: Block<'_>, findings: &mut Findings) {
    let Some(head) = block.head().filter(|head| head.definition().is_some()) else { return };
    for protocol in block.directives("protocol") {
        check_protocol(protocol, findings);
    }
    // nginx first misses the listen.
    if block.is_unseen() || block.directive("listen").is_none() {
        return;
    }
    if block.directive("protocol").is_none() && !block.directives("listen").any(says_protocol) {
        findings
            .add(head.place(), "nothing says which protocol this server speaks")
            .nginx_says("unknown mail protocol for server")
            .nginx_names(head.terminator())
            .note("nginx knows it by the ports 25, 465, 587, 110, 995, 143 and 993 alone")
            .help("add \"protocol imap;\", \"protocol pop3;\" or \"protocol smtp;\"");
    }
    if block.effective("auth_http") == Effective::Default {
        findings
            .add(head.place(), "this server has no auth_http, and none is around it")
            .nginx_says("no \"auth_http\" is defined for server")
            .nginx_names(head.terminator())
            .note("nginx asks it where the mailbox of a user is")
            .help("add the address of the authentication server, such as auth_http 127.0.0.1:9000/auth;");
    }
    check_certificates(block, findings);
}

fn check_protocol(directive: Directive<'_>, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| !has_placeholder(text)) else { return };
    if !directive.is_read() || PROTOCOLS.contains(&text) {
        return;
    }
    findings
        .add(directive.place_of_argument(0), format!("\"{text}\" is no protocol of mail"))
        .nginx_says(format!("unknown protocol \"{text}\""))
        .nginx_names(directive.terminator())
        .help("write imap, pop3 or smtp, in lower case");
}

/// Whether a port says the protocol, or may say it.
fn says_protocol(listen: Directive<'_>) -> bool {
    let Some(text) = listen.argument(0) else { return true };
    // Of a range nginx looks at the first port.
    let address = parse_address(text, listen_form(Family::Mail));
    has_placeholder(text) || address.is_ok_and(|address| PORTS.contains(&address.port))
}

/// TLS needs a certificate, and each certificate a key.
fn check_certificates(block: Block<'_>, findings: &mut Findings) {
    let has_ssl = |listen: &Directive<'_>| listen.arguments().skip(1).any(|text| text == "ssl");
    let listen = block.directives("listen").rfind(has_ssl);
    let starttls = match block.effective("starttls") {
        Effective::Set(starttls) => starttls.argument(0).filter(|text| is_on(text)).map(|_| starttls),
        _ => None,
    };
    // Newer releases do not know it.
    let ssl = match block.effective("ssl") {
        Effective::Set(ssl) => ssl.argument(0).filter(|text| is_on(text)).map(|_| ssl),
        _ => None,
    };
    let (asks, mode) = match (listen, ssl, starttls) {
        (Some(listen), _, _) => (listen, "listen ... ssl"),
        (None, Some(ssl), _) => (ssl, "ssl"),
        (None, None, Some(starttls)) => (starttls, "starttls"),
        (None, None, None) => return,
    };
    let certificates = block.effective_list("ssl_certificate");
    let keys = block.effective_list("ssl_certificate_key");
    if !certificates.complete || !keys.complete {
        return;
    }
    let place: Place = asks.place();
    if certificates.directives.is_empty() {
        findings
            .add(place, format!("\"{}\" asks for TLS, and the server has no certificate", asks.name()))
            .nginx_says(format!("no \"ssl_certificate\" is defined for the \"{mode}\" directive"))
            .nginx_names(asks.terminator())
            .help("add ssl_certificate and ssl_certificate_key with the paths of both files");
    } else if keys.directives.is_empty() {
        findings
            .add(place, format!("\"{}\" asks for TLS, and the certificate has no key", asks.name()))
            .nginx_says(format!("no \"ssl_certificate_key\" is defined for the \"{mode}\" directive"))
            .nginx_names(asks.terminator())
            .help("add ssl_certificate_key with the path of the key");
    } else if let Some(last) =
        certificates.directives.last().filter(|_| keys.directives.len() < certificates.directives.len())
    {
        let name = last.argument(0).unwrap_or_default();
        findings
            .add(last.place(), format!("there are {} certificates, and fewer keys", certificates.directives.len()))
            .nginx_says(format!(
                "no \"ssl_certificate_key\" is defined for certificate \"{name}\" and the \"{mode}\" directive"
            ))
            .nginx_names(asks.terminator())
            .help("add a ssl_certificate_key for each certificate");
    }
}

fn is_on(text: &str) -> bool {
    text.eq_ignore_ascii_case("on") || text.eq_ignore_ascii_case("only")
}
