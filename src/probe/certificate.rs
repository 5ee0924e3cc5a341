//! What certificates say, in files as over the wire.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::facts::Certificate;

/// What is kept of a certificate.
pub(super) fn describe(certificate: &X509Certificate<'_>) -> Certificate {
    let names: Vec<String> = listed(certificate).iter().filter_map(name_in).collect();
    Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: if names.is_empty() { common_names(certificate) } else { names },
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
    }
}

/// The host names it is for: its common names when it lists none.
pub(super) fn hosts(certificate: &X509Certificate<'_>) -> Vec<String> {
    let hosts: Vec<String> = listed(certificate).iter().filter_map(host_in).collect();
    if hosts.is_empty() { common_names(certificate) } else { hosts }
}

fn listed<'c>(certificate: &'c X509Certificate<'_>) -> &'c [GeneralName<'c>] {
    let extension = certificate.subject_alternative_name().ok().flatten();
    extension.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default()
}

fn common_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject().iter_common_name();
    names.filter_map(|name| name.as_str().ok()).map(str::to_owned).collect()
}

fn host_in(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None }
}

fn name_in(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        other => host_in(other),
    }
}
