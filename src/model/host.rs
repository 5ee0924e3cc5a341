//! What a host is, as far as its spelling says: this machine, a private
//! network, a name that only some place knows, a name in the internet.
//!
//! Looks nothing up.

use super::Host;
use super::address::{parse_ipv4, parse_ipv6};

/// What the spelling of a host name says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostNameKind {
    /// `localhost`.
    Localhost,
    /// Without a dot: a container, a service, a line of a hosts file.
    SingleLabel,
    /// Below a domain that only a private network has, such as `.internal`,
    /// `.local` or `.svc.cluster.local`.
    Internal,
    /// Of a provider that changes the addresses behind its names, such as
    /// `.elb.amazonaws.com`.
    Cloud,
    /// Every other one.
    Public,
}

/// Ends of names that only a private network knows: RFC 6762, RFC 8375, the
/// domain ICANN keeps for private use, and those of schedulers.
const INTERNAL: [&str; 12] = [
    ".internal",
    ".local",
    ".localdomain",
    ".lan",
    ".home.arpa",
    ".intranet",
    ".corp",
    ".private",
    ".svc",
    ".consul",
    ".docker",
    ".test",
];

/// Ends of names whose addresses their provider changes at any time.
const CLOUD: [&str; 14] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".cloudfront.net",
    ".elasticbeanstalk.com",
    ".azurewebsites.net",
    ".azure.com",
    ".windows.net",
    ".cloudapp.net",
    ".azurecontainerapps.io",
    ".run.app",
    ".googleapis.com",
    ".appspot.com",
    ".herokuapp.com",
    ".fly.dev",
];

/// What the spelling of a host name says; a dot at its end does not count.
pub fn kind_of_host_name(name: &str) -> HostNameKind {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends_with = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if name == "localhost" || name.ends_with(".localhost") {
        HostNameKind::Localhost
    } else if !name.contains('.') {
        HostNameKind::SingleLabel
    } else if ends_with(&INTERNAL) {
        HostNameKind::Internal
    } else if ends_with(&CLOUD) {
        HostNameKind::Cloud
    } else {
        HostNameKind::Public
    }
}

/// Names of the machine that a container runs on, which its hosts file has and
/// mostly no name server.
const HOSTS_OF_CONTAINERS: [&str; 3] = ["host.docker.internal", "gateway.docker.internal", "host.containers.internal"];

/// Whether a name is one that the hosts file has, and mostly only that:
/// `localhost`, `host.docker.internal`.
pub fn is_of_hosts_file(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    kind_of_host_name(name) == HostNameKind::Localhost
        || HOSTS_OF_CONTAINERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a name looks like a word that a tool fills in before nginx sees the
/// file, such as `BACKEND_IP` or `__NAME__`.
pub fn is_placeholder_name(name: &str) -> bool {
    name.contains('@')
        || name.contains("__")
        || (name.contains('_') && name.bytes().any(|byte| byte.is_ascii_uppercase()))
        || (!name.contains('.') && name.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// Whether a name is that of a service in a Kubernetes cluster, such as
/// `app.default.svc.cluster.local` or `app.default.svc`.
pub fn is_cluster_service(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.ends_with(".svc") || name.ends_with(".svc.cluster.local")
}

/// Whether a host is this machine: a socket, a loopback address, `localhost`.
pub fn is_loopback(host: Host<'_>) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Name(name) => kind_of_host_name(name) == HostNameKind::Localhost,
        Host::Address(address) => match bytes_of(address) {
            Some(Bytes::V4(bytes)) => bytes[0] == 127,
            Some(Bytes::V6(bytes)) => bytes[..15] == [0; 15] && bytes[15] == 1,
            None => false,
        },
    }
}

/// Whether a host is this machine or in a network that is not part of the
/// internet: the addresses of RFC 1918, RFC 6598, RFC 3927 and RFC 4193, and
/// names that only a private network knows.
pub fn is_private(host: Host<'_>) -> bool {
    is_loopback(host)
        || match host {
            Host::Unix(_) => true,
            Host::Name(name) => matches!(kind_of_host_name(name), HostNameKind::SingleLabel | HostNameKind::Internal),
            Host::Address(address) => match bytes_of(address) {
                Some(Bytes::V4([first, second, ..])) => match first {
                    10 => true,
                    100 => (64..128).contains(&second),
                    169 => second == 254,
                    172 => (16..32).contains(&second),
                    192 => second == 168,
                    _ => false,
                },
                Some(Bytes::V6(bytes)) => bytes[0] & 0xfe == 0xfc || (bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80),
                None => false,
            },
        }
}

enum Bytes {
    V4([u8; 4]),
    V6([u8; 16]),
}

fn bytes_of(address: &str) -> Option<Bytes> {
    match address.strip_prefix('[') {
        Some(rest) => parse_ipv6(rest.strip_suffix(']')?).map(Bytes::V6),
        None => parse_ipv4(address).map(Bytes::V4).or_else(|| parse_ipv6(address).map(Bytes::V6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::split_address;

    #[test]
    fn the_spelling_of_a_name_says_what_it_is() {
        let table = [
            ("localhost", HostNameKind::Localhost),
            ("LOCALHOST.", HostNameKind::Localhost),
            ("app", HostNameKind::SingleLabel),
            ("db.internal", HostNameKind::Internal),
            ("api.default.svc.cluster.local", HostNameKind::Internal),
            ("api.default.svc", HostNameKind::Internal),
            ("my-lb-1.eu-west-1.elb.amazonaws.com", HostNameKind::Cloud),
            ("backend.example.com", HostNameKind::Public),
            ("locals.example", HostNameKind::Public),
        ];
        for (name, expected) in table {
            assert_eq!(kind_of_host_name(name), expected, "{name}");
        }
    }

    #[test]
    fn some_names_are_of_the_hosts_file_or_of_a_cluster() {
        let table = [
            ("localhost", true, false),
            ("Host.Docker.Internal", true, false),
            ("db.internal", false, false),
            ("app.default.svc", false, true),
            ("app.default.svc.cluster.local.", false, true),
            ("svc", false, false),
        ];
        for (name, of_hosts_file, of_cluster) in table {
            assert_eq!((is_of_hosts_file(name), is_cluster_service(name)), (of_hosts_file, of_cluster), "{name}");
        }
    }

    #[test]
    fn some_names_are_words_to_be_filled_in() {
        let table = [
            ("BACKEND_IP", true),
            ("BACKEND", true),
            ("__name__", true),
            ("@name@", true),
            ("aks-_NODES_-000001", true),
            ("php_fpm", false),
            ("Backend", false),
            ("App.Example", false),
        ];
        for (name, expected) in table {
            assert_eq!(is_placeholder_name(name), expected, "{name}");
        }
    }

    #[test]
    fn addresses_are_of_this_machine_of_a_private_network_or_of_the_internet() {
        let table = [
            ("127.0.0.1:80", true, true),
            ("127.8.8.8", true, true),
            ("[::1]:80", true, true),
            ("localhost:80", true, true),
            ("unix:/run/app.sock", true, true),
            ("10.0.0.1:80", false, true),
            ("172.31.0.1", false, true),
            ("172.32.0.1", false, false),
            ("192.168.1.1", false, true),
            ("100.64.0.1", false, true),
            ("169.254.1.1", false, true),
            ("[fd00::1]:80", false, true),
            ("[fe80::1]", false, true),
            ("[2001:db8::1]", false, false),
            ("8.8.8.8", false, false),
            ("app:80", false, true),
            ("app.example.com", false, false),
        ];
        for (text, loopback, private) in table {
            let host = split_address(text).0;
            assert_eq!((is_loopback(host), is_private(host)), (loopback, private), "{text}");
        }
    }
}
