//! The messages that are known, by the words they are made of.
//!
//! A message begins with words of nginx itself; what clients and servers sent
//! comes later, in quotes. So each pattern says how the message begins, and
//! what it is not: the same failure on the way to a name server, to the
//! responder of a certificate, or to syslog is about something else.

use memchr::memmem;

use crate::facts::Signature;

use super::Line;

/// What a known message says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known<'l> {
    /// Which it is.
    pub signature: Signature,
    /// What of it differs from others of its kind, if that matters.
    pub detail: Option<&'l [u8]>,
}

/// A message: how it begins, the words that come after that, in this order,
/// what was connected to, and where its detail is. The first that fits counts.
struct Pattern {
    signature: Signature,
    begins: &'static str,
    words: &'static [&'static str],
    peer: Peer,
    detail: Detail,
}

/// What was connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Any,
    Unix,
    NotUnix,
}

/// What of a message is its detail.
#[derive(Clone, Copy)]
enum Detail {
    None,
    /// From behind these words up to the next of those, or to the end.
    Between(&'static str, &'static str),
    /// The name of a header, from behind these words.
    HeaderName(&'static str),
    /// The directory of temporary files that this file in quotes is in.
    DirectoryOfFile,
    /// The name that was asked for, in front of these words.
    NameBefore(&'static str),
}

const fn any(signature: Signature, begins: &'static str, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, begins, words, peer: Peer::Any, detail: Detail::None }
}

/// A failure of connect() to an upstream server, with this number of an error.
const fn connecting(signature: Signature, peer: Peer, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, begins: "connect() ", words, peer, detail: Detail::None }
}

/// With a detail between these words.
const fn detailed(
    signature: Signature,
    begins: &'static str,
    words: &'static [&'static str],
    before: &'static str,
    after: &'static str,
) -> Pattern {
    Pattern { signature, begins, words, peer: Peer::Any, detail: Detail::Between(before, after) }
}

const fn temporary(signature: Signature, begins: &'static str, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, begins, words, peer: Peer::Any, detail: Detail::DirectoryOfFile }
}

const fn unresolved(signature: Signature, words: &'static str) -> Pattern {
    Pattern { signature, begins: "", words: &[], peer: Peer::Any, detail: Detail::NameBefore(words) }
}

use Peer::{NotUnix, Unix};
use Signature as S;

const CONNECTING: &str = " while connecting to upstream";
const HANDSHAKING: &str = " while SSL handshaking to upstream";
const SENDING: &str = " while sending request to upstream";
const READING_HEADER: &str = " while reading response header from upstream";

const PATTERNS: &[Pattern] = &[
    connecting(S::UnixMissing, Unix, &["failed (2:", CONNECTING]),
    connecting(S::UnixDenied, Unix, &["failed (13:", CONNECTING]),
    connecting(S::UnixRefused, Unix, &["failed (111:", CONNECTING]),
    connecting(S::UnixFull, Unix, &["failed (11:", CONNECTING]),
    connecting(S::UnixNotDirectory, Unix, &["failed (20:", CONNECTING]),
    connecting(S::UpstreamRefused, NotUnix, &["failed (111:", CONNECTING]),
    connecting(S::ConnectKernelTimeout, NotUnix, &["failed (110:", CONNECTING]),
    connecting(S::HostUnreachable, NotUnix, &["failed (113:", CONNECTING]),
    connecting(S::NetworkUnreachable, NotUnix, &["failed (101:", CONNECTING]),
    connecting(S::NoLocalAddress, NotUnix, &["failed (99:", CONNECTING]),
    connecting(S::ConnectDenied, NotUnix, &["failed (13:", CONNECTING]),
    // Not "bind() to", which is about what nginx listens on.
    detailed(S::BindFailed, "bind(", &[") failed (99:", CONNECTING], "bind(", ")"),
    any(S::ConnectTimedOut, "upstream timed out", &[CONNECTING]),
    any(S::TlsHandshakeTimedOut, "upstream timed out", &[HANDSHAKING]),
    any(S::SendTimedOut, "upstream timed out", &[SENDING]),
    any(S::ReadHeaderTimedOut, "upstream timed out", &[READING_HEADER]),
    any(S::ReadBodyTimedOut, "upstream timed out", &[" while reading upstream"]),
    any(S::SocketTooManyFiles, "socket() failed (24:", &[]),
    any(S::AcceptTooManyFiles, "accept4() failed (24:", &[]),
    any(S::AcceptTooManyFiles, "accept() failed (24:", &[]),
    any(S::AddressFamilyNotSupported, "socket() failed (97:", &[CONNECTING]),
    any(S::NoLiveUpstreams, "no live upstreams", &[]),
    any(S::UpstreamDisabled, "upstream server temporarily disabled", &[]),
    any(S::PrematureCloseHeader, "upstream prematurely closed connection", &[READING_HEADER]),
    any(S::PrematureCloseBody, "upstream prematurely closed connection", &[" while reading upstream"]),
    any(S::PrematureCloseBody, "upstream prematurely closed connection", &[" while sending to client"]),
    any(S::TlsPeerClosed, "peer closed connection in SSL handshake", &[HANDSHAKING]),
    any(S::ReadReset, "recv() failed (104:", &[READING_HEADER]),
    any(S::SendBroken, "writev() failed (104:", &[SENDING]),
    any(S::SendBroken, "writev() failed (32:", &[SENDING]),
    any(S::SendBroken, "sendfile() failed (104:", &[SENDING]),
    any(S::SendBroken, "sendfile() failed (32:", &[SENDING]),
    any(S::SendBroken, "SSL_write() failed (104:", &[SENDING]),
    any(S::SendBroken, "SSL_write() failed (32:", &[SENDING]),
    any(S::TooBigHeader, "upstream sent too big header", &[]),
    any(S::NotHttp, "upstream sent no valid HTTP/1.0 header", &[]),
    // Those that end in ", ignored" do no harm.
    Pattern {
        signature: S::DuplicateHeader,
        begins: "upstream sent duplicate header line: \"",
        words: &["\" while "],
        peer: Peer::Any,
        detail: Detail::HeaderName("header line: \""),
    },
    detailed(S::InvalidHeader, "upstream sent invalid header", &[], "invalid header: \"", "\" while "),
    any(
        S::LengthAndEncoding,
        "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
        &[],
    ),
    any(S::UnknownTransferEncoding, "upstream sent unknown \"Transfer-Encoding\"", &[]),
    any(S::InvalidChunked, "upstream sent invalid chunked response", &[]),
    any(S::MoreDataThanLength, "upstream sent more data than specified in \"Content-Length\" header", &[]),
    any(S::NotFastcgi, "upstream sent unsupported FastCGI protocol version", &[]),
    any(S::PrimaryScriptUnknown, "FastCGI sent in stderr: \"", &["Primary script unknown"]),
    any(S::Http2FrameTooLarge, "upstream sent too large http2 frame", &[]),
    any(S::NotMemcached, "memcached sent invalid response", &[]),
    // OpenSSL, and BoringSSL.
    any(S::TlsWrongVersionNumber, "SSL_do_handshake() failed (", &["wrong version number", HANDSHAKING]),
    any(S::TlsWrongVersionNumber, "SSL_do_handshake() failed (", &["WRONG_VERSION_NUMBER", HANDSHAKING]),
    any(S::TlsUnrecognizedName, "SSL_do_handshake() failed (", &["unrecognized name", HANDSHAKING]),
    any(S::TlsUnrecognizedName, "SSL_do_handshake() failed (", &["UNRECOGNIZED_NAME", HANDSHAKING]),
    any(S::TlsProtocolVersion, "SSL_do_handshake() failed (", &["alert protocol version", HANDSHAKING]),
    any(S::TlsProtocolVersion, "SSL_do_handshake() failed (", &["ALERT_PROTOCOL_VERSION", HANDSHAKING]),
    any(S::TlsHandshakeFailure, "SSL_do_handshake() failed (", &["alert handshake failure", HANDSHAKING]),
    any(S::TlsHandshakeFailure, "SSL_do_handshake() failed (", &["ALERT_HANDSHAKE_FAILURE", HANDSHAKING]),
    any(S::TlsCertificateRequired, "SSL_read() failed (", &["certificate required", " while ", "upstream"]),
    any(S::TlsCertificateRequired, "SSL_read() failed (", &["CERTIFICATE_REQUIRED", " while ", "upstream"]),
    detailed(S::TlsVerifyError, "upstream SSL certificate verify error: (", &[], "error: (", ") while "),
    detailed(S::TlsNameMismatch, "upstream SSL certificate does not match \"", &[], "match \"", "\""),
    detailed(S::NoPortInUpstream, "no port in upstream \"", &[], "upstream \"", "\""),
    detailed(S::InvalidUrlPrefix, "invalid URL prefix in \"", &[], "prefix in \"", "\""),
    detailed(S::HostNotFoundAtStart, "host not found in upstream \"", &[], "upstream \"", "\""),
    detailed(S::GroupWithPort, "upstream \"", &["\" may not have port "], "upstream \"", "\""),
    any(S::RedirectionCycle, "rewrite or internal redirection cycle", &[]),
    detailed(S::NamedLocationMissing, "could not find named location \"", &[], "location \"", "\""),
    detailed(S::AuthRequestStatus, "auth request unexpected status: ", &[], "status: ", " "),
    any(S::BodyTooLarge, "client intended to send too large body: ", &[]),
    any(S::BodyTooLarge, "client intended to send too large chunked body: ", &[]),
    any(S::BodyBufferedToFile, "a client request body is buffered to a temporary file", &[]),
    any(S::ResponseBufferedToFile, "an upstream response is buffered to a temporary file", &[]),
    temporary(S::ProxyTempDenied, "open() \"", &["\" failed (13:", " while reading upstream"]),
    temporary(S::ProxyTempDenied, "mkdir() \"", &["\" failed (13:", " while reading upstream"]),
    temporary(S::BodyTempDenied, "open() \"", &["\" failed (13:"]),
    detailed(S::RaisingLimitRefused, "setrlimit(RLIMIT_NOFILE, ", &[") failed (1:"], "RLIMIT_NOFILE, ", ")"),
    // Older releases write all that came, over several lines: only the first
    // one is a line of a log.
    any(S::BrokenProxyProtocol, "broken header: \"", &[]),
    any(S::ClientGaveUp, "client prematurely closed connection, so upstream connection is closed too", &[]),
    any(
        S::ClientGaveUp,
        "epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too",
        &[],
    ),
    any(
        S::ClientGaveUp,
        "kevent() reported that client prematurely closed connection, so upstream connection is closed too",
        &[],
    ),
    detailed(S::RequestsLimited, "limiting requests, excess: ", &[], " by zone \"", "\""),
    // These begin with what they are about.
    unresolved(S::NameNotFound, " could not be resolved (3:"),
    unresolved(S::NameServerFailure, " could not be resolved (2:"),
    unresolved(S::NameServerTimedOut, " could not be resolved (110:"),
    unresolved(S::NameServerRefused, " could not be resolved (5:"),
];

/// Names that are asked for on behalf of something else than a target.
const ASKED_FOR_OTHERS: [&str; 2] = [" while requesting certificate status", " while in resolving client address"];

fn find(text: &[u8], words: &str) -> Option<usize> {
    memmem::find(text, words.as_bytes())
}

impl Pattern {
    /// Whether a message is this one, and its detail.
    fn match_message<'l>(&self, message: &'l [u8], is_unix: bool) -> Option<Option<&'l [u8]>> {
        let mut rest = message.strip_prefix(self.begins.as_bytes())?;
        let peer_fits = match self.peer {
            Peer::Any => true,
            Peer::Unix => is_unix,
            Peer::NotUnix => !is_unix,
        };
        if !peer_fits {
            return None;
        }
        for words in self.words {
            rest = &rest[find(rest, words)? + words.len()..];
        }
        match self.detail {
            Detail::None => Some(None),
            Detail::Between(before, after) => Some(between(message, before, after)),
            Detail::HeaderName(before) => Some(between(message, before, ": ")),
            Detail::DirectoryOfFile => directory_of_temporary_file(message).map(Some),
            Detail::NameBefore(words) => name_before(message, words).map(Some),
        }
    }
}

fn between<'l>(message: &'l [u8], before: &str, after: &str) -> Option<&'l [u8]> {
    let rest = &message[find(message, before)? + before.len()..];
    Some(&rest[..find(rest, after).unwrap_or(rest.len())])
}

/// nginx numbers its temporary files, with ten digits, and puts them into
/// directories of one to three digits below that of the directive.
fn directory_of_temporary_file(message: &[u8]) -> Option<&[u8]> {
    let is_directory = message.starts_with(b"mkdir");
    let path = between(message, "() \"", "\" failed (")?;
    let mut parts = path.rsplit(|byte| *byte == b'/').map(|part| (part.len(), part.iter().all(u8::is_ascii_digit)));
    let (length, is_number) = parts.next()?;
    if !is_number || if is_directory { length > 3 } else { length < 10 } {
        return None;
    }
    let levels = parts.take_while(|(length, is_number)| *is_number && (1..=3).contains(length));
    let below: usize = length + 1 + levels.map(|(length, _)| length + 1).sum::<usize>();
    path.get(..path.len().checked_sub(below)?)
}

/// The name in front of these words: `X could not be resolved`, or, of a
/// group's server with `service=`, `service S of X could not be resolved`.
fn name_before<'l>(message: &'l [u8], words: &str) -> Option<&'l [u8]> {
    let at = find(message, words)?;
    let (name, rest) = message.split_at(at);
    let name = match name.strip_prefix(b"service ") {
        Some(service) => &service[find(service, " of ")? + " of ".len()..],
        None => name,
    };
    let is_name = !name.is_empty() && !name.iter().any(|byte| matches!(byte, b' ' | b'"'));
    (is_name && !ASKED_FOR_OTHERS.iter().any(|other| find(rest, other).is_some())).then_some(name)
}

/// `512 worker_connections are not enough`, with what follows.
fn worker_connections(message: &[u8]) -> Option<Signature> {
    let digits = message.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = message[digits..].strip_prefix(b" worker_connections are not enough")?;
    match digits {
        0 => None,
        _ if rest.starts_with(b", reusing connections") => Some(Signature::WorkerConnectionsReused),
        _ => Some(Signature::WorkerConnectionsExhausted),
    }
}

/// `no resolver defined to resolve X`, and not for a responder, nor what
/// nginx says about a group when it starts.
fn no_resolver(message: &[u8]) -> Option<&[u8]> {
    let name = message.strip_prefix(b"no resolver defined to resolve ")?;
    let end = find(name, " while ").unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let is_target = !name.contains(&b' ') && !ASKED_FOR_OTHERS.iter().any(|other| find(rest, other).is_some());
    is_target.then_some(name)
}

/// What a line says, if it is known.
pub fn recognise<'l>(line: &Line<'l>) -> Option<Known<'l>> {
    let message = line.message;
    if let Some(signature) = worker_connections(message) {
        return Some(Known { signature, detail: None });
    }
    if let Some(name) = no_resolver(message) {
        return Some(Known { signature: Signature::NoResolver, detail: Some(name) });
    }
    let is_unix = is_to_unix(line);
    let mut patterns = PATTERNS.iter();
    patterns.find_map(|pattern| {
        let detail = pattern.match_message(message, is_unix)?;
        Some(Known { signature: pattern.signature, detail })
    })
}

/// Whether a line is about a connection to a unix socket.
pub(super) fn is_to_unix(line: &Line<'_>) -> bool {
    let address = line.upstream.map(|upstream| match find(upstream, "://") {
        Some(at) => &upstream[at + "://".len()..],
        None => upstream,
    });
    address.is_some_and(|address| address.starts_with(b"unix:")) || line.message.starts_with(b"connect() to unix:")
}
