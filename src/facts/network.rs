//! Names, connections and what is said on them.

use serde::{Deserialize, Serialize};

use super::Certificate;

/// What the system makes of a name: getaddrinfo, as nginx asks it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resolution {
    /// The addresses, without brackets, in its order.
    pub addresses: Vec<String>,
    /// Why there are none.
    pub error: Option<String>,
}

/// A question to one of the name servers of a `resolver`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Question {
    /// Address and port of the name server.
    pub name_server: String,
    /// The name.
    pub name: String,
    /// The addresses, without brackets.
    pub addresses: Vec<String>,
    /// Why there are none.
    pub failure: Option<QuestionFailure>,
    /// Why it could not be asked, in the words of the system.
    pub error: Option<String>,
}

/// Why a name server gives no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionFailure {
    /// It does not know the name (NXDOMAIN).
    NoSuchName,
    /// It knows the name, but no address of a kind that nginx asks for.
    NoAddress,
    /// It failed (SERVFAIL).
    ServerFailure,
    /// It does not answer this client (REFUSED).
    Refused,
    /// It did not answer in time.
    TimedOut,
    /// Nothing is there to be asked.
    Unreachable,
    /// It answered something else.
    Other,
}

/// What came of connecting to an address.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// It.
    pub outcome: Outcome,
    /// After so many milliseconds.
    pub milliseconds: u64,
    /// In the words of the system, when it failed.
    pub error: Option<String>,
}

/// The ways in which connecting ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was accepted.
    Connected,
    /// Nothing listens there, or a firewall says so (111).
    Refused,
    /// No answer within the time.
    TimedOut,
    /// No route to the host (113).
    HostUnreachable,
    /// No route to the network (101).
    NetworkUnreachable,
    /// Ended by the other side (104).
    Reset,
    /// Not allowed on this machine (13, 1).
    Denied,
    /// No address or port on this side (99).
    NoLocalAddress,
    /// This machine does not have that kind of address (97).
    NotSupported,
    /// There is no such socket (2), or a directory on the way is missing or
    /// none (20).
    Missing,
    /// The queue of the socket is full (11).
    Full,
    /// Something else.
    #[default]
    Other,
}

/// What was said on a connection, and what came back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conversation {
    /// With whom, as the key of [`super::Facts::connections`].
    pub address: String,
    /// What was said.
    pub said: Said,
    /// The name given in the TLS handshake.
    pub server_name: Option<String>,
    /// The versions of TLS that were offered, such as `TLSv1.2`.
    pub versions: Vec<String>,
    /// Whether HTTP/2 was asked for in the TLS handshake.
    pub asks_for_http2: bool,
    /// The file of the certificate that this side has for the handshake, as
    /// the configuration names it.
    pub client_certificate: Option<String>,
    /// What came back.
    pub heard: Heard,
    /// The first line of what came back, when it is text.
    pub text: Option<String>,
    /// What is known from the TLS handshake.
    pub tls: Option<TlsHeard>,
    /// With an idle connection: after so many milliseconds the other side
    /// ended it.
    pub idle_milliseconds: Option<u64>,
}

/// What is said first on a connection. All but `Request` is a greeting that
/// asks for nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// Nothing: waited for the other side to speak.
    #[default]
    Nothing,
    /// The beginning of a TLS handshake.
    Tls,
    /// The beginning of HTTP/2.
    Http2,
    /// A question for the values of a FastCGI server.
    Fastcgi,
    /// A question for the version of memcached.
    Memcached,
    /// A request of HTTP/1.1.
    Request,
}

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// A TLS handshake, to its end; without certificates when the other side
    /// went on with a cipher that OpenSSL knows and this program does not.
    Tls,
    /// A TLS handshake that the other side, or this side, gave up: see
    /// [`TlsHeard::problem`].
    TlsFailed,
    /// HTTP/1.
    Http,
    /// HTTP/2.
    Http2,
    /// FastCGI.
    Fastcgi,
    /// memcached.
    Memcached,
    /// Something else: see the text.
    Other,
    /// Nothing within the time.
    #[default]
    Silence,
    /// It ended the connection.
    Closed,
    /// It broke the connection off.
    Reset,
}

/// What a TLS handshake tells.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsHeard {
    /// Such as `TLSv1.3`.
    pub version: Option<String>,
    /// The protocol that was agreed on: `h2`.
    pub protocol: Option<String>,
    /// The certificates that were shown, that of the server first.
    pub chain: Vec<Certificate>,
    /// Why the handshake failed, such as `handshake failure`.
    pub problem: Option<String>,
    /// Whether a certificate of this side was asked for.
    pub asks_for_certificate: bool,
    /// The file with the certificates that are trusted, when the
    /// configuration verifies.
    pub trusted: Option<String>,
    /// The name that its certificate has to be for then.
    pub verified_name: Option<String>,
    /// Why it would not be trusted with them; none when it would.
    pub distrust: Option<String>,
}
