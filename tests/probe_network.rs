//! What the probe of the network sees of servers that are made here, on
//! loopback: the outcome of connecting, who speaks there, what certificates
//! are worth, how name servers answer; and that it says no more than it may.
#![cfg(unix)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use nginx_lint::catalog::{Context, Version};
use nginx_lint::facts::{Conversation, Facts, Heard, Outcome, Question, QuestionFailure, Said};
use nginx_lint::model::{Model, Profile};
use nginx_lint::probe::{self, Options};
use nginx_lint::tree::{self, Memory, Places};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCertUsingSni, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

const CAP: Duration = Duration::from_secs(1);

fn look_with(text: &str, options: Options) -> Facts {
    let path = Path::new("nginx.conf");
    let files: Memory = [(path, text.as_bytes().to_vec())].into_iter().collect();
    let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("the entry is there");
    let model = Model::new(&tree, Context::Main, Profile::of_version(Some(Version::new(1, 28, 0))));
    probe::look(&[&model], &options, &|_, _, _| {})
}

fn look(text: &str) -> Facts {
    look_with(text, Options { connect_cap: CAP, ..Options::default() })
}

/// A configuration whose only server passes everything on like this.
fn http(passing: &str) -> String {
    format!("events {{}} http {{ server {{ server_name www.example; location / {{ {passing} }} }} }}")
}

fn stream(passing: &str) -> String {
    format!("events {{}} stream {{ server {{ listen 9000; {passing} }} }}")
}

/// A server on loopback, which ends with the value.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        listener.set_nonblocking(true).expect("a listener");
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, count) = (Arc::clone(&stop), Arc::clone(&connections));
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                while !ended.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            count.fetch_add(1, Ordering::Relaxed);
                            stream.set_nonblocking(false).expect("a stream");
                            stream.set_read_timeout(Some(Duration::from_secs(3))).expect("a stream");
                            let answer = &answer;
                            scope.spawn(move || answer(stream));
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            thread::sleep(Duration::from_millis(2));
                        }
                        Err(error) => panic!("accept: {error}"),
                    }
                }
            });
        });
        Server { port, connections, stop, thread: Some(thread) }
    }

    /// Reads something, and then says this.
    fn answering(text: &'static [u8]) -> Server {
        Server::new(move |mut stream| {
            let mut bytes = [0; 4096];
            if matches!(stream.read(&mut bytes), Ok(count) if count > 0) {
                let _ = stream.write_all(text);
                let _ = stream.read(&mut bytes);
            }
        })
    }

    /// Speaks first.
    fn speaking(text: &'static [u8]) -> Server {
        Server::new(move |mut stream| {
            let _ = stream.write_all(text);
            drain(&mut stream);
        })
    }

    fn tls(config: ServerConfig) -> Server {
        let config = Arc::new(config);
        Server::new(move |mut stream| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).expect("a configuration");
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut bytes = [0; 4096];
            while let Ok(count) = tls.read(&mut bytes) {
                if count == 0 {
                    return;
                }
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            }
        })
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn drain(stream: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while matches!(stream.read(&mut bytes), Ok(count) if count > 0) {}
}

/// A port that nothing listens on.
fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn only(facts: &Facts) -> &Conversation {
    assert_eq!(facts.conversations.len(), 1, "{:?} {:?}", facts.conversations, facts.not_examined);
    &facts.conversations[0]
}

#[test]
fn each_kind_of_server_is_told_by_its_first_words() {
    let bad = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let values = b"\x01\x0a\0\0\0\0\0\0";
    let plain = |port| http(&format!("proxy_pass http://127.0.0.1:{port};"));
    let secure = |port| http(&format!("proxy_pass https://127.0.0.1:{port};"));
    let grpc = |port| http(&format!("grpc_pass grpc://127.0.0.1:{port};"));
    let fastcgi = |port| http(&format!("fastcgi_pass 127.0.0.1:{port};"));
    let memcached = |port| http(&format!("set $memcached_key a; memcached_pass 127.0.0.1:{port};"));
    let uwsgi = |port| http(&format!("uwsgi_pass 127.0.0.1:{port};"));
    let bytes = |port| stream(&format!("proxy_pass 127.0.0.1:{port};"));
    let secure_bytes = |port| stream(&format!("proxy_pass 127.0.0.1:{port}; proxy_ssl on;"));
    let silent = || Server::new(|mut stream| drain(&mut stream));
    let closes = || {
        Server::new(|mut stream| {
            let _ = stream.read(&mut [0; 4096]);
        })
    };
    // What was sent is not read, so the kernel breaks off.
    let resets = || {
        Server::new(|stream| {
            let _ = stream.peek(&mut [0; 1]);
        })
    };
    type Row<'r> = (&'r str, String, Server, Said, Heard, Option<&'r str>);
    let row = |what, text: &dyn Fn(u16) -> String, server: Server, said, heard, line| -> Row<'_> {
        (what, text(server.port), server, said, heard, line)
    };
    let line = Some("HTTP/1.1 400 Bad Request");
    let banner = b"SSH-2.0-OpenSSH_9.2\r\n";
    let ssh = Some("SSH-2.0-OpenSSH_9.2");
    let memory = Some("VERSION 1.6.18");
    let table = [
        row("HTTP", &plain, Server::answering(bad), Said::Tls, Heard::Http, line),
        row("HTTP for TLS", &secure, Server::answering(bad), Said::Tls, Heard::Http, line),
        row("SSH for HTTP", &plain, Server::speaking(banner), Said::Tls, Heard::Other, ssh),
        row("SSH for TLS", &secure_bytes, Server::speaking(banner), Said::Tls, Heard::Other, ssh),
        row("SSH", &bytes, Server::speaking(banner), Said::Nothing, Heard::Other, ssh),
        row("nobody speaks", &bytes, silent(), Said::Nothing, Heard::Silence, None),
        row("silent", &plain, silent(), Said::Tls, Heard::Silence, None),
        row("closes", &plain, closes(), Said::Tls, Heard::Closed, None),
        row("resets", &plain, resets(), Said::Tls, Heard::Reset, None),
        row("HTTP/2", &grpc, Server::speaking(settings), Said::Http2, Heard::Http2, None),
        row("HTTP/1 for HTTP/2", &grpc, Server::answering(bad), Said::Http2, Heard::Http, line),
        row("FastCGI", &fastcgi, Server::answering(values), Said::Fastcgi, Heard::Fastcgi, None),
        row("HTTP for FastCGI", &fastcgi, Server::answering(bad), Said::Fastcgi, Heard::Http, line),
        row(
            "memcached",
            &memcached,
            Server::answering(b"VERSION 1.6.18\r\n"),
            Said::Memcached,
            Heard::Memcached,
            memory,
        ),
        row("uwsgi", &uwsgi, silent(), Said::Nothing, Heard::Silence, None),
    ];
    thread::scope(|scope| {
        for (what, text, server, said, heard, line) in &table {
            scope.spawn(move || {
                let facts = look(text);
                let address = format!("127.0.0.1:{}", server.port);
                let connected = facts.connections.get(&address).map(|connection| connection.outcome);
                assert_eq!(connected, Some(Outcome::Connected), "{what}");
                let conversation = only(&facts);
                assert_eq!(conversation.address, address, "{what}");
                let found = (conversation.said, conversation.heard, conversation.text.as_deref());
                assert_eq!(found, (*said, *heard, *line), "{what}");
                assert_eq!(server.count(), 1, "{what}");
            });
        }
    });
}

/// Certificates that are made for one test.
struct Certificates {
    directory: tempfile::TempDir,
    authority: CertificateParams,
    authority_key: KeyPair,
}

impl Certificates {
    fn new() -> Certificates {
        let mut authority = params(&[], "Test CA");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key");
        let made = authority.self_signed(&authority_key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.pem"), made.pem()).expect("written");
        Certificates { directory, authority, authority_key }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Signed by the authority, or by itself; kept under this name too.
    fn make(&self, file: &str, params: &CertificateParams, by_itself: bool) -> (Chain, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().expect("a key");
        let made = if by_itself {
            params.self_signed(&key)
        } else {
            params.signed_by(&key, &Issuer::from_params(&self.authority, &self.authority_key))
        };
        let made = made.expect("a certificate");
        std::fs::write(self.path(&format!("{file}.pem")), made.pem()).expect("written");
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).expect("written");
        let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
        (vec![made.der().clone()], private)
    }
}

type Chain = Vec<CertificateDer<'static>>;

fn params(names: &[&str], common: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions")
}

fn serving((chain, key): (Chain, PrivateKeyDer<'static>)) -> ServerConfig {
    builder().with_no_client_auth().with_single_cert(chain, key).expect("a certificate")
}

#[test]
fn certificates_are_judged_as_nginx_judges_them() {
    let all = Certificates::new();
    let good = params(&["app.example", "*.wild.example"], "app.example");
    let mut expired = params(&["app.example"], "app.example");
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut early = params(&["app.example"], "app.example");
    early.not_before = date_time_ymd(2090, 1, 1);
    early.not_after = date_time_ymd(2091, 1, 1);
    let mut own = params(&["app.example"], "app.example");
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let unnamed = params(&[], "app.example");
    // What the server has, who is trusted, the name, what is said of it.
    type Row<'r> = (&'r str, &'r CertificateParams, bool, &'r str, &'r str, Option<&'r str>);
    let table: [Row<'_>; 11] = [
        ("good", &good, false, "ca.pem", "app.example", None),
        ("star", &good, false, "ca.pem", "a.wild.example", None),
        ("two labels", &good, false, "ca.pem", "a.b.wild.example", Some("name mismatch")),
        ("common name", &unnamed, false, "ca.pem", "app.example", None),
        ("expired", &expired, false, "ca.pem", "app.example", Some("expired")),
        ("early", &early, false, "ca.pem", "app.example", Some("not valid yet")),
        ("wrong name", &good, false, "ca.pem", "other.example", Some("name mismatch")),
        ("unknown issuer", &good, false, "good-own.pem", "app.example", Some("unknown issuer")),
        ("self-signed", &own, true, "ca.pem", "app.example", Some("self-signed")),
        ("good-own", &own, true, "good-own.pem", "app.example", None),
        ("expired own", &expired, true, "expired own.pem", "app.example", Some("expired")),
    ];
    let servers: Vec<Server> = table
        .iter()
        .map(|(file, params, by_itself, ..)| Server::tls(serving(all.make(file, params, *by_itself))))
        .collect();
    for ((what, params, _, trusted, name, expected), server) in table.iter().zip(&servers) {
        let trusted = all.path(trusted);
        let text = http(&format!(
            "proxy_pass https://127.0.0.1:{}; proxy_ssl_verify on; proxy_ssl_trusted_certificate \"{trusted}\";
             proxy_ssl_name {name}; proxy_ssl_server_name on;",
            server.port
        ));
        let facts = look(&text);
        let conversation = only(&facts);
        assert_eq!((conversation.said, conversation.heard), (Said::Tls, Heard::Tls), "{what}");
        assert_eq!(conversation.server_name.as_deref(), Some(*name), "{what}");
        let tls = conversation.tls.as_ref().expect("a handshake");
        assert_eq!(tls.version.as_deref(), Some("TLSv1.3"), "{what}");
        assert_eq!((tls.trusted.as_deref(), tls.verified_name.as_deref()), (Some(trusted.as_str()), Some(*name)));
        let starts = match (tls.distrust.as_deref(), expected) {
            (Some(found), Some(expected)) => found.starts_with(expected),
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(starts, "{what}: {:?}", tls.distrust);
        assert_eq!(tls.chain.len(), 1, "{what}");
        assert_eq!(tls.chain[0].not_after, params.not_after.unix_timestamp(), "{what}");
        assert_eq!(server.count(), 1, "{what}");
    }
}

#[test]
fn what_is_not_verified_is_not_judged() {
    let all = Certificates::new();
    let server = Server::tls(serving(all.make("app", &params(&["app.example"], "app"), false)));
    let pass = format!("proxy_pass https://127.0.0.1:{};", server.port);
    let facts = look(&http(&pass));
    let tls = only(&facts).tls.clone().expect("a handshake");
    assert_eq!((tls.trusted, tls.distrust, tls.chain.len()), (None, None, 1));
    assert_eq!(tls.chain[0].names, ["app.example"]);
    assert_eq!(tls.chain[0].issuer, "CN=Test CA");
    // A file that cannot be read is neither trust nor distrust.
    let missing = all.path("missing.pem");
    let facts = look(&http(&format!("{pass} proxy_ssl_verify on; proxy_ssl_trusted_certificate {missing};")));
    let tls = only(&facts).tls.clone().expect("a handshake");
    assert_eq!((tls.trusted, tls.distrust), (None, None));
    assert!(facts.not_examined.iter().any(|note| note.why.contains("2: No such file")), "{:?}", facts.not_examined);
}

#[test]
fn handshakes_are_begun_as_nginx_begins_them() {
    let all = Certificates::new();
    let app = || all.make("app", &params(&["app.example"], "app"), false);
    let client = all.make("client", &params(&[], "client"), false);
    drop(client);
    let (chain, key) = app();
    let provider = rustls::crypto::ring::default_provider();
    let mut by_name = ResolvesServerCertUsingSni::new();
    let signed = rustls::sign::CertifiedKey::from_der(chain, key, &provider).expect("a pair");
    by_name.add("app.example", signed).expect("a name");
    let by_name = Server::tls(builder().with_no_client_auth().with_cert_resolver(Arc::new(by_name)));
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(all.path("ca.pem")).expect("a certificate");
    roots.add(authority).expect("a root");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider));
    let (chain, key) = app();
    let verifier = verifier.build().expect("a verifier");
    let asking = builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).expect("a certificate");
    let asking = Server::tls(asking);
    let mut http2 = serving(app());
    http2.alpn_protocols = vec![b"h2".to_vec()];
    let http2 = Server::tls(http2);
    let (chain, key) = app();
    let old = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("a version");
    let old = Server::tls(old.with_no_client_auth().with_single_cert(chain, key).expect("a certificate"));
    let pass = |server: &Server, more: &str| http(&format!("proxy_pass https://127.0.0.1:{}; {more}", server.port));
    let named = "proxy_ssl_server_name on; proxy_ssl_name app.example;";
    let shown = format!(
        "proxy_ssl_certificate {}; proxy_ssl_certificate_key {};",
        all.path("client.pem"),
        all.path("client.key")
    );
    let grpcs = http(&format!("grpc_pass grpcs://127.0.0.1:{};", http2.port));
    let plain = http(&format!("proxy_pass http://127.0.0.1:{};", old.port));
    type Row<'r> = (&'r str, String, Heard, Option<&'r str>, Option<&'r str>);
    let table: [Row<'_>; 9] = [
        ("no name", pass(&by_name, ""), Heard::TlsFailed, Some("access denied"), None),
        ("a name", pass(&by_name, named), Heard::Tls, None, None),
        ("no certificate", pass(&asking, ""), Heard::TlsFailed, Some("certificate required"), None),
        ("a certificate", pass(&asking, &shown), Heard::Tls, None, None),
        ("HTTP/2", grpcs, Heard::Tls, None, Some("h2")),
        ("TLS 1.2", pass(&old, ""), Heard::Tls, None, None),
        ("only TLS 1.3", pass(&old, "proxy_ssl_protocols TLSv1.3;"), Heard::TlsFailed, Some("protocol version"), None),
        ("TLS for plain", plain, Heard::Tls, None, None),
        (
            "a name of the client",
            pass(&by_name, "proxy_ssl_server_name on; proxy_ssl_name $host;"),
            Heard::TlsFailed,
            Some("access denied"),
            None,
        ),
    ];
    for (what, text, heard, problem, protocol) in table {
        let facts = look(&text);
        let conversation = only(&facts);
        let tls = conversation.tls.clone().expect("a handshake");
        let found = (conversation.heard, tls.problem.as_deref(), tls.protocol.as_deref());
        assert_eq!(found, (heard, problem, protocol), "{what}");
        assert_eq!(tls.asks_for_certificate, what.ends_with(" certificate"), "{what}");
        let name = match what {
            "a name" => Some("app.example"),
            "a name of the client" => Some("www.example"),
            _ => None,
        };
        assert_eq!(conversation.server_name.as_deref(), name, "{what}");
    }
}

#[test]
fn connecting_ends_as_the_kernel_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    drop(UnixListener::bind(path("stale")).expect("a socket"));
    let good = UnixListener::bind(path("good")).expect("a socket");
    let full = UnixListener::bind(path("full")).expect("a socket");
    nix::sys::socket::listen(&full, nix::sys::socket::Backlog::new(0).expect("small")).expect("a listener");
    let waiting: Vec<UnixStream> = (0..1).map(|_| UnixStream::connect(path("full")).expect("room for one")).collect();
    std::fs::write(path("file"), "").expect("written");
    let closed = closed_port();
    // Only Linux tells a full queue from nobody who listens.
    let full_outcome = if cfg!(target_os = "linux") { Outcome::Full } else { Outcome::Refused };
    let table = [
        (format!("127.0.0.1:{closed}"), Outcome::Refused, Some("111: Connection refused")),
        (format!("unix:{}", path("missing")), Outcome::Missing, Some("2: No such file or directory")),
        (format!("unix:{}/below", path("file")), Outcome::Missing, Some("20: Not a directory")),
        (format!("unix:{}", path("stale")), Outcome::Refused, Some("111: Connection refused")),
        (format!("unix:{}", path("file")), Outcome::Refused, Some("111: Connection refused")),
        (format!("unix:{}", path("full")), full_outcome, Some("11: Resource temporarily unavailable")),
        (format!("unix:{}", path("good")), Outcome::Connected, None),
    ];
    let servers: String = table.iter().map(|(address, ..)| format!("server {address};\n")).collect();
    let passing = "server { location / { fastcgi_pass app; } }";
    let facts =
        look(&format!("events {{}} http {{ upstream app {{ {servers} server 127.0.0.9:9 down; }} {passing} }}"));
    for (address, outcome, error) in &table {
        let connection = facts.connections.get(address).unwrap_or_else(|| panic!("{address} was left out"));
        assert_eq!(connection.outcome, *outcome, "{address}");
        if cfg!(target_os = "linux") {
            assert_eq!(connection.error.as_deref(), *error, "{address}");
        }
    }
    assert_eq!(facts.connections.len(), table.len(), "a server that is down is left alone");
    drop((good, waiting));
}

#[test]
fn nothing_is_said_that_need_not_be_said() {
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let record = Arc::clone(&heard);
    let server = Server::new(move |mut stream| {
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).unwrap_or_default();
        record.lock().expect("unharmed").extend(&bytes[..count]);
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
        thread::sleep(Duration::from_millis(300));
    });
    let port = server.port;
    let text = format!(
        "events {{}} http {{
            upstream one {{ server 127.0.0.1:{port}; server 127.0.0.1:{port} backup; }}
            upstream two {{ server 127.0.0.1:{port}; }}
            upstream unused {{ server 127.0.0.1:{port}; }}
            server {{
                server_name www.example;
                proxy_set_header Host $host;
                location /1 {{ proxy_pass http://one; }}
                location /2 {{ proxy_pass http://two; }}
                location /3 {{ proxy_pass http://127.0.0.1:{port}; }}
                location /4 {{ proxy_pass http://$host:{port}; }}
            }}
        }}"
    );
    let facts = look(&text);
    assert_eq!(only(&facts).heard, Heard::Http);
    assert_eq!(server.count(), 1);
    let bytes = std::mem::take(&mut *heard.lock().expect("unharmed"));
    assert_eq!(bytes[..2], [0x16, 3], "a greeting of TLS");
    assert!(!bytes.windows(4).any(|four| four == b"HTTP" || four == b"HEAD"));

    let facts = look_with(&text, Options { connect_cap: CAP, requests: true });
    let conversation = only(&facts);
    assert_eq!(server.count(), 2);
    let bytes = heard.lock().expect("unharmed").clone();
    assert!(bytes.starts_with(b"HEAD / HTTP/1.1\r\nHost: www.example\r\n"), "{}", String::from_utf8_lossy(&bytes));
    assert_eq!((conversation.said, conversation.heard), (Said::Request, Heard::Http));
    assert_eq!(conversation.text.as_deref(), Some("HTTP/1.1 204 No Content"));
    let idle = conversation.idle_milliseconds.expect("it was ended");
    assert!((150..2_000).contains(&idle), "{idle}");
}

#[test]
fn requests_go_over_tls_where_nginx_speaks_it() {
    let all = Certificates::new();
    let server = Server::tls(serving(all.make("app", &params(&["app.example"], "app"), false)));
    let options = Options { connect_cap: CAP, requests: true };
    let facts = look_with(&http(&format!("proxy_pass https://127.0.0.1:{};", server.port)), options);
    let found: Vec<_> = facts.conversations.iter().map(|one| (one.said, one.heard, one.text.as_deref())).collect();
    let answer = Some("HTTP/1.1 200 OK");
    assert_eq!(found, [(Said::Tls, Heard::Tls, None), (Said::Request, Heard::Http, answer)]);
    assert_eq!(server.count(), 1);
    // A request without TLS gets no good answer there: then TLS is tried.
    let facts = look_with(&http(&format!("proxy_pass http://127.0.0.1:{};", server.port)), options);
    let found: Vec<_> = facts.conversations.iter().map(|one| (one.said, one.heard)).collect();
    assert_eq!(found, [(Said::Request, Heard::TlsFailed), (Said::Tls, Heard::Tls)]);
}

/// A name server that knows some names; it ends with the value.
struct Names {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Names {
    fn new() -> Names {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = socket.local_addr().expect("bound");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut bytes = [0; 1024];
            while !ended.load(Ordering::Relaxed) {
                let Ok((count, client)) = socket.recv_from(&mut bytes) else { continue };
                let query = Message::from_vec(&bytes[..count]).expect("a question");
                if let Some(answer) = answer_to(&query) {
                    let _ = socket.send_to(&answer.to_vec().expect("an answer"), client);
                }
            }
        });
        Names { address, stop, thread: Some(thread) }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer_to(query: &Message) -> Option<Message> {
    let mut answer = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    let question = query.queries.first()?;
    answer.add_query(question.clone());
    let a = question.query_type == RecordType::A;
    let mut add = |data| {
        answer.add_answer(Record::from_rdata(question.name.clone(), 60, data));
    };
    match question.name.to_ascii().to_ascii_lowercase().trim_end_matches('.') {
        "known.example" if a => add(RData::A(A::new(192, 0, 2, 7))),
        "known.example" => add(RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7))),
        "local.example" if a => add(RData::A(A::new(127, 0, 0, 1))),
        "half.example" if a => add(RData::A(A::new(192, 0, 2, 8))),
        "half.example" | "silent.example" => return None,
        "alias.example" => add(RData::CNAME(CNAME(Name::from_ascii("known.example.").expect("a name")))),
        "empty.example" => {}
        "broken.example" => answer.metadata.response_code = ResponseCode::ServFail,
        "closed.example" => answer.metadata.response_code = ResponseCode::Refused,
        _ => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    Some(answer)
}

#[test]
fn name_servers_of_a_resolver_are_asked_as_nginx_asks_them() {
    let names = Names::new();
    let ask = |name: &str, server: &str, more: &str| -> Question {
        let passing = format!("set $up {name}; proxy_pass http://$up:81;");
        let text = http(&format!("resolver {server} {more}; {passing}"));
        let options = Options { connect_cap: Duration::from_millis(300), ..Options::default() };
        let facts = look_with(&text, options);
        assert_eq!(facts.questions.len(), 1, "{name}");
        assert!(facts.names.is_empty() && facts.connections.is_empty(), "{name}");
        facts.questions[0].clone()
    };
    let here = names.address.to_string();
    let nowhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr()).expect("a port");
    let nowhere = nowhere.to_string();
    use QuestionFailure::*;
    type Row<'r> = (&'r str, &'r str, &'r str, &'r [&'r str], Option<QuestionFailure>, Option<&'r str>);
    let table: [Row<'_>; 10] = [
        ("known.example", &here, "", &["192.0.2.7", "2001:db8::7"], None, None),
        ("Known.Example", &here, "ipv6=off", &["192.0.2.7"], None, None),
        ("alias.example", &here, "ipv6=off", &["192.0.2.7"], None, None),
        ("half.example", &here, "", &["192.0.2.8"], None, Some("no answer to the question for AAAA")),
        ("missing.example", &here, "", &[], Some(NoSuchName), None),
        ("empty.example", &here, "", &[], Some(NoAddress), None),
        ("broken.example", &here, "", &[], Some(ServerFailure), None),
        ("closed.example", &here, "", &[], Some(Refused), None),
        ("silent.example", &here, "ipv6=off", &[], Some(TimedOut), Some("no answer to the question for A")),
        ("known.example", &nowhere, "", &[], Some(Unreachable), Some("Connection refused")),
    ];
    for (name, server, more, addresses, failure, error) in table {
        let question = ask(name, server, more);
        assert_eq!(question.name_server, server, "{name}");
        assert_eq!(question.name, name.to_ascii_lowercase());
        assert_eq!(question.addresses, addresses, "{name}");
        assert_eq!(question.failure, failure, "{name}");
        let words = question.error.as_deref().map(|error| error.split(": ").last().unwrap_or_default());
        assert_eq!(words, error, "{name}");
    }
}

#[test]
fn servers_that_are_resolved_again_are_looked_for_where_the_resolver_says() {
    let names = Names::new();
    let server = Server::answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let text = format!(
        "events {{}} http {{ resolver {} ipv6=off;
            upstream app {{ zone app 64k; server local.example:{} resolve; }}
            server {{ location / {{ proxy_pass http://app; }} }} }}",
        names.address, server.port
    );
    let facts = look(&text);
    assert!(facts.names.is_empty());
    assert_eq!(facts.questions[0].addresses, ["127.0.0.1"]);
    assert_eq!(only(&facts).heard, Heard::Http);
}

/// A server of TLS that has only what is not spoken here: it refuses the
/// first handshake, and says this to the second.
fn choosy(second: &'static [u8]) -> Server {
    let first = AtomicBool::new(true);
    Server::new(move |mut stream| {
        let answer = if first.swap(false, Ordering::Relaxed) { REFUSAL } else { second };
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
        drain(&mut stream);
    })
}

/// An alert: handshake failure.
const REFUSAL: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";

#[test]
fn a_server_that_would_go_on_with_openssl_has_not_failed() {
    let hello = b"\x16\x03\x03\0\x30\x02\0\0\x2c\x03\x03";
    let old = b"\x16\x03\x01\0\x30\x02\0\0\x2c\x03\x01";
    type Row<'r> = (&'r str, &'r [u8], &'r str, Option<(Heard, Option<&'r str>)>);
    let table: [Row<'_>; 4] = [
        ("another cipher", hello, "", Some((Heard::Tls, None))),
        ("nothing in common", REFUSAL, "", Some((Heard::TlsFailed, Some("handshake failure")))),
        ("too old", old, "proxy_ssl_protocols TLSv1.2;", Some((Heard::TlsFailed, Some("protocol version")))),
        ("old, and allowed", old, "proxy_ssl_protocols TLSv1 TLSv1.2;", None),
    ];
    for (what, second, more, expected) in table {
        let server = choosy(second);
        let facts = look(&http(&format!("proxy_pass https://127.0.0.1:{}; {more}", server.port)));
        assert_eq!(server.count(), 2, "{what}");
        let Some((heard, problem)) = expected else {
            assert!(facts.conversations.is_empty(), "{what}");
            assert!(facts.not_examined.iter().any(|note| note.why.contains("before 1.2")), "{what}");
            continue;
        };
        let conversation = only(&facts);
        assert_eq!(conversation.heard, heard, "{what}");
        assert_eq!(conversation.tls.as_ref().and_then(|tls| tls.problem.as_deref()), problem, "{what}");
    }
}

#[test]
fn names_of_the_configuration_are_resolved_by_the_system() {
    let text = "events {} http { upstream app { server localhost:1; server 127.0.0.1:1; }
        server { listen LocalHost:9080; location / { proxy_pass http://app; } } }";
    let facts = look(text);
    let names: Vec<&String> = facts.names.keys().collect();
    assert_eq!(names, ["localhost"]);
    let localhost = &facts.names["localhost"];
    assert!(localhost.addresses.contains(&"127.0.0.1".to_owned()), "{localhost:?}");
    assert_eq!(facts.connections["127.0.0.1:1"].outcome, Outcome::Refused);
}

#[test]
fn what_goes_over_udp_is_not_connected_to() {
    let server = Server::new(|mut stream| drain(&mut stream));
    let text = format!("events {{}} stream {{ server {{ listen 53 udp; proxy_pass 127.0.0.1:{}; }} }}", server.port);
    let facts = look(&text);
    assert!(facts.connections.is_empty() && facts.conversations.is_empty());
    assert_eq!(server.count(), 0);
    assert!(facts.not_examined.iter().any(|note| note.why.contains("UDP")), "{:?}", facts.not_examined);
}

/// A listener whose queue is full: whoever connects gets no answer. Linux has
/// the whole of 127.0.0.0/8 to do it with.
#[cfg(target_os = "linux")]
#[test]
fn a_thousand_addresses_are_connected_to_within_twice_the_time() {
    let filtered = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    let port = filtered.local_addr().expect("bound").port();
    nix::sys::socket::listen(&filtered, nix::sys::socket::Backlog::new(0).expect("small")).expect("a listener");
    let own = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&own, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 10, "the queue is never full");
    }
    let closed = closed_port();
    let servers: String = (0..1000)
        .map(|index| {
            let port = if index % 2 == 0 { port } else { closed };
            format!("server 127.{}.{}.1:{port};\n", 1 + index / 250, 1 + index % 250)
        })
        .collect();
    let passing = "server { location / { proxy_pass http://app; } }";
    let text = format!("events {{}} http {{ upstream app {{ {servers} }} {passing} }}");
    let path = Path::new("nginx.conf");
    let files: Memory = [(path, text.as_bytes().to_vec())].into_iter().collect();
    let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("the entry is there");
    let model = Model::new(&tree, Context::Main, Profile::of_version(Some(Version::new(1, 28, 0))));
    let began: Mutex<Option<Instant>> = Mutex::new(None);
    let most = AtomicUsize::new(0);
    let progress = |what: &str, done: usize, total: usize| {
        if what == "connecting" {
            began.lock().expect("unharmed").get_or_insert_with(Instant::now);
            assert_eq!(total, 1000);
            most.fetch_max(done, Ordering::Relaxed);
        }
    };
    let facts = probe::look(&[&model], &Options { connect_cap: CAP, requests: false }, &progress);
    let took = began.lock().expect("unharmed").expect("it began").elapsed();
    let count = |outcome| facts.connections.values().filter(|connection| connection.outcome == outcome).count();
    assert_eq!((count(Outcome::TimedOut), count(Outcome::Refused)), (500, 500));
    assert_eq!(most.load(Ordering::Relaxed), 1000);
    assert!(took < CAP * 2, "{took:?}");
    drop(waiting);
}
