//! What a server has for TLS: its certificates and keys, and what it asks of
//! clients, its own or inherited.

use crate::catalog::Family;

use super::value::parse_flag;
use super::{Block, Directive, Effective, ListenOptions, Protocol, Target, family_of_server};

/// The certificates of a server.
#[derive(Clone, Debug)]
pub struct ServerCertificates<'m> {
    /// The directives with a certificate.
    pub certificates: Vec<Directive<'m>>,
    /// The directives with a key.
    pub keys: Vec<Directive<'m>>,
    /// It takes no connection for itself (`ssl_reject_handshake`).
    pub rejects: bool,
}

impl<'m> Block<'m> {
    /// The certificates of a server; none if some may be where they could not
    /// be seen.
    pub fn server_certificates(self) -> Option<ServerCertificates<'m>> {
        let certificates = self.effective_list("ssl_certificate");
        let keys = self.effective_list("ssl_certificate_key");
        let rejects = self.is_on("ssl_reject_handshake")?;
        (certificates.complete && keys.complete).then_some(ServerCertificates {
            certificates: certificates.directives,
            keys: keys.directives,
            rejects,
        })
    }

    /// Whether a flag is on; off if it is not said, none if that is not known.
    pub fn is_on(self, name: &str) -> Option<bool> {
        match self.effective(name) {
            Effective::Set(directive) => parse_flag(directive.argument(0)?),
            Effective::Default => Some(false),
            Effective::Unseen => None,
        }
    }

    /// The directive that makes a server speak TLS when it is asked for by
    /// itself: `listen … ssl`, `listen … quic`, or, in mail, `starttls`.
    pub fn tls_directive(self) -> Option<Directive<'m>> {
        let family = family_of_server(self)?;
        let listen = self.directives("listen").find(|listen| ListenOptions::of(*listen).ssl || listen.has_flag("quic"));
        listen.or_else(|| match self.effective("starttls") {
            Effective::Set(directive) if family == Family::Mail => {
                let word = directive.argument(0)?;
                ["on", "only"].into_iter().any(|on| word.eq_ignore_ascii_case(on)).then_some(directive)
            }
            _ => None,
        })
    }
}

/// The beginning of the names of the directives about TLS of a block that
/// passes requests on, where nginx prepares that: the scheme asks for it, or
/// a variable may.
pub fn tls_of_pass(directive: Directive<'_>) -> Option<&'static str> {
    let target = Target::of(directive)?;
    let prefix = match target.protocol {
        Protocol::Proxy => "proxy_ssl",
        Protocol::Grpc => "grpc_ssl",
        Protocol::Uwsgi => "uwsgi_ssl",
        Protocol::Stream | Protocol::Fastcgi | Protocol::Scgi | Protocol::Memcached => return None,
    };
    if target.is_template() {
        return None;
    }
    let text = target.text.to_ascii_lowercase();
    let asks = ["https://", "grpcs://", "suwsgi://"].into_iter().any(|scheme| text.starts_with(scheme));
    (asks || text.contains('$')).then_some(prefix)
}
