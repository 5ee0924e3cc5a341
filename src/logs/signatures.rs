//! The messages that are known, by the words they are made of.

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

/// A message: the words that are in it, in this order, and what stands
/// around its detail. The first that fits counts.
struct Pattern {
    signature: Signature,
    words: &'static [&'static str],
    peer: Peer,
    detail: Option<(&'static str, &'static str)>,
}

/// What was connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Any,
    Unix,
    NotUnix,
}

const fn any(signature: Signature, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, words, peer: Peer::Any, detail: None }
}

const fn unix(signature: Signature, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, words, peer: Peer::Unix, detail: None }
}

const fn not_unix(signature: Signature, words: &'static [&'static str]) -> Pattern {
    Pattern { signature, words, peer: Peer::NotUnix, detail: None }
}

const fn detailed(
    signature: Signature,
    words: &'static [&'static str],
    before: &'static str,
    after: &'static str,
) -> Pattern {
    Pattern { signature, words, peer: Peer::Any, detail: Some((before, after)) }
}

use Signature as S;

const PATTERNS: &[Pattern] = &[
    unix(S::UnixMissing, &["connect() ", "failed (2:"]),
    unix(S::UnixDenied, &["connect() ", "failed (13:"]),
    unix(S::UnixRefused, &["connect() ", "failed (111:"]),
    unix(S::UnixFull, &["connect() ", "failed (11:"]),
    unix(S::UnixNotDirectory, &["connect() ", "failed (20:"]),
    not_unix(S::UpstreamRefused, &["connect() ", "failed (111:"]),
    not_unix(S::ConnectKernelTimeout, &["connect() ", "failed (110:"]),
    not_unix(S::HostUnreachable, &["connect() ", "failed (113:"]),
    not_unix(S::NetworkUnreachable, &["connect() ", "failed (101:"]),
    not_unix(S::NoLocalAddress, &["connect() ", "failed (99:"]),
    not_unix(S::ConnectDenied, &["connect() ", "failed (13:"]),
    detailed(S::BindFailed, &["bind(", ") failed (99:"], "bind(", ")"),
    any(S::ConnectTimedOut, &["upstream timed out", "while connecting to upstream"]),
    any(S::TlsHandshakeTimedOut, &["upstream timed out", "while SSL handshaking to upstream"]),
    any(S::SendTimedOut, &["upstream timed out", "while sending request to upstream"]),
    any(S::ReadHeaderTimedOut, &["upstream timed out", "while reading response header from upstream"]),
    any(S::ReadBodyTimedOut, &["upstream timed out", "while reading upstream"]),
    any(S::SocketTooManyFiles, &["socket() failed (24:"]),
    any(S::AcceptTooManyFiles, &["accept", "() failed (24:"]),
    any(S::AddressFamilyNotSupported, &["socket() failed (97:"]),
    any(S::WorkerConnectionsReused, &["worker_connections are not enough, reusing connections"]),
    any(S::WorkerConnectionsExhausted, &["worker_connections are not enough"]),
    any(S::NoLiveUpstreams, &["no live upstreams"]),
    any(S::UpstreamDisabled, &["upstream server temporarily disabled"]),
    any(S::PrematureCloseHeader, &["upstream prematurely closed connection", "while reading response header"]),
    any(S::PrematureCloseBody, &["upstream prematurely closed connection"]),
    any(S::TlsPeerClosed, &["peer closed connection in SSL handshake", "to upstream"]),
    any(S::ReadReset, &["recv() failed (104:", "while reading response header from upstream"]),
    any(S::SendBroken, &["writev() failed (104:", "while sending request to upstream"]),
    any(S::SendBroken, &["writev() failed (32:", "while sending request to upstream"]),
    any(S::SendBroken, &["sendfile() failed (104:", "while sending request to upstream"]),
    any(S::SendBroken, &["sendfile() failed (32:", "while sending request to upstream"]),
    any(S::TooBigHeader, &["upstream sent too big header"]),
    any(S::NotHttp, &["upstream sent no valid HTTP/1.0 header"]),
    detailed(S::DuplicateHeader, &["upstream sent duplicate header line"], "header line: \"", "\""),
    detailed(S::InvalidHeader, &["upstream sent invalid header"], "invalid header: \"", "\""),
    any(S::LengthAndEncoding, &["upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time"]),
    any(S::UnknownTransferEncoding, &["upstream sent unknown \"Transfer-Encoding\""]),
    any(S::InvalidChunked, &["upstream sent invalid chunked response"]),
    any(S::MoreDataThanLength, &["upstream sent more data than specified in \"Content-Length\" header"]),
    any(S::NotFastcgi, &["upstream sent unsupported FastCGI protocol version"]),
    any(S::PrimaryScriptUnknown, &["FastCGI sent in stderr", "Primary script unknown"]),
    any(S::Http2FrameTooLarge, &["upstream sent too large http2 frame"]),
    any(S::NotMemcached, &["memcached sent invalid response"]),
    any(S::TlsWrongVersionNumber, &["SSL_do_handshake() failed", "wrong version number", "to upstream"]),
    any(S::TlsUnrecognizedName, &["SSL_do_handshake() failed", "unrecognized name", "to upstream"]),
    any(S::TlsProtocolVersion, &["SSL_do_handshake() failed", "alert protocol version", "to upstream"]),
    any(S::TlsHandshakeFailure, &["SSL_do_handshake() failed", "handshake failure", "to upstream"]),
    any(S::TlsCertificateRequired, &["SSL_read() failed", "certificate required"]),
    detailed(S::TlsVerifyError, &["upstream SSL certificate verify error"], "error: (", ")"),
    detailed(S::TlsNameMismatch, &["upstream SSL certificate does not match"], "match \"", "\""),
    detailed(S::NoResolver, &["no resolver defined to resolve "], "to resolve ", ""),
    detailed(S::NameNotFound, &[" could not be resolved (3:"], "", " could not"),
    detailed(S::NameServerFailure, &[" could not be resolved (2:"], "", " could not"),
    detailed(S::NameServerTimedOut, &[" could not be resolved (110:"], "", " could not"),
    detailed(S::NameServerRefused, &[" could not be resolved (5:"], "", " could not"),
    detailed(S::NoPortInUpstream, &["no port in upstream \""], "upstream \"", "\""),
    detailed(S::InvalidUrlPrefix, &["invalid URL prefix in \""], "prefix in \"", "\""),
    detailed(S::HostNotFoundAtStart, &["host not found in upstream \""], "upstream \"", "\""),
    detailed(S::GroupWithPort, &["upstream \"", "\" may not have port"], "upstream \"", "\""),
    any(S::RedirectionCycle, &["rewrite or internal redirection cycle"]),
    detailed(S::NamedLocationMissing, &["could not find named location \""], "location \"", "\""),
    detailed(S::AuthRequestStatus, &["auth request unexpected status: "], "status: ", " "),
    any(S::BodyTooLarge, &["client intended to send too large"]),
    any(S::BodyBufferedToFile, &["a client request body is buffered to a temporary file"]),
    any(S::ResponseBufferedToFile, &["an upstream response is buffered to a temporary file"]),
    detailed(S::ProxyTempDenied, &["open() \"", "\" failed (13:", "while reading upstream"], "open() \"", "\""),
    detailed(S::BodyTempDenied, &["open() \"", "client_body", "\" failed (13:"], "open() \"", "\""),
    detailed(S::RaisingLimitRefused, &["setrlimit(RLIMIT_NOFILE", "failed (1:"], "RLIMIT_NOFILE, ", ")"),
    // Older releases write all that came, over several lines: only the first
    // one is a line of a log.
    any(S::BrokenProxyProtocol, &["broken header: \""]),
    any(S::ClientGaveUp, &["client prematurely closed connection, so upstream connection is closed too"]),
    detailed(S::RequestsLimited, &["limiting requests, excess"], "by zone \"", "\""),
];

impl Pattern {
    fn fits(&self, message: &[u8], is_unix: bool) -> bool {
        let peer_fits = match self.peer {
            Peer::Any => true,
            Peer::Unix => is_unix,
            Peer::NotUnix => !is_unix,
        };
        let mut rest = message;
        peer_fits
            && self.words.iter().all(|word| match memmem::find(rest, word.as_bytes()) {
                Some(at) => {
                    rest = &rest[at + word.len()..];
                    true
                }
                None => false,
            })
    }

    fn detail<'l>(&self, message: &'l [u8]) -> Option<&'l [u8]> {
        let (before, after) = self.detail?;
        let rest = &message[memmem::find(message, before.as_bytes())? + before.len()..];
        let end = if after.is_empty() { None } else { memmem::find(rest, after.as_bytes()) };
        Some(&rest[..end.unwrap_or(rest.len())])
    }
}

/// What a line says, if it is known.
pub fn recognise<'l>(line: &Line<'l>) -> Option<Known<'l>> {
    let of_field = line.upstream.is_some_and(|upstream| memmem::find(upstream, b"unix:").is_some());
    let is_unix = of_field || memmem::find(line.message, b"connect() to unix:").is_some();
    let pattern = PATTERNS.iter().find(|pattern| pattern.fits(line.message, is_unix))?;
    Some(Known { signature: pattern.signature, detail: pattern.detail(line.message) })
}
