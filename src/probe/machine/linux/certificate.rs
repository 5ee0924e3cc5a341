//! Certificates and keys: what they say, and whether they belong together.

use std::fs::File;
use std::io::{self, Read};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::facts::{CertificateFile, Facts, FileKind, KeyPair};

use super::super::super::certificate::describe;
use super::super::Sources;
use super::missed::{Missed, in_words};
use super::named::Named;

/// The most that is read of one file.
const MOST: u64 = 1024 * 1024;

/// OpenSSL passes over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Two files that were put together, the first without a line feed at its end.
const ON_ONE_LINE: &str = "-----END CERTIFICATE----------BEGIN ";

/// What PEM calls certificates in ways that are not read here.
const OTHER_CERTIFICATES: [&str; 2] = ["-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"];

/// What cannot be looked at further.
const OTHER_FORM: &str = "certificates in a form that is not read here";
const ENCRYPTED: &str = "it is encrypted";
const OTHER_KIND: &str = "a kind of key that is not compared here";
const FOREIGN: &str = "the key does not belong to the certificate";

/// Adds what the certificates say, and whether the keys fit.
pub(super) fn look(sources: &Sources, named: &Named, facts: &mut Facts, missed: &mut Missed) {
    let is_file = |path: &str| facts.files.get(path).is_some_and(|file| file.kind == FileKind::File);
    let paths: Vec<&String> = named.certificates.iter().filter(|path| is_file(path)).collect();
    let read: Vec<(&String, Result<Parsed, String>)> =
        paths.par_iter().map(|path| (*path, read_certificates(sources, path))).collect();
    let mut keys: FxHashMap<&str, Vec<u8>> = FxHashMap::default();
    let mut files: Vec<(String, CertificateFile)> = Vec::new();
    for (path, parsed) in read {
        match parsed {
            Ok(parsed) => {
                keys.extend(parsed.public_key.map(|key| (path.as_str(), key)));
                files.push((path.clone(), parsed.file));
            }
            Err(why) => missed.add(path, why),
        }
    }
    let pairs: Vec<&(String, String)> = named.pairs.iter().filter(|(_, key)| is_file(key)).collect();
    let compared: Vec<Result<KeyPair, (String, String)>> = pairs
        .par_iter()
        .filter_map(|(certificate, key)| Some(compare(sources, certificate, keys.get(certificate.as_str())?, key)))
        .collect();
    facts.certificates.extend(files);
    for result in compared {
        match result {
            Ok(pair) => facts.key_pairs.push(pair),
            Err((what, why)) => missed.add(what, why),
        }
    }
}

/// A file of certificates.
#[derive(Debug, Default)]
struct Parsed {
    file: CertificateFile,
    /// The bits of the first one's key.
    public_key: Option<Vec<u8>>,
}

fn read_certificates(sources: &Sources, path: &str) -> Result<Parsed, String> {
    let bytes = read(sources, path).map_err(|error| in_words(&error))?;
    let text = String::from_utf8_lossy(&bytes);
    if OTHER_CERTIFICATES.iter().any(|mark| text.contains(mark)) {
        return Err(OTHER_FORM.to_owned());
    }
    let mut parsed = Parsed::default();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        match certificate.map(|der| (X509Certificate::from_der(&der).is_ok(), der)) {
            Ok((true, der)) => parsed.add(&der),
            // OpenSSL may be less strict.
            Ok((false, der)) if is_sequence(&der) => return Err(OTHER_FORM.to_owned()),
            Ok((false, _)) => parsed.file.problem = Some("a certificate in it is not readable".to_owned()),
            Err(error) => parsed.file.problem = Some(words_of(&error)),
        }
        if parsed.file.problem.is_some() {
            break;
        }
    }
    if text.contains(ON_ONE_LINE) {
        parsed.file.problem = Some("one certificate in it ends on the line on which the next begins".to_owned());
    }
    if parsed.file.chain.is_empty() && parsed.file.problem.is_none() {
        parsed.file.problem = Some("no certificate in it".to_owned());
    }
    Ok(parsed)
}

impl Parsed {
    fn add(&mut self, der: &[u8]) {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else { return };
        if self.file.chain.is_empty() {
            self.public_key = Some(certificate.public_key().subject_public_key.data.to_vec());
        }
        self.file.chain.push(describe(&certificate));
    }
}

/// Whether it has the outer form of a certificate: a sequence, and nothing
/// behind it.
fn is_sequence(der: &[u8]) -> bool {
    let (0x30, Some(short)) = (der.first().copied().unwrap_or_default(), der.get(1)) else { return false };
    let more = usize::from(short & 0x7f);
    if *short < 0x80 {
        return der.len() == 2 + more;
    }
    let Some(bytes) = der.get(2..2 + more).filter(|_| more <= 4) else { return false };
    let length = bytes.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    der.len() == 2 + more + length
}

/// What came of reading a key.
enum Key {
    /// The bits of its public half.
    Public(Vec<u8>),
    /// It cannot be used.
    Wrong(&'static str),
    /// It may be fine.
    Unknown(&'static str),
}

fn compare(sources: &Sources, certificate: &str, public: &[u8], key: &str) -> Result<KeyPair, (String, String)> {
    let problem = match read(sources, key).map(|bytes| read_key(&bytes)) {
        Ok(Key::Public(own)) if own == public => None,
        // A point of a curve may be written in a shorter form.
        Ok(Key::Public(own)) if is_short_point(public) && !is_short_point(&own) => {
            return Err((key.to_owned(), OTHER_KIND.to_owned()));
        }
        Ok(Key::Public(_)) => Some(FOREIGN.to_owned()),
        Ok(Key::Wrong(problem)) => Some(problem.to_owned()),
        Ok(Key::Unknown(why)) => return Err((key.to_owned(), why.to_owned())),
        Err(error) => return Err((key.to_owned(), in_words(&error))),
    };
    Ok(KeyPair { certificate: certificate.to_owned(), key: key.to_owned(), problem })
}

fn is_short_point(key: &[u8]) -> bool {
    matches!(key, [2 | 3, rest @ ..] if matches!(rest.len(), 32 | 48 | 66))
}

fn read_key(bytes: &[u8]) -> Key {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("ENCRYPTED") {
        return Key::Unknown(ENCRYPTED);
    }
    let key = match PrivateKeyDer::from_pem_slice(bytes) {
        Ok(key) => key,
        // Kinds of keys that only some library of nginx knows.
        Err(pem::Error::NoItemsFound) if text.contains("PRIVATE KEY-----") => return Key::Unknown(OTHER_KIND),
        Err(pem::Error::NoItemsFound) => return Key::Wrong("no private key in it"),
        Err(_) => return Key::Wrong("the key is not readable"),
    };
    let Ok(key) = any_supported_type(&key) else { return Key::Unknown(OTHER_KIND) };
    let Some(info) = key.public_key() else { return Key::Unknown(OTHER_KIND) };
    match SubjectPublicKeyInfo::from_der(&info) {
        Ok((_, info)) => Key::Public(info.subject_public_key.data.to_vec()),
        Err(_) => Key::Unknown(OTHER_KIND),
    }
}

fn words_of(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a certificate in it has no end".to_owned(),
        _ => "a certificate in it is not readable".to_owned(),
    }
}

fn read(sources: &Sources, path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(sources.at(path))?.take(MOST).read_to_end(&mut bytes)?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}
