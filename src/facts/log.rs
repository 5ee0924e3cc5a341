//! What logs say.

use serde::{Deserialize, Serialize};

/// What was read in the logs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The files.
    pub files: Vec<LogFile>,
    /// What was recognised, equal things as one.
    pub seen: Vec<Evidence>,
    /// So many lines of level error and above were not recognised.
    pub unknown: u64,
    /// Some of them.
    pub unknown_samples: Vec<String>,
    /// Lines that were recognised, and for which there was no more room.
    pub left_out: u64,
}

/// A log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogFile {
    /// Its path.
    pub path: String,
    /// So many bytes were read, unpacked.
    pub bytes: u64,
    /// So many lines.
    pub lines: u64,
    /// The times of its first and last line that has one, as in
    /// [`Evidence::first`].
    pub first: Option<String>,
    /// See there.
    pub last: Option<String>,
    /// Why it could not be read, or not to its end.
    pub problem: Option<String>,
}

/// Equal messages in the log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// What they say.
    pub signature: Signature,
    /// The server that requests were passed to, as nginx says it behind
    /// `upstream:`, without scheme and path: `127.0.0.1:3000`,
    /// `unix:/run/app.sock`, or the name of a group.
    pub peer: Option<String>,
    /// The scheme in front of it: `http`, `https`, `fastcgi`.
    pub scheme: Option<String>,
    /// The first name of the `server {}` that took the requests; of
    /// `stream {}`, the address it listens on.
    pub server: Option<String>,
    /// What of the message differs: a name that was not found, a size, a path.
    pub detail: Option<String>,
    /// So often.
    pub count: u64,
    /// When first, as the log has it, in local time: `2026-11-21 23:46:01`.
    pub first: String,
    /// When last.
    pub last: String,
    /// The clients with most of them.
    pub clients: Vec<Tally>,
    /// The requests with most of them: method, host and path without what
    /// follows `?`, as in `GET example.com/path`; the host is `-` where the
    /// log has none.
    pub requests: Vec<Tally>,
    /// One of the lines.
    pub sample: String,
}

/// How often something was there: at least so often, where there were too
/// many different ones to count each.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tally {
    /// What.
    pub value: String,
    /// So often.
    pub count: u64,
}

/// The messages that are recognised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// connect() failed (111) to an address.
    #[default]
    UpstreamRefused,
    /// connect() failed (110): the kernel gave up before nginx did.
    ConnectKernelTimeout,
    /// upstream timed out while connecting.
    ConnectTimedOut,
    /// upstream timed out while SSL handshaking.
    TlsHandshakeTimedOut,
    /// upstream timed out while sending request.
    SendTimedOut,
    /// upstream timed out while reading response header.
    ReadHeaderTimedOut,
    /// upstream timed out while reading upstream.
    ReadBodyTimedOut,
    /// connect() failed (113).
    HostUnreachable,
    /// connect() failed (101).
    NetworkUnreachable,
    /// connect() failed (99).
    NoLocalAddress,
    /// bind() failed (99) for proxy_bind.
    BindFailed,
    /// connect() to an address failed (13).
    ConnectDenied,
    /// connect() to a socket failed (2).
    UnixMissing,
    /// connect() to a socket failed (13).
    UnixDenied,
    /// connect() to a socket failed (111).
    UnixRefused,
    /// connect() to a socket failed (11).
    UnixFull,
    /// connect() to a socket failed (20).
    UnixNotDirectory,
    /// socket() failed (24).
    SocketTooManyFiles,
    /// accept4() failed (24).
    AcceptTooManyFiles,
    /// socket() failed (97).
    AddressFamilyNotSupported,
    /// worker_connections are not enough.
    WorkerConnectionsExhausted,
    /// worker_connections are not enough, reusing connections.
    WorkerConnectionsReused,
    /// no live upstreams.
    NoLiveUpstreams,
    /// upstream server temporarily disabled.
    UpstreamDisabled,
    /// upstream prematurely closed connection while reading response header.
    PrematureCloseHeader,
    /// upstream prematurely closed connection while reading upstream.
    PrematureCloseBody,
    /// peer closed connection in SSL handshake.
    TlsPeerClosed,
    /// recv() failed (104) while reading response header.
    ReadReset,
    /// writev() or sendfile() failed (104, 32) while sending request.
    SendBroken,
    /// upstream sent too big header.
    TooBigHeader,
    /// upstream sent no valid HTTP/1.0 header.
    NotHttp,
    /// upstream sent invalid header.
    InvalidHeader,
    /// upstream sent duplicate header line.
    DuplicateHeader,
    /// upstream sent Content-Length and Transfer-Encoding at the same time.
    LengthAndEncoding,
    /// upstream sent unknown Transfer-Encoding.
    UnknownTransferEncoding,
    /// upstream sent invalid chunked response.
    InvalidChunked,
    /// upstream sent more data than specified in Content-Length.
    MoreDataThanLength,
    /// upstream sent unsupported FastCGI protocol version.
    NotFastcgi,
    /// FastCGI sent in stderr: Primary script unknown.
    PrimaryScriptUnknown,
    /// upstream sent too large http2 frame.
    Http2FrameTooLarge,
    /// memcached sent invalid response.
    NotMemcached,
    /// SSL_do_handshake() failed: wrong version number.
    TlsWrongVersionNumber,
    /// SSL_do_handshake() failed: alert handshake failure.
    TlsHandshakeFailure,
    /// SSL_do_handshake() failed: unrecognized name.
    TlsUnrecognizedName,
    /// SSL_do_handshake() failed: alert protocol version.
    TlsProtocolVersion,
    /// SSL_read() failed: certificate required.
    TlsCertificateRequired,
    /// upstream SSL certificate verify error.
    TlsVerifyError,
    /// upstream SSL certificate does not match.
    TlsNameMismatch,
    /// no resolver defined to resolve.
    NoResolver,
    /// could not be resolved (3: Host not found).
    NameNotFound,
    /// could not be resolved (2: Server failure).
    NameServerFailure,
    /// could not be resolved (110: Operation timed out).
    NameServerTimedOut,
    /// could not be resolved (5: Operation refused).
    NameServerRefused,
    /// no port in upstream.
    NoPortInUpstream,
    /// invalid URL prefix in.
    InvalidUrlPrefix,
    /// host not found in upstream.
    HostNotFoundAtStart,
    /// upstream may not have port.
    GroupWithPort,
    /// rewrite or internal redirection cycle.
    RedirectionCycle,
    /// could not find named location.
    NamedLocationMissing,
    /// auth request unexpected status.
    AuthRequestStatus,
    /// client intended to send too large body.
    BodyTooLarge,
    /// a client request body is buffered to a temporary file.
    BodyBufferedToFile,
    /// an upstream response is buffered to a temporary file.
    ResponseBufferedToFile,
    /// open() of a temporary file of a response failed (13).
    ProxyTempDenied,
    /// open() of a temporary file of a request's body failed (13).
    BodyTempDenied,
    /// setrlimit(RLIMIT_NOFILE) failed (1).
    RaisingLimitRefused,
    /// broken header while reading PROXY protocol.
    BrokenProxyProtocol,
    /// client prematurely closed connection, so upstream connection is closed too.
    ClientGaveUp,
    /// no error line: the access log has 502, and so had the server's answer.
    OwnBadGateway,
    /// limiting requests.
    RequestsLimited,
    /// server reached pm.max_children, in the log of php-fpm.
    PhpFpmPoolExhausted,
}

impl Signature {
    /// All of them.
    pub const ALL: [Signature; 71] = [
        Signature::UpstreamRefused,
        Signature::ConnectKernelTimeout,
        Signature::ConnectTimedOut,
        Signature::TlsHandshakeTimedOut,
        Signature::SendTimedOut,
        Signature::ReadHeaderTimedOut,
        Signature::ReadBodyTimedOut,
        Signature::HostUnreachable,
        Signature::NetworkUnreachable,
        Signature::NoLocalAddress,
        Signature::BindFailed,
        Signature::ConnectDenied,
        Signature::UnixMissing,
        Signature::UnixDenied,
        Signature::UnixRefused,
        Signature::UnixFull,
        Signature::UnixNotDirectory,
        Signature::SocketTooManyFiles,
        Signature::AcceptTooManyFiles,
        Signature::AddressFamilyNotSupported,
        Signature::WorkerConnectionsExhausted,
        Signature::WorkerConnectionsReused,
        Signature::NoLiveUpstreams,
        Signature::UpstreamDisabled,
        Signature::PrematureCloseHeader,
        Signature::PrematureCloseBody,
        Signature::TlsPeerClosed,
        Signature::ReadReset,
        Signature::SendBroken,
        Signature::TooBigHeader,
        Signature::NotHttp,
        Signature::InvalidHeader,
        Signature::DuplicateHeader,
        Signature::LengthAndEncoding,
        Signature::UnknownTransferEncoding,
        Signature::InvalidChunked,
        Signature::MoreDataThanLength,
        Signature::NotFastcgi,
        Signature::PrimaryScriptUnknown,
        Signature::Http2FrameTooLarge,
        Signature::NotMemcached,
        Signature::TlsWrongVersionNumber,
        Signature::TlsHandshakeFailure,
        Signature::TlsUnrecognizedName,
        Signature::TlsProtocolVersion,
        Signature::TlsCertificateRequired,
        Signature::TlsVerifyError,
        Signature::TlsNameMismatch,
        Signature::NoResolver,
        Signature::NameNotFound,
        Signature::NameServerFailure,
        Signature::NameServerTimedOut,
        Signature::NameServerRefused,
        Signature::NoPortInUpstream,
        Signature::InvalidUrlPrefix,
        Signature::HostNotFoundAtStart,
        Signature::GroupWithPort,
        Signature::RedirectionCycle,
        Signature::NamedLocationMissing,
        Signature::AuthRequestStatus,
        Signature::BodyTooLarge,
        Signature::BodyBufferedToFile,
        Signature::ResponseBufferedToFile,
        Signature::ProxyTempDenied,
        Signature::BodyTempDenied,
        Signature::RaisingLimitRefused,
        Signature::BrokenProxyProtocol,
        Signature::ClientGaveUp,
        Signature::OwnBadGateway,
        Signature::RequestsLimited,
        Signature::PhpFpmPoolExhausted,
    ];
}
