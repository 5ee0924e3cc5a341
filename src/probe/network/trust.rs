//! Whether nginx, which asks OpenSSL, would trust a chain of certificates.
//!
//! The signatures are checked by rustls, which is stricter in some things and
//! laxer in others; where the two differ, OpenSSL's way is followed, and where
//! that is not known nothing is said.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};

use super::certificate::{Read, read};
use super::connect::words_of;
use super::plan::Check;

/// A file is larger than this only by mistake.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What comes of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// nginx would trust it.
    Trusted,
    /// It would not: why.
    Distrusted(String),
    /// That could not be found out: why.
    Unknown(String),
}

/// Certificates of a file.
type Certificates = Vec<CertificateDer<'static>>;

/// The files with certificates that are trusted, each read once.
#[derive(Default)]
pub(super) struct Trusted {
    files: Mutex<HashMap<PathBuf, Arc<Result<Certificates, String>>>>,
}

impl Trusted {
    fn file(&self, path: &Path) -> Arc<Result<Certificates, String>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = files.entry(path.to_path_buf());
        Arc::clone(entry.or_insert_with(|| Arc::new(certificates_in(path))))
    }

    /// Whether a chain, that of the server first, would be trusted.
    pub(super) fn judge(&self, check: &Check, chain: &[CertificateDer<'static>]) -> Verdict {
        let trusted = self.file(&check.trusted);
        let trusted = match trusted.as_ref() {
            Ok(trusted) => trusted,
            Err(why) => return Verdict::Unknown(format!("{}: {why}", check.verification.trusted)),
        };
        let now = UnixTime::now();
        let (verdict, leaf) = match chain.first().and_then(|leaf| Some((leaf, read(leaf)?))) {
            Some((first, leaf)) => {
                (judge_chain(first, &leaf, &chain[1..], trusted, check.verification.depth, now), leaf)
            }
            None => return Verdict::Unknown("its certificate cannot be read".to_owned()),
        };
        if verdict == Verdict::Trusted && !leaf.is_for(&check.verification.name) {
            let names = leaf.hosts();
            return Verdict::Distrusted(format!(
                "name mismatch: the certificate is for {names}, not for {}",
                check.verification.name
            ));
        }
        verdict
    }
}

/// The certificates of a file in the form PEM.
pub(super) fn certificates_in(path: &Path) -> Result<Certificates, String> {
    let bytes = read_file(path)?;
    let certificates: Result<Certificates, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let certificates = certificates.map_err(|error| error.to_string())?;
    if certificates.is_empty() { Err("no certificate in it".to_owned()) } else { Ok(certificates) }
}

/// The bytes of a file of certificates or keys.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| words_of(&error))?;
    if !metadata.is_file() || metadata.len() > LARGEST_FILE {
        return Err("not a file of certificates or keys".to_owned());
    }
    fs::read(path).map_err(|error| words_of(&error))
}

fn judge_chain(
    first: &CertificateDer<'static>,
    leaf: &Read,
    rest: &[CertificateDer<'static>],
    trusted: &[CertificateDer<'static>],
    depth: u64,
    now: UnixTime,
) -> Verdict {
    let time = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if leaf.is_self_signed() {
        return match leaf.problem_at(time) {
            _ if !trusted.contains(first) => Verdict::Distrusted("self-signed, and not among those trusted".to_owned()),
            Some(problem) => Verdict::Distrusted(problem.to_owned()),
            None => Verdict::Trusted,
        };
    }
    let known: Vec<(&CertificateDer<'static>, Read)> =
        trusted.iter().filter_map(|der| Some((der, read(der)?))).collect();
    // A chain has to end in a certificate that signed itself.
    let (roots, others): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, read)| read.is_self_signed());
    let mut between: Certificates = rest.to_vec();
    between.extend(others.into_iter().map(|(der, _)| der.clone()));
    let path = path_of(leaf, &between);
    let top = path.last().unwrap_or(leaf);
    let unknown = || Verdict::Distrusted(format!("unknown issuer: {}", top.certificate.issuer));
    let own_roots: Vec<&Read> = roots.iter().map(|(_, root)| root).filter(|root| root.subject == top.issuer).collect();
    let mut store = RootCertStore::empty();
    for (root, _) in &roots {
        // One that cannot be taken is one that nothing is signed by.
        let _ = store.add((*root).clone());
    }
    if store.is_empty() {
        return if own_roots.is_empty() { unknown() } else { strange() };
    }
    match check_signatures(first, &between, store, now) {
        Some(Ok(())) => {}
        Some(Err(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            return Verdict::Distrusted(
                leaf.problem_at(time).unwrap_or("expired: a certificate of its chain").to_owned(),
            );
        }
        Some(Err(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })) => {
            return Verdict::Distrusted("not valid yet".to_owned());
        }
        Some(Err(CertificateError::UnknownIssuer)) if own_roots.is_empty() => return unknown(),
        Some(Err(CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. })) => {
            return Verdict::Distrusted("not for servers: it is for another purpose".to_owned());
        }
        Some(Err(CertificateError::BadSignature)) => return Verdict::Distrusted("bad signature".to_owned()),
        Some(Err(_)) | None => return strange(),
    }
    if let Some(problem) = own_roots.iter().find_map(|root| root.problem_at(time)) {
        if own_roots.len() == 1 {
            return Verdict::Distrusted(format!("{problem}: the trusted certificate"));
        }
        return strange();
    }
    if path.len() as u64 > depth {
        let count = path.len();
        return Verdict::Distrusted(format!("chain too long: {count} certificates in between, {depth} allowed"));
    }
    Verdict::Trusted
}

fn strange() -> Verdict {
    Verdict::Unknown("its chain of certificates has something that is not understood here".to_owned())
}

/// The certificates between that of the server and one that is trusted, by
/// their names.
fn path_of(leaf: &Read, between: &[CertificateDer<'static>]) -> Vec<Read> {
    let mut path: Vec<Read> = Vec::new();
    let between: Vec<Read> = between.iter().filter_map(|der| read(der)).collect();
    while path.len() < between.len() {
        let issuer = path.last().map_or(&leaf.issuer, |last| &last.issuer);
        match between.iter().find(|other| other.subject == *issuer && !other.is_self_signed()) {
            Some(next) => path.push(next.clone()),
            None => break,
        }
    }
    path
}

/// Whether the signatures lead to a trusted certificate; none when that could
/// not be found out.
fn check_signatures(
    leaf: &CertificateDer<'static>,
    between: &[CertificateDer<'static>],
    roots: RootCertStore,
    now: UnixTime,
) -> Option<Result<(), CertificateError>> {
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    let verifier = builder.build().ok()?;
    // The name is checked last, and here by hand.
    let anybody = ServerName::try_from("name.invalid").ok()?;
    match verifier.verify_server_cert(leaf, between, &anybody, &[], now) {
        Ok(_) => Some(Ok(())),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Some(Ok(())),
        Err(Error::InvalidCertificate(error)) => Some(Err(error)),
        Err(_) => None,
    }
}
