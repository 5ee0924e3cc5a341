//! Certificates and keys.

use serde::{Deserialize, Serialize};

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Certificate {
    /// Whose it is, such as `CN=www.example.com`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses it is for; its common name when it lists none.
    pub names: Vec<String>,
    /// Valid from, in seconds since 1970.
    pub not_before: i64,
    /// Valid until, in seconds since 1970.
    pub not_after: i64,
}

/// What a file of certificates holds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CertificateFile {
    /// The certificates, in order: the first is the server's.
    pub chain: Vec<Certificate>,
    /// Why it cannot be used, such as `no certificate in it`.
    pub problem: Option<String>,
}

/// A certificate and the key it is used with, by their absolute paths.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyPair {
    /// The file of the certificate.
    pub certificate: String,
    /// The file of the key.
    pub key: String,
    /// Why they do not go together, or the key cannot be used; none when they
    /// do.
    pub problem: Option<String>,
}

impl Certificate {
    /// Whether one of its names covers this one: equal, or `*.example.com` for
    /// one more label.
    pub fn covers(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.names.iter().any(|own| {
            own.eq_ignore_ascii_case(name)
                || own.strip_prefix("*.").is_some_and(|parent| {
                    name.split_once('.')
                        .is_some_and(|(first, rest)| !first.is_empty() && rest.eq_ignore_ascii_case(parent))
                })
        })
    }

    /// Whether it signed itself.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        let names = vec!["example.com".to_owned(), "*.example.com".to_owned()];
        let certificate = Certificate { names, ..Certificate::default() };
        let table = [
            ("example.com", true),
            ("WWW.Example.com", true),
            ("a.b.example.com", false),
            (".example.com", false),
            ("example.org", false),
        ];
        for (name, expected) in table {
            assert_eq!(certificate.covers(name), expected, "{name}");
        }
    }
}
