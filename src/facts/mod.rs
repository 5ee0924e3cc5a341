//! What was seen outside of the configuration: on this machine, on the way to
//! the servers behind nginx, and in its logs.
//!
//! Plain data that can be saved and read again. It knows nobody: `probe` and
//! `logs` write it, rules judge it together with the model. Whatever is
//! `None`, or missing from a map, was not examined, and no rule may take it
//! for fine.

mod certificate;
mod file;
mod log;
mod machine;
mod network;
mod nginx;

pub use certificate::{Certificate, CertificateFile, KeyPair};
pub use file::{FileFact, FileKind};
pub use log::{Evidence, Log, LogFile, Signature, Tally};
pub use machine::{ListeningSocket, Machine, Selinux};
pub use network::{Connection, Conversation, Heard, Outcome, Question, QuestionFailure, Resolution, Said, TlsHeard};
pub use nginx::{Binary, Nginx, Process, Unit, User};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the saved form.
pub const SCHEMA: u32 = 1;

/// All that was seen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When, in seconds since 1970.
    pub taken_at: i64,
    /// Who looked: some things only root may see.
    pub observer: User,
    /// The machine and its limits.
    pub machine: Machine,
    /// The nginx that is installed, and the one that runs.
    pub nginx: Nginx,
    /// Names as the system resolves them, which nginx does when it starts.
    pub names: BTreeMap<String, Resolution>,
    /// Names as the name servers of `resolver` answer for them.
    pub questions: Vec<Question>,
    /// What came of connecting, by address: `127.0.0.1:80`, `[::1]:80`,
    /// `unix:/run/app.sock`.
    pub connections: BTreeMap<String, Connection>,
    /// What was said there.
    pub conversations: Vec<Conversation>,
    /// What listens on this machine.
    pub listening: Option<Vec<ListeningSocket>>,
    /// Files, directories and sockets that the configuration names, by their
    /// absolute path.
    pub files: BTreeMap<String, FileFact>,
    /// The certificates in files, by absolute path.
    pub certificates: BTreeMap<String, CertificateFile>,
    /// Certificates and the keys they are used with.
    pub key_pairs: Vec<KeyPair>,
    /// What the logs say.
    pub log: Option<Log>,
    /// What could not be looked at.
    pub not_examined: Vec<NotExamined>,
}

/// Something that could not be looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotExamined {
    /// What: in words, such as `/etc/ssl/private/site.key`.
    pub what: String,
    /// Why: in words, such as `permission denied`.
    pub why: String,
}

impl Facts {
    /// The addresses that a host and port of the configuration stand for when
    /// nginx starts, as the keys of [`Facts::connections`]; none when it is a
    /// name that was not resolved. `host` is an address, with brackets if it
    /// is one of IPv6, or a name.
    pub fn addresses_of(&self, host: &str, port: u16) -> Option<Vec<String>> {
        if is_address(host) {
            return Some(vec![format!("{host}:{port}")]);
        }
        let resolution = self.names.get(&host.to_ascii_lowercase())?;
        Some(resolution.addresses.iter().map(|address| with_port(address, port)).collect())
    }

    /// Conversations with an address.
    pub fn conversations_with<'f>(&'f self, address: &'f str) -> impl Iterator<Item = &'f Conversation> {
        self.conversations.iter().filter(move |conversation| conversation.address == address)
    }

    /// What listens on a port of this machine and takes connections to
    /// `address`, which is one of this machine or a wildcard: `127.0.0.1:80`.
    pub fn listener_at<'f>(&'f self, address: &str) -> Option<&'f ListeningSocket> {
        let listening = self.listening.as_deref()?.iter();
        let mut listening = listening.filter(|socket| !socket.udp);
        let (host, port) = address.rsplit_once(':')?;
        let wildcards: &[&str] = if host.starts_with('[') { &["[::]"] } else { &["0.0.0.0", "[::]"] };
        listening.find(|socket| match socket.address.rsplit_once(':') {
            Some((other, other_port)) if other_port == port => {
                let takes_others = host.starts_with('[') || socket.only_ipv6 != Some(true);
                other == host || (wildcards.contains(&other) && takes_others)
            }
            _ => false,
        })
    }
}

/// An address without brackets, and a port, as one text.
pub fn with_port(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Whether a host is an address of IPv4, or of IPv6 in brackets.
fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_stand_for_the_addresses_they_resolve_to() {
        let mut facts = Facts::default();
        let addresses = vec!["127.0.0.1".to_owned(), "::1".to_owned()];
        facts.names.insert("app".to_owned(), Resolution { addresses, error: None });
        let of = |host| facts.addresses_of(host, 80);
        assert_eq!(of("10.0.0.1"), Some(vec!["10.0.0.1:80".to_owned()]));
        assert_eq!(of("[::1]"), Some(vec!["[::1]:80".to_owned()]));
        assert_eq!(of("APP"), Some(vec!["127.0.0.1:80".to_owned(), "[::1]:80".to_owned()]));
        assert_eq!(of("other"), None);
    }

    #[test]
    fn a_wildcard_takes_connections_to_every_address() {
        let socket = |address: &str| ListeningSocket { address: address.to_owned(), ..ListeningSocket::default() };
        let only_ipv6 = ListeningSocket { only_ipv6: Some(true), ..socket("[::]:84") };
        let listening = Some(vec![socket("0.0.0.0:80"), socket("127.0.0.1:81"), socket("[::]:82"), only_ipv6]);
        let facts = Facts { listening, ..Facts::default() };
        let table = [
            ("127.0.0.1:80", true),
            ("[::1]:80", false),
            ("127.0.0.1:81", true),
            ("127.0.0.2:81", false),
            ("[::1]:82", true),
            ("127.0.0.1:82", true),
            ("127.0.0.1:83", false),
            ("127.0.0.1:84", false),
            ("[::1]:84", true),
        ];
        for (address, expected) in table {
            assert_eq!(facts.listener_at(address).is_some(), expected, "{address}");
        }
    }

    #[test]
    fn facts_come_back_as_they_were_saved() {
        let seen = Evidence { signature: Signature::UpstreamRefused, count: 3, ..Evidence::default() };
        let log = Some(Log { seen: vec![seen], ..Log::default() });
        let facts = Facts { schema: SCHEMA, log, ..Facts::default() };
        let text = serde_json::to_string(&facts).expect("facts are plain data");
        assert_eq!(serde_json::from_str::<Facts>(&text).expect("the same form"), facts);
        assert!(serde_json::from_str::<Facts>("{\"wrong\": 1}").is_err(), "what is not known is not passed over");
    }
}
