//! Certificates as they come over the wire.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::facts::Certificate;

use super::super::certificate;

/// What is needed of a certificate to judge a chain as OpenSSL does.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// What it says.
    pub(super) certificate: Certificate,
    /// Whose it is, byte by byte.
    pub(super) subject: Vec<u8>,
    /// Who signed it, byte by byte.
    pub(super) issuer: Vec<u8>,
    /// The host names it is for: its common names when it lists none.
    hosts: Vec<String>,
}

/// Reads a certificate.
pub(super) fn read(der: &[u8]) -> Option<Read> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    Some(Read {
        certificate: certificate::describe(&parsed),
        subject: parsed.subject().as_raw().to_vec(),
        issuer: parsed.issuer().as_raw().to_vec(),
        hosts: certificate::hosts(&parsed),
    })
}

impl Read {
    /// Whether it signed itself, as far as the names say.
    pub(super) fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is for a host, as `X509_check_host` sees it: names of hosts
    /// only, and a star only above a domain of two labels.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| match own.strip_prefix("*.") {
            Some(parent) if parent.contains('.') => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
            }
            _ => own.eq_ignore_ascii_case(host),
        })
    }

    /// The host names it is for, in words.
    pub(super) fn hosts(&self) -> String {
        const FEW: usize = 3;
        let mut text = self.hosts.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.hosts.len() > FEW {
            text.push_str(", ...");
        }
        if text.is_empty() { "no host".to_owned() } else { text }
    }

    /// Whether it is too old, or too new, at a time in seconds since 1970.
    pub(super) fn problem_at(&self, time: i64) -> Option<&'static str> {
        if time > self.certificate.not_after {
            Some("expired")
        } else if time < self.certificate.not_before {
            Some("not valid yet")
        } else {
            None
        }
    }
}
