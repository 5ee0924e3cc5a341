//! A TLS handshake that takes every certificate and remembers what it saw.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, ResolvesClientCert};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme};

use crate::facts::{Heard, TlsHeard};
use crate::model::Handshake;

use super::plan::Pair;
use super::socket::{Ended, Socket};
use super::trust::{certificates_in, read_file};

/// So long a server may take to say that it wants another certificate: with
/// TLS 1.3 it says so behind the handshake.
const SECOND_THOUGHTS: Duration = Duration::from_millis(200);

/// What came of a handshake.
pub(super) struct Shaken {
    pub(super) heard: Heard,
    pub(super) tls: TlsHeard,
    /// What the server said, when it was no TLS.
    pub(super) plain: Vec<u8>,
    /// The certificates, that of the server first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The connection, after a handshake to its end.
    pub(super) session: Option<Session>,
    /// Whether nginx, which can do more, may have got further.
    pub(super) may_be_ours: bool,
    /// Why nginx's own certificate could not be shown.
    pub(super) no_certificate: Option<String>,
}

/// A connection over TLS.
pub(super) struct Session {
    pub(super) socket: Socket,
    connection: ClientConnection,
}

/// Shakes hands until then; none with the reason why that cannot be done.
pub(super) fn shake(
    mut socket: Socket,
    handshake: &Handshake,
    client: Option<&Pair>,
    deadline: Instant,
) -> Result<Shaken, String> {
    let recorder = Arc::new(Recorder::default());
    let (own, no_certificate) = own_certificate(client);
    let certificate = Arc::new(OwnCertificate { asked: AtomicBool::new(false), own });
    let mut connection = begin(handshake, &recorder, &certificate)?;
    let mut plain = Vec::new();
    let end = go_on(&mut connection, &mut socket, &mut plain, deadline);
    let end = end.and_then(|()| {
        if certificate.asked.load(Ordering::Relaxed) {
            second_thoughts(&mut connection, &mut socket)?;
        }
        Ok(())
    });
    let mut shaken = Shaken {
        heard: Heard::Tls,
        tls: TlsHeard {
            version: connection.protocol_version().map(version_in_words),
            protocol: connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            asks_for_certificate: certificate.asked.load(Ordering::Relaxed),
            ..TlsHeard::default()
        },
        plain,
        chain: recorder.chain.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        session: None,
        may_be_ours: false,
        no_certificate,
    };
    match end {
        Ok(()) => shaken.session = Some(Session { socket, connection }),
        Err(Failure::NotTls) => shaken.heard = Heard::Other,
        Err(Failure::Nothing(ended)) => shaken.heard = ended.heard(),
        Err(Failure::Ended(ended)) => shaken.fail(words_of_end(ended)),
        Err(Failure::Tls(error)) => {
            shaken.may_be_ours = may_be_ours(&error);
            shaken.fail(words_of(&error));
        }
    }
    Ok(shaken)
}

impl Shaken {
    pub(super) fn fail(&mut self, problem: String) {
        self.heard = Heard::TlsFailed;
        self.tls.problem = Some(problem);
    }
}

/// Why a handshake came to no end.
enum Failure {
    /// The first bytes are no TLS.
    NotTls,
    /// Nothing came at all.
    Nothing(Ended),
    /// Something came, and then no more.
    Ended(Ended),
    /// One of the sides gave up.
    Tls(Error),
}

fn begin(
    handshake: &Handshake,
    recorder: &Arc<Recorder>,
    certificate: &Arc<OwnCertificate>,
) -> Result<ClientConnection, String> {
    let versions: &[_] = match (handshake.tls12, handshake.tls13) {
        (true, false) => &[&TLS12],
        (false, true) => &[&TLS13],
        _ => &[&TLS12, &TLS13],
    };
    let words = |error: Error| error.to_string();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_protocol_versions(versions).map_err(words)?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Recorder>::clone(recorder);
    let resolver: Arc<dyn ResolvesClientCert> = Arc::<OwnCertificate>::clone(certificate);
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = builder.with_client_cert_resolver(resolver);
    config.enable_sni = handshake.server_name.is_some();
    if handshake.http2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let name = handshake.server_name.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
    let name =
        ServerName::try_from(name.clone()).map_err(|_| format!("\"{name}\" cannot be given as a server name"))?;
    ClientConnection::new(Arc::new(config), name).map_err(words)
}

/// Goes on with the handshake to its end.
fn go_on(
    connection: &mut ClientConnection,
    socket: &mut Socket,
    plain: &mut Vec<u8>,
    deadline: Instant,
) -> Result<(), Failure> {
    let mut is_tls = false;
    loop {
        flush(connection, socket, deadline);
        if !connection.is_handshaking() {
            return Ok(());
        }
        let received = socket.receive(plain, deadline);
        if let Err(ended) = received {
            return Err(match (is_tls, plain.is_empty()) {
                (true, _) => Failure::Ended(ended),
                (false, true) => Failure::Nothing(ended),
                (false, false) => Failure::NotTls,
            });
        }
        match is_tls || is_record(plain) {
            true => is_tls = true,
            false if plain.len() < 3 && begins_record(plain) => continue,
            false => return Err(Failure::NotTls),
        }
        let bytes = std::mem::take(plain);
        feed(connection, &bytes).map_err(|error| {
            // Says good-bye with an alert.
            flush(connection, socket, deadline);
            Failure::Tls(error)
        })?;
    }
}

/// Waits for a word on the certificate of this side.
fn second_thoughts(connection: &mut ClientConnection, socket: &mut Socket) -> Result<(), Failure> {
    let deadline = Instant::now() + SECOND_THOUGHTS;
    loop {
        let mut bytes = Vec::new();
        match socket.receive(&mut bytes, deadline) {
            Ok(()) => feed(connection, &bytes).map_err(Failure::Tls)?,
            Err(Ended::Silence) => return Ok(()),
            Err(ended) => return Err(Failure::Ended(ended)),
        }
    }
}

fn feed(connection: &mut ClientConnection, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let before = bytes.len();
        connection.read_tls(&mut bytes).map_err(|error| Error::General(error.to_string()))?;
        connection.process_new_packets()?;
        if bytes.len() == before {
            break;
        }
    }
    Ok(())
}

fn flush(connection: &mut ClientConnection, socket: &mut Socket, deadline: Instant) {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        if !matches!(connection.write_tls(&mut bytes), Ok(count) if count > 0) {
            break;
        }
    }
    if !bytes.is_empty() {
        socket.send(&bytes, deadline);
    }
}

impl Session {
    /// Writes all of it.
    pub(super) fn send(&mut self, bytes: &[u8], deadline: Instant) {
        // It goes into memory, and from there to the socket.
        let _ = self.connection.writer().write_all(bytes);
        flush(&mut self.connection, &mut self.socket, deadline);
    }

    /// Adds what comes next, until then.
    pub(super) fn receive(&mut self, into: &mut Vec<u8>, deadline: Instant) -> Result<(), Ended> {
        loop {
            let before = into.len();
            let mut buffer = [0; 4096];
            match self.connection.reader().read(&mut buffer) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => into.extend_from_slice(&buffer[..count]),
                Err(_) => {}
            }
            if into.len() > before {
                return Ok(());
            }
            let mut bytes = Vec::new();
            self.socket.receive(&mut bytes, deadline)?;
            feed(&mut self.connection, &bytes).map_err(|_| Ended::Closed)?;
            flush(&mut self.connection, &mut self.socket, deadline);
        }
    }

    /// Says good-bye.
    pub(super) fn end(mut self, deadline: Instant) {
        self.connection.send_close_notify();
        flush(&mut self.connection, &mut self.socket, deadline);
    }
}

/// Whether bytes are the beginning of a record of TLS: of a handshake or an
/// alert.
pub(super) fn is_record(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..])
}

fn begins_record(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17] | [0x14..=0x17, 3])
}

/// An alert in words, when bytes are one that is not encrypted.
pub(super) fn alert_in(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0x15, 3, _, 0, 2, _, alert, ..] => Some(alert_in_words(AlertDescription::from(*alert))),
        _ => None,
    }
}

/// `handshake failure`.
pub(super) fn alert_in_words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => format!("alert {number}"),
        // As OpenSSL, and with it the log of nginx, has it.
        AlertDescription::UnrecognisedName => "unrecognized name".to_owned(),
        AlertDescription::UnknownCA => "unknown ca".to_owned(),
        other => separate(&format!("{other:?}")),
    }
}

/// `HandshakeFailure` as `handshake failure`.
fn separate(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn words_of(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => alert_in_words(*alert),
        other => other.to_string(),
    }
}

fn words_of_end(ended: Ended) -> String {
    let text = match ended {
        Ended::Silence => "no answer in the middle of the handshake",
        Ended::Closed => "closed in the middle of the handshake",
        Ended::Reset => "reset in the middle of the handshake",
    };
    text.to_owned()
}

/// Whether it may have failed because OpenSSL knows ciphers and versions that
/// are not spoken here.
fn may_be_ours(error: &Error) -> bool {
    match error {
        Error::AlertReceived(alert) => matches!(
            alert,
            AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity
                | AlertDescription::IllegalParameter
        ),
        Error::PeerIncompatible(_) | Error::PeerMisbehaved(_) | Error::InvalidMessage(_) => true,
        _ => false,
    }
}

fn version_in_words(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The certificate of this side and, when there should be one, why there is
/// none.
fn own_certificate(files: Option<&Pair>) -> (Option<Arc<CertifiedKey>>, Option<String>) {
    let Some((certificate, key)) = files else { return (None, None) };
    let made = certificates_in(certificate).and_then(|chain| {
        let bytes = read_file(key)?;
        let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| error.to_string())?;
        CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| error.to_string())
    });
    match made {
        Ok(made) => (Some(Arc::new(made)), None),
        Err(why) => (None, Some(why)),
    }
}

/// Takes every certificate, and remembers them.
#[derive(Debug, Default)]
struct Recorder {
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(first).chain(rest).map(|der| der.clone().into_owned());
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
        Ok(ServerCertVerified::assertion())
    }

    // Nothing is sent that would have to be kept from somebody in between.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ECDSA_NISTP521_SHA512,
            SignatureScheme::ED25519,
            SignatureScheme::ED448,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
            SignatureScheme::ECDSA_SHA1_Legacy,
            SignatureScheme::RSA_PKCS1_SHA1,
        ]
    }
}

/// The certificate of this side, and whether the server asked for one.
#[derive(Debug)]
struct OwnCertificate {
    asked: AtomicBool,
    own: Option<Arc<CertifiedKey>>,
}

impl ResolvesClientCert for OwnCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.own.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_worded_as_in_the_log_of_nginx() {
        let table = [
            (40, "handshake failure"),
            (70, "protocol version"),
            (112, "unrecognized name"),
            (116, "certificate required"),
            (48, "unknown ca"),
            (199, "alert 199"),
        ];
        for (number, expected) in table {
            assert_eq!(alert_in(&[0x15, 3, 3, 0, 2, 2, number]).as_deref(), Some(expected));
        }
        assert_eq!(alert_in(b"HTTP/1.1 400"), None);
    }
}
