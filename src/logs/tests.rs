//! Every message that is known, as nginx writes it, and what looks like one
//! and is none.

use proptest::prelude::*;

use super::*;
use crate::facts::{Evidence, Log, Signature, Signature as S};

fn gathered<'l>(lines: impl IntoIterator<Item = &'l str>) -> Log {
    let mut gatherer = Gatherer::default();
    lines.into_iter().for_each(|line| gatherer.add_line(line.as_bytes()));
    gatherer.finish()
}

const TIME: &str = "2026/11/21 23:46:01";
const HTTP: &str = ", client: 203.0.113.7, server: www.example.com, request: \"GET /a/b?c HTTP/1.1\"";
const HOST: &str = ", host: \"www.example.com\"";

/// Who writes a line: what stands behind the message.
#[derive(Clone, Copy)]
enum By {
    /// `http {}`, with this upstream.
    Http(&'static str),
    /// `http {}`, without an upstream.
    HttpAlone,
    /// `stream {}`, with this upstream.
    Stream(&'static str),
    /// No connection.
    Nobody,
}
use By::{Http, HttpAlone, Nobody, Stream};

impl By {
    fn fields(self) -> String {
        match self {
            Http(upstream) => format!("{HTTP}, upstream: \"{upstream}\"{HOST}"),
            HttpAlone => format!("{HTTP}{HOST}"),
            Stream(upstream) => format!(
                ", client: 203.0.113.7, server: 0.0.0.0:9000, upstream: \"{upstream}\", bytes from/to client:0/0, bytes \
                 from/to upstream:0/0"
            ),
            Nobody => String::new(),
        }
    }

    fn server(self) -> &'static str {
        match self {
            Http(_) | HttpAlone => "www.example.com",
            Stream(_) => "0.0.0.0:9000",
            Nobody => "",
        }
    }
}

const APP: By = Http("http://127.0.0.1:3000/a/b?c");
const TLS: By = Http("https://127.0.0.1:3443/a/b?c");
const UNIX: By = Http("http://unix:/run/a.sock:/a/b?c");
const PHP: By = Http("fastcgi://unix:/run/php.sock:");
const GRPC: By = Http("grpc://127.0.0.1:50051");
const TCP: By = Stream("127.0.0.1:5432");

/// Level, message, who writes it; signature, scheme, peer, detail.
type Row = (&'static str, &'static str, By, Signature, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const KNOWN: &[Row] = &[
    ("error", "connect() failed (111: Connection refused) while connecting to upstream", APP, S::UpstreamRefused, "http", "127.0.0.1:3000", ""),
    ("error", "connect() failed (111: Connection refused) while connecting to upstream", Http("http://[::1]:3000/"), S::UpstreamRefused, "http", "[::1]:3000", ""),
    ("error", "connect() failed (111: Connection refused) while connecting to upstream", TCP, S::UpstreamRefused, "", "127.0.0.1:5432", ""),
    // The path is not the address.
    ("error", "connect() failed (111: Connection refused) while connecting to upstream", Http("http://127.0.0.1:3000/unix:/run"), S::UpstreamRefused, "http", "127.0.0.1:3000", ""),
    ("error", "connect() failed (110: Connection timed out) while connecting to upstream", APP, S::ConnectKernelTimeout, "http", "127.0.0.1:3000", ""),
    ("error", "connect() failed (110: Operation timed out) while connecting to upstream", APP, S::ConnectKernelTimeout, "http", "127.0.0.1:3000", ""),
    ("error", "upstream timed out (110: Connection timed out) while connecting to upstream", APP, S::ConnectTimedOut, "http", "127.0.0.1:3000", ""),
    ("error", "upstream timed out (110: Connection timed out) while connecting to upstream", TCP, S::ConnectTimedOut, "", "127.0.0.1:5432", ""),
    ("error", "upstream timed out (110: Connection timed out) while SSL handshaking to upstream", TLS, S::TlsHandshakeTimedOut, "https", "127.0.0.1:3443", ""),
    ("error", "upstream timed out (110: Connection timed out) while sending request to upstream", APP, S::SendTimedOut, "http", "127.0.0.1:3000", ""),
    ("error", "upstream timed out (110: Connection timed out) while reading response header from upstream", PHP, S::ReadHeaderTimedOut, "fastcgi", "unix:/run/php.sock", ""),
    ("error", "upstream timed out (110: Connection timed out) while reading upstream", APP, S::ReadBodyTimedOut, "http", "127.0.0.1:3000", ""),
    ("error", "connect() failed (113: No route to host) while connecting to upstream", APP, S::HostUnreachable, "http", "127.0.0.1:3000", ""),
    ("error", "connect() to 192.0.2.1:80 failed (101: Network is unreachable) while connecting to upstream", Http("http://192.0.2.1:80/"), S::NetworkUnreachable, "http", "192.0.2.1:80", ""),
    ("crit", "connect() to 127.0.0.1:3000 failed (99: Cannot assign requested address) while connecting to upstream", APP, S::NoLocalAddress, "http", "127.0.0.1:3000", ""),
    ("crit", "bind(192.0.2.9) failed (99: Cannot assign requested address) while connecting to upstream", APP, S::BindFailed, "http", "127.0.0.1:3000", "192.0.2.9"),
    ("crit", "connect() to 127.0.0.1:3000 failed (13: Permission denied) while connecting to upstream", APP, S::ConnectDenied, "http", "127.0.0.1:3000", ""),
    ("crit", "connect() to unix:/run/a.sock failed (2: No such file or directory) while connecting to upstream", UNIX, S::UnixMissing, "http", "unix:/run/a.sock", ""),
    ("crit", "connect() to unix:/run/a.sock failed (2: No such file or directory) while connecting to upstream", Stream("unix:/run/a.sock"), S::UnixMissing, "", "unix:/run/a.sock", ""),
    ("crit", "connect() to unix:/run/php.sock failed (13: Permission denied) while connecting to upstream", PHP, S::UnixDenied, "fastcgi", "unix:/run/php.sock", ""),
    ("error", "connect() to unix:/run/a.sock failed (111: Connection refused) while connecting to upstream", UNIX, S::UnixRefused, "http", "unix:/run/a.sock", ""),
    ("error", "connect() to unix:/run/php.sock failed (11: Resource temporarily unavailable) while connecting to upstream", PHP, S::UnixFull, "fastcgi", "unix:/run/php.sock", ""),
    ("crit", "connect() to unix:/run/a.sock/b failed (20: Not a directory) while connecting to upstream", Http("http://unix:/run/a.sock/b:/"), S::UnixNotDirectory, "http", "unix:/run/a.sock/b", ""),
    ("alert", "socket() failed (24: Too many open files) while connecting to upstream", APP, S::SocketTooManyFiles, "http", "127.0.0.1:3000", ""),
    ("crit", "accept4() failed (24: Too many open files)", Nobody, S::AcceptTooManyFiles, "", "", ""),
    ("alert", "socket() failed (97: Address family not supported by protocol) while connecting to upstream", Http("http://[::1]:3000/"), S::AddressFamilyNotSupported, "http", "[::1]:3000", ""),
    ("alert", "512 worker_connections are not enough", Nobody, S::WorkerConnectionsExhausted, "", "", ""),
    ("alert", "8 worker_connections are not enough while connecting to upstream", APP, S::WorkerConnectionsExhausted, "http", "127.0.0.1:3000", ""),
    ("warn", "512 worker_connections are not enough, reusing connections", Nobody, S::WorkerConnectionsReused, "", "", ""),
    ("error", "no live upstreams while connecting to upstream", Http("http://app/a/b?c"), S::NoLiveUpstreams, "http", "app", ""),
    ("error", "no live upstreams while connecting to upstream", Stream("app"), S::NoLiveUpstreams, "", "app", ""),
    ("warn", "upstream server temporarily disabled while connecting to upstream", APP, S::UpstreamDisabled, "http", "127.0.0.1:3000", ""),
    ("error", "upstream prematurely closed connection while reading response header from upstream", APP, S::PrematureCloseHeader, "http", "127.0.0.1:3000", ""),
    ("error", "upstream prematurely closed connection while reading upstream", APP, S::PrematureCloseBody, "http", "127.0.0.1:3000", ""),
    ("error", "upstream prematurely closed connection while sending to client", APP, S::PrematureCloseBody, "http", "127.0.0.1:3000", ""),
    ("error", "peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking to upstream", TLS, S::TlsPeerClosed, "https", "127.0.0.1:3443", ""),
    ("error", "peer closed connection in SSL handshake while SSL handshaking to upstream", TLS, S::TlsPeerClosed, "https", "127.0.0.1:3443", ""),
    ("error", "recv() failed (104: Connection reset by peer) while reading response header from upstream", APP, S::ReadReset, "http", "127.0.0.1:3000", ""),
    ("error", "writev() failed (104: Connection reset by peer) while sending request to upstream", APP, S::SendBroken, "http", "127.0.0.1:3000", ""),
    ("error", "writev() failed (32: Broken pipe) while sending request to upstream", APP, S::SendBroken, "http", "127.0.0.1:3000", ""),
    ("error", "sendfile() failed (32: Broken pipe) while sending request to upstream", APP, S::SendBroken, "http", "127.0.0.1:3000", ""),
    ("error", "upstream sent too big header while reading response header from upstream", APP, S::TooBigHeader, "http", "127.0.0.1:3000", ""),
    ("error", "upstream sent no valid HTTP/1.0 header while reading response header from upstream", APP, S::NotHttp, "http", "127.0.0.1:3000", ""),
    ("error", r#"upstream sent invalid header: "X\x20..." while reading response header from upstream"#, APP, S::InvalidHeader, "http", "127.0.0.1:3000", r"X\x20..."),
    ("error", "upstream sent invalid header while reading response header from upstream", APP, S::InvalidHeader, "http", "127.0.0.1:3000", ""),
    ("error", r#"upstream sent duplicate header line: "Content-Length: 3", previous value: "Content-Length: 3" while reading response header from upstream"#, APP, S::DuplicateHeader, "http", "127.0.0.1:3000", "Content-Length"),
    ("error", r#"upstream sent duplicate header line: "Transfer-Encoding: chunked", previous value: "Transfer-Encoding: chunked" while reading response header from upstream"#, APP, S::DuplicateHeader, "http", "127.0.0.1:3000", "Transfer-Encoding"),
    ("error", r#"upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time while reading response header from upstream"#, APP, S::LengthAndEncoding, "http", "127.0.0.1:3000", ""),
    ("error", r#"upstream sent unknown "Transfer-Encoding": "gzip" while reading response header from upstream"#, APP, S::UnknownTransferEncoding, "http", "127.0.0.1:3000", ""),
    ("error", "upstream sent invalid chunked response while reading upstream", APP, S::InvalidChunked, "http", "127.0.0.1:3000", ""),
    ("warn", r#"upstream sent more data than specified in "Content-Length" header while reading upstream"#, APP, S::MoreDataThanLength, "http", "127.0.0.1:3000", ""),
    ("error", "upstream sent unsupported FastCGI protocol version: 72 while reading response header from upstream", Http("fastcgi://127.0.0.1:3000"), S::NotFastcgi, "fastcgi", "127.0.0.1:3000", ""),
    ("error", r#"FastCGI sent in stderr: "Primary script unknown" while reading response header from upstream"#, PHP, S::PrimaryScriptUnknown, "fastcgi", "unix:/run/php.sock", ""),
    ("error", "upstream sent too large http2 frame: 4740180 while reading response header from upstream", GRPC, S::Http2FrameTooLarge, "grpc", "127.0.0.1:50051", ""),
    ("error", r#"memcached sent invalid response: "HTTP/1.1 400 Bad Request" while reading response header from upstream"#, Http("memcached://127.0.0.1:3000"), S::NotMemcached, "memcached", "127.0.0.1:3000", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to upstream", TLS, S::TlsWrongVersionNumber, "https", "127.0.0.1:3443", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:1408F10B:SSL routines:ssl3_get_record:wrong version number) while SSL handshaking to upstream", TCP, S::TlsWrongVersionNumber, "", "127.0.0.1:5432", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER) while SSL handshaking to upstream", TLS, S::TlsWrongVersionNumber, "https", "127.0.0.1:3443", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40) while SSL handshaking to upstream", TLS, S::TlsHandshakeFailure, "https", "127.0.0.1:3443", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::ssl/tls alert handshake failure:SSL alert number 40) while SSL handshaking to upstream", TLS, S::TlsHandshakeFailure, "https", "127.0.0.1:3443", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:0A000458:SSL routines::tlsv1 unrecognized name:SSL alert number 112) while SSL handshaking to upstream", TLS, S::TlsUnrecognizedName, "https", "127.0.0.1:3443", ""),
    ("error", "SSL_do_handshake() failed (SSL: error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70) while SSL handshaking to upstream", TLS, S::TlsProtocolVersion, "https", "127.0.0.1:3443", ""),
    ("crit", "SSL_read() failed (SSL: error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116) while reading response header from upstream", TLS, S::TlsCertificateRequired, "https", "127.0.0.1:3443", ""),
    ("error", "upstream SSL certificate verify error: (18:self-signed certificate) while SSL handshaking to upstream", TLS, S::TlsVerifyError, "https", "127.0.0.1:3443", "18:self-signed certificate"),
    ("error", "upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream", TCP, S::TlsVerifyError, "", "127.0.0.1:5432", "20:unable to get local issuer certificate"),
    ("error", r#"upstream SSL certificate does not match "app" while SSL handshaking to upstream"#, TLS, S::TlsNameMismatch, "https", "127.0.0.1:3443", "app"),
    ("error", "no resolver defined to resolve app.example", HttpAlone, S::NoResolver, "", "", "app.example"),
    ("error", "no resolver defined to resolve app.example while sending to client", HttpAlone, S::NoResolver, "", "", "app.example"),
    ("error", "app.example could not be resolved (3: Host not found)", HttpAlone, S::NameNotFound, "", "", "app.example"),
    ("error", "service _http._tcp of app.example could not be resolved (3: Host not found)", Nobody, S::NameNotFound, "", "", "app.example"),
    ("error", "app.example could not be resolved (2: Server failure)", HttpAlone, S::NameServerFailure, "", "", "app.example"),
    ("error", "app.example could not be resolved (110: Operation timed out)", HttpAlone, S::NameServerTimedOut, "", "", "app.example"),
    ("error", "app.example could not be resolved (5: Operation refused)", HttpAlone, S::NameServerRefused, "", "", "app.example"),
    ("error", r#"no port in upstream "127.0.0.1""#, HttpAlone, S::NoPortInUpstream, "", "", "127.0.0.1"),
    ("error", r#"invalid URL prefix in """#, HttpAlone, S::InvalidUrlPrefix, "", "", ""),
    ("error", r#"invalid URL prefix in "app:3000""#, HttpAlone, S::InvalidUrlPrefix, "", "", "app:3000"),
    ("emerg", r#"host not found in upstream "app.example" in /etc/nginx/nginx.conf:12"#, Nobody, S::HostNotFoundAtStart, "", "", "app.example"),
    ("emerg", r#"upstream "app" may not have port 80 in /etc/nginx/nginx.conf:12"#, Nobody, S::GroupWithPort, "", "", "app"),
    ("error", r#"rewrite or internal redirection cycle while internally redirecting to "/cycle""#, HttpAlone, S::RedirectionCycle, "", "", ""),
    ("error", r#"rewrite or internal redirection cycle while processing "/cycle""#, HttpAlone, S::RedirectionCycle, "", "", ""),
    ("error", r#"could not find named location "@app""#, HttpAlone, S::NamedLocationMissing, "", "", "@app"),
    ("error", "auth request unexpected status: 502 while sending to client", HttpAlone, S::AuthRequestStatus, "", "", "502"),
    ("error", "client intended to send too large body: 2097152 bytes", HttpAlone, S::BodyTooLarge, "", "", ""),
    ("error", "client intended to send too large chunked body: 1048576+8192 bytes", HttpAlone, S::BodyTooLarge, "", "", ""),
    ("warn", "a client request body is buffered to a temporary file /var/lib/nginx/body/0000000001", HttpAlone, S::BodyBufferedToFile, "", "", ""),
    ("warn", "an upstream response is buffered to a temporary file /var/lib/nginx/proxy/1/00/0000000001 while reading upstream", APP, S::ResponseBufferedToFile, "http", "127.0.0.1:3000", ""),
    ("crit", r#"open() "/var/lib/nginx/proxy/3/01/0000000013" failed (13: Permission denied) while reading upstream"#, APP, S::ProxyTempDenied, "http", "127.0.0.1:3000", "/var/lib/nginx/proxy"),
    ("crit", r#"open() "/var/lib/nginx/body/0000000001" failed (13: Permission denied)"#, HttpAlone, S::BodyTempDenied, "", "", "/var/lib/nginx/body"),
    ("crit", r#"open() "/usr/share/nginx/client_body_temp/0000000001" failed (13: Permission denied)"#, HttpAlone, S::BodyTempDenied, "", "", "/usr/share/nginx/client_body_temp"),
    ("alert", "setrlimit(RLIMIT_NOFILE, 65535) failed (1: Operation not permitted)", Nobody, S::RaisingLimitRefused, "", "", "65535"),
    ("error", "broken header: \"GET / HTTP/1.1\" while reading PROXY protocol", HttpAlone, S::BrokenProxyProtocol, "", "", ""),
    ("info", "epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while reading response header from upstream", APP, S::ClientGaveUp, "http", "127.0.0.1:3000", ""),
    ("info", "client prematurely closed connection, so upstream connection is closed too while sending request to upstream", APP, S::ClientGaveUp, "http", "127.0.0.1:3000", ""),
    ("error", r#"limiting requests, excess: 20.480 by zone "one""#, HttpAlone, S::RequestsLimited, "", "", "one"),
];

fn only(lines: &[&str]) -> Evidence {
    let log = gathered(lines.iter().copied());
    let [one] = log.seen.as_slice() else { panic!("{lines:?}: {log:#?}") };
    assert_eq!(log.unknown, 0, "{lines:?}");
    one.clone()
}

#[test]
fn every_message_is_recognised_as_nginx_writes_it() {
    for (level, message, by, signature, scheme, peer, detail) in KNOWN {
        let connection = if matches!(by, Nobody) { "" } else { "*9 " };
        let line = format!("{TIME} [{level}] 7#8: {connection}{message}{}", by.fields());
        // Twice: the second time it is remembered.
        let one = only(&[&line, &line]);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        assert_eq!(one.signature, *signature, "{line}");
        let found = (text(&one.scheme), text(&one.peer), text(&one.detail), text(&one.server));
        let expected = (scheme.to_string(), peer.to_string(), detail.to_string(), by.server().to_owned());
        assert_eq!(found, expected, "{line}");
        assert_eq!(
            (one.count, one.first.as_str(), one.last.as_str()),
            (2, "2026-11-21 23:46:01", "2026-11-21 23:46:01")
        );
        let client = one.clients.first().map(|tally| (tally.value.as_str(), tally.count));
        assert_eq!(client, (!matches!(by, Nobody)).then_some(("203.0.113.7", 2)), "{line}");
        let request = one.requests.first().map(|tally| (tally.value.as_str(), tally.count));
        let has_request = matches!(by, Http(_) | HttpAlone);
        assert_eq!(request, has_request.then_some(("GET www.example.com/a/b", 2)), "{line}");
    }
    let of_other_logs = [Signature::OwnBadGateway, Signature::PhpFpmPoolExhausted];
    for signature in Signature::ALL {
        let known = KNOWN.iter().any(|(_, _, _, known, ..)| *known == signature);
        assert!(known || of_other_logs.contains(&signature), "{signature:?} is not in the table");
    }
    let php =
        "[21-Nov-2026 10:00:00] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it";
    let one = only(&[php]);
    assert_eq!((one.signature, one.detail.as_deref()), (Signature::PhpFpmPoolExhausted, Some("www")));
    assert_eq!(one.first, "2026-11-21 10:00:00");
}

/// Lines that have the words of a message, and are about something else.
#[rustfmt::skip]
const OTHERS: &[(&str, &str)] = &[
    // On the way to a name server, to a responder, to syslog, to the server that checks mail users.
    ("error", "connect() failed (111: Connection refused) while resolving, resolver: 127.0.0.1:53"),
    ("crit", "connect() to 127.0.0.1:53 failed (101: Network is unreachable), resolver: 127.0.0.1:53"),
    ("error", "connect() failed (111: Connection refused) while requesting certificate status, responder: ocsp.example, peer: 192.0.2.1:80, certificate: \"/etc/a.pem\""),
    ("crit", "connect() to 192.0.2.1:80 failed (13: Permission denied) while requesting certificate status, responder: ocsp.example"),
    ("crit", "connect() failed (2: No such file or directory) while logging to syslog, server: unix:/dev/log"),
    ("error", "connect() to 127.0.0.1:9 failed (111: Connection refused) while in http auth state, client: 203.0.113.7, server: 0.0.0.0:143"),
    ("warn", "no resolver defined to resolve ocsp.example while requesting certificate status, responder: ocsp.example, certificate: \"/etc/a.pem\""),
    ("emerg", "no resolver defined to resolve names at run time in upstream \"app\" in /etc/nginx/nginx.conf:12"),
    ("error", "ocsp.example could not be resolved (3: Host not found) while requesting certificate status, responder: ocsp.example"),
    ("error", "203.0.113.7 could not be resolved (3: Host not found) while in resolving client address, client: 203.0.113.7, server: 0.0.0.0:25"),
    // Between clients and nginx.
    ("crit", "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking, client: 203.0.113.7, server: 0.0.0.0:443"),
    ("crit", "SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake failure:SSL alert number 40) while SSL handshaking, client: 203.0.113.7, server: 0.0.0.0:443"),
    ("info", "peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking, client: 203.0.113.7, server: 0.0.0.0:443"),
    ("info", "recv() failed (104: Connection reset by peer) while waiting for request, client: 203.0.113.7, server: 0.0.0.0:80"),
    ("info", "writev() failed (32: Broken pipe) while sending to client, client: 203.0.113.7, server: a, request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:3000/\", host: \"a\""),
    ("info", "client prematurely closed connection while reading client request line, client: 203.0.113.7, server: a"),
    ("error", "connection timed out (110: Connection timed out) while proxying connection, client: 203.0.113.7, server: 0.0.0.0:9000, upstream: \"127.0.0.1:1\""),
    // What clients send.
    ("error", "open() \"/srv/upstream timed out while connecting to upstream\" failed (2: No such file or directory), client: 203.0.113.7, server: a, request: \"GET /no%20live%20upstreams HTTP/1.1\", host: \"a\", referrer: \"no live upstreams while connecting to upstream\""),
    ("error", "open() \"/srv/a could not be resolved (3: b\" failed (2: No such file or directory), client: 203.0.113.7, server: a, request: \"GET / HTTP/1.1\", host: \"a\""),
    ("error", "\"/srv/connect() failed (111: Connection refused) while connecting to upstream/index.html\" is not found (2: No such file or directory), client: 203.0.113.7, server: a, request: \"GET / HTTP/1.1\", host: \"a\""),
    ("error", "FastCGI sent in stderr: \"PHP message: no live upstreams; db.example could not be resolved (3: x)\" while reading response header from upstream, client: 203.0.113.7, server: a"),
    ("error", "[lua] a.lua:1: upstream sent too big header, client: 203.0.113.7, server: a"),
    // Files that are not temporary ones, and addresses to listen on.
    ("error", "open() \"/srv/client_body/a\" failed (13: Permission denied), client: 203.0.113.7, server: a, request: \"GET /a HTTP/1.1\", host: \"a\""),
    ("error", "open() \"/srv/7\" failed (13: Permission denied), client: 203.0.113.7, server: a, request: \"GET /7 HTTP/1.1\", host: \"a\""),
    ("emerg", "bind() to 192.0.2.1:80 failed (99: Cannot assign requested address)"),
    ("emerg", "socket() [::]:80 failed (97: Address family not supported by protocol)"),
    ("emerg", "invalid URL prefix in /etc/nginx/nginx.conf:12"),
    // No harm was done.
    ("warn", "upstream sent duplicate header line: \"Date: a\", previous value: \"Date: b\", ignored while reading response header from upstream, client: 203.0.113.7, server: a"),
    ("error", "limiting requests, dry run, excess: 20.480 by zone \"one\", client: 203.0.113.7, server: a"),
    ("warn", "delaying request, excess: 0.480, by zone \"one\", client: 203.0.113.7, server: a"),
    ("alert", "worker_connections are not enough"),
];

#[test]
fn what_only_looks_like_a_message_is_not_taken_for_one() {
    for (level, message) in OTHERS {
        let line = format!("{TIME} [{level}] 7#8: *9 {message}");
        let log = gathered([line.as_str(), line.as_str()]);
        assert_eq!(log.seen, [], "{line}");
        let is_serious = !matches!(*level, "warn" | "info");
        assert_eq!(log.unknown, if is_serious { 2 } else { 0 }, "{line}");
        assert_eq!(log.unknown_samples, if is_serious { vec![line] } else { Vec::new() });
    }
}

#[test]
fn a_subrequest_is_what_was_passed_on() {
    let line = format!(
        "{TIME} [error] 7#8: *9 no live upstreams while connecting to upstream{HTTP}, subrequest: \"/auth\", upstream: \
         \"http://app/auth\"{HOST}"
    );
    assert_eq!(only(&[&line]).requests[0].value, "GET www.example.com/auth");
}

#[test]
fn requests_are_method_host_and_path() {
    let table = [
        ("request: \"GET /a?b=/c HTTP/1.1\", upstream: \"http://app/\", host: \"h\"", "GET h/a"),
        ("request: \"GET http://other/a?b HTTP/1.1\", upstream: \"http://app/\", host: \"h\"", "GET h/a"),
        ("request: \"GET /?u=http://other/a HTTP/1.1\", upstream: \"http://app/\", host: \"h\"", "GET h/"),
        ("request: \"GET /a b\"c HTTP/1.1\", upstream: \"http://app/\", host: \"h\"", "GET h/a b\"c"),
        ("request: \"GET /a\", upstream: \"http://app/\"", "GET -/a"),
        ("request: \"POST /a HTTP/2.0\", upstream: \"http://app/\"", "POST -/a"),
    ];
    for (fields, expected) in table {
        let line = format!(
            "{TIME} [error] 7#8: *9 no live upstreams while connecting to upstream, client: ::1, server: a, {fields}"
        );
        let one = only(&[&line]);
        assert_eq!((one.requests[0].value.as_str(), one.peer.as_deref()), (expected, Some("app")), "{fields}");
    }
}

fn refused(client: usize, host: usize, path: &str, port: usize) -> String {
    format!(
        "{TIME} [error] 7#8: *9 connect() failed (111: Connection refused) while connecting to upstream, client: \
         2001:db8::{client:x}, server: a, request: \"GET {path} HTTP/1.1\", upstream: \"http://127.0.0.1:{port}{path}\", \
         host: \"h{host}\""
    )
}

#[test]
fn requests_to_different_locations_stay_apart() {
    let lines = ["/api/1", "/api/2", "/", "/static/a/b"].map(|path| refused(1, 1, path, 80));
    let log = gathered(lines.iter().map(String::as_str));
    let counts: Vec<u64> = log.seen.iter().map(|one| one.count).collect();
    assert_eq!(counts, [2, 1, 1]);
}

/// However many different clients, hosts, paths and addresses there are.
#[test]
fn what_is_kept_is_bounded() {
    let mut gatherer = Gatherer::default();
    let lines = 12_000;
    for number in 0..lines {
        let path = format!("/{number}/{}", "x".repeat(number % 300));
        gatherer.add_line(refused(number, number % 7919, &path, number).as_bytes());
        gatherer.add_line(refused(number, 1, "/often", 80).as_bytes());
    }
    let log = gatherer.finish();
    assert!(log.seen.len() <= 4096, "{}", log.seen.len());
    let count: u64 = log.seen.iter().map(|one| one.count).sum();
    assert_eq!(count + log.left_out, 2 * lines as u64);
    assert_eq!(log.left_out, 0);
    assert_eq!((log.seen[0].requests[0].value.as_str(), log.seen[0].requests[0].count), ("GET h1/often", lines as u64));
    for one in &log.seen {
        assert!(one.clients.len() <= 10 && one.requests.len() <= 10);
        assert!(one.sample.len() <= 400);
        assert!(one.clients.iter().all(|tally| tally.count <= one.count));
    }
    // What was folded has lost its address, and none of its lines.
    let folded: u64 = log.seen.iter().filter(|one| one.peer.is_none()).map(|one| one.count).sum();
    assert!(folded > 0);
}

#[test]
fn values_and_samples_are_cut_between_characters() {
    let line = format!("{TIME} [error] 7#8: *9 no port in upstream \"{}\"{HTTP}", "ä".repeat(2000));
    let one = only(&[&line]);
    assert!(one.sample.len() <= 400 && one.detail.as_ref().is_some_and(|detail| detail.len() <= 256));
    let mut gatherer = Gatherer::default();
    gatherer.add_line(&[format!("{TIME} [error] 7#8: ").as_bytes(), &[0xff; 2000]].concat());
    assert!(gatherer.finish().unknown_samples[0].len() <= 400);
}

#[test]
fn unknown_lines_of_one_kind_are_shown_once() {
    let kinds = ["a 1", "a 2", "b \"x\"", "b \"y\"", "c", "d", "e", "f"];
    let lines = kinds.map(|message| format!("{TIME} [error] 7#8: *9 {message}, client: 203.0.113.7"));
    let log = gathered(lines.iter().map(String::as_str));
    assert_eq!(log.unknown, 8);
    let first: Vec<&str> = log.unknown_samples.iter().map(|line| &line[36..37]).collect();
    assert_eq!(first, ["a", "b", "c", "d", "e"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
        let format = AccessFormat::parse("$status [$time_local] \"$upstream_status\" $upstream_header_time $request");
        let format = format.expect("a format");
        let mut gatherer = Gatherer::default();
        for line in &lines {
            gatherer.add_line(line);
            gatherer.add_access_line(&format, line);
        }
        gatherer.finish();
    }

    /// Known lines with pieces missing, doubled and replaced.
    #[test]
    fn broken_lines_are_read(
        row in 0..KNOWN.len(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec![
            "", "\"", ", client: ", ", upstream: \"", "://", "unix:", "\\", "\\u00", "/", " while ", "\u{fffd}", "*", ": ",
        ])), 0..6),
    ) {
        let (level, message, by, ..) = KNOWN[row];
        let mut line = format!("{TIME} [{level}] 7#8: *9 {message}{}", by.fields()).into_bytes();
        for (place, text) in cuts {
            let at = place.index(line.len().max(1)).min(line.len());
            let end = (at + text.len() + 3).min(line.len());
            line.splice(at..end, text.bytes());
        }
        let mut gatherer = Gatherer::default();
        gatherer.add_line(&line);
        gatherer.add_line(&[b"{\"log\":\"".as_slice(), &line].concat());
        gatherer.finish();
    }
}
