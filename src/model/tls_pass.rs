//! Targets that are reached over TLS: who is there, and what the directives of
//! the module say about it.

use crate::catalog::Family;

use super::target::{Host, split_address, split_target};
use super::{Effective, HostNameKind, Target, Upstream, Values, is_private, kind_of_host_name};

/// The pass directives of the modules that can speak TLS.
pub const TLS_PASS_NAMES: [&str; 3] = ["proxy_pass", "grpc_pass", "uwsgi_pass"];

/// A target that nginx certainly speaks TLS to.
#[derive(Clone, Debug)]
pub struct TlsPass<'m> {
    /// It.
    pub target: Target<'m>,
    /// Who is there, as far as the configuration says; several where a variable
    /// has several values.
    pub peers: Vec<TlsPeer<'m>>,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub enum TlsPeer<'m> {
    /// A group of servers.
    Group(Upstream<'m>),
    /// A name for DNS.
    Name(String),
    /// An IPv4 or IPv6 address, as written.
    Address(String),
    /// The path of a unix domain socket.
    Socket(String),
}

impl<'m> Target<'m> {
    /// The target as one that is reached over TLS; none if it is not, or if
    /// that is not known.
    pub fn tls(self) -> Option<TlsPass<'m>> {
        if self.uses_tls() == Some(false) || self.is_template() || !self.is_in_place() {
            return None;
        }
        let model = self.directive.model();
        let family = self.protocol.family();
        if family == Family::Stream || !self.has_variables() {
            if self.uses_tls() != Some(true) {
                return None;
            }
            let texts = model.values_at(self.block(), self.text);
            let peers = texts.iter().filter_map(|text| self.peer_in(text)).collect();
            return Some(TlsPass { target: self, peers });
        }
        let values = model.values_at(self.block(), self.text);
        let is_tls = |text: &str| TLS_SCHEMES.iter().any(|scheme| begins_with(text, scheme));
        if values.incomplete || !values.iter().all(is_tls) {
            return None;
        }
        let peers = values.iter().filter_map(|text| self.peer_in(text)).collect();
        Some(TlsPass { target: self, peers })
    }

    fn peer_in(self, text: &str) -> Option<TlsPeer<'m>> {
        let address = &text[split_target(self.protocol, text).address];
        if !Values::is_known(address) {
            return None;
        }
        match split_address(address) {
            (Host::Unix(path), _) => Some(TlsPeer::Socket(path.to_owned())),
            (Host::Address(address), _) => Some(TlsPeer::Address(address.to_owned())),
            (Host::Name(""), _) => None,
            (Host::Name(name), port) => {
                let group = self.directive.model().upstream(self.protocol.family(), name);
                let group = group.filter(|_| port.is_none()).map(TlsPeer::Group);
                Some(group.unwrap_or_else(|| TlsPeer::Name(name.to_owned())))
            }
        }
    }
}

/// How targets begin that are reached over TLS.
const TLS_SCHEMES: [&str; 3] = ["https://", "grpcs://", "suwsgi://"];

fn begins_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
}

impl<'m> TlsPass<'m> {
    /// The name of the directive of its module: `proxy_ssl_verify` for
    /// `verify`.
    pub fn name_of(&self, setting: &str) -> String {
        format!("{}_ssl_{setting}", self.target.protocol.prefix())
    }

    /// The value in force of such a directive.
    pub fn effective(&self, setting: &str) -> Effective<'m> {
        self.target.block().effective(&self.name_of(setting))
    }

    /// Whether such a flag is on; none if that is not known.
    pub fn is_on(&self, setting: &str) -> Option<bool> {
        self.target.block().is_on(&self.name_of(setting))
    }

    /// The group whose name nginx takes for that of the server, because no
    /// other one is given, and that is named like no host.
    pub fn misnamed_group(&self) -> Option<Upstream<'m>> {
        if self.effective("name") != Effective::Default {
            return None;
        }
        self.peers.iter().find_map(|peer| match peer {
            TlsPeer::Group(group) if !group.is_named_like_a_host() => Some(*group),
            _ => None,
        })
    }

    /// Whether the certificate is certainly verified. Without somebody to
    /// trust nginx refuses to.
    pub fn is_verified(&self) -> bool {
        self.is_on("verify") == Some(true) && self.effective("trusted_certificate") != Effective::Default
    }
}

/// Whether a name is one of DNS, as far as its spelling says, and known to the
/// whole internet.
pub fn is_public_name(host: Host<'_>) -> bool {
    let Host::Name(name) = host else { return false };
    matches!(kind_of_host_name(name), HostNameKind::Public | HostNameKind::Cloud)
}

impl<'m> Upstream<'m> {
    /// The first of its servers that is a name of the internet.
    pub fn public_name(self) -> Option<&'m str> {
        self.endpoints().find_map(|endpoint| match endpoint.host {
            Host::Name(name) if is_public_name(endpoint.host) => Some(name),
            _ => None,
        })
    }

    /// Whether one of its servers is in the internet.
    pub fn leaves_the_private_network(self) -> bool {
        self.endpoints().any(|endpoint| !is_private(endpoint.host))
    }

    /// Whether its own name can be the name of a server: one of its servers has
    /// it, or it looks like a name of DNS.
    pub fn is_named_like_a_host(self) -> bool {
        let name = self.name();
        let is_it = |host: Host<'_>| matches!(host, Host::Name(own) if own.eq_ignore_ascii_case(name));
        (name.contains('.') && !name.contains('_')) || self.endpoints().any(|endpoint| is_it(endpoint.host))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::catalog::Context;
    use crate::model::{Model, Profile, TlsPeer};
    use crate::tree::{self, Memory, Places};

    fn peers_of(pass: &str) -> Option<Vec<String>> {
        let path = Path::new("nginx.conf");
        let text = format!(
            "http {{ upstream app {{ server 10.0.0.1:443; }} map $host $two {{ default a.example; b b.example; }}
             map $host $mixed {{ default http; b https; }} server {{ location / {{ {pass} }} }} }}"
        );
        let files: Memory = [(path, text)].into_iter().collect();
        let places = Places::of_entry(path, Path::new("/nginx.conf"));
        let tree = tree::load(&files, path, &places).expect("the file is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let tls = model.targets().next().and_then(|target| target.tls())?;
        let text = |peer: &TlsPeer<'_>| match peer {
            TlsPeer::Group(group) => format!("group {}", group.name()),
            TlsPeer::Name(name) => format!("name {name}"),
            TlsPeer::Address(address) => format!("address {address}"),
            TlsPeer::Socket(path) => format!("socket {path}"),
        };
        Some(tls.peers.iter().map(text).collect())
    }

    #[test]
    fn who_is_reached_over_tls_is_known_where_the_configuration_says_it() {
        let table: [(&str, Option<&[&str]>); 12] = [
            ("proxy_pass https://app;", Some(&["group app"])),
            ("proxy_pass https://app:8443;", Some(&["name app"])),
            ("proxy_pass HTTPS://a.example/x;", Some(&["name a.example"])),
            ("proxy_pass https://127.0.0.1:8443;", Some(&["address 127.0.0.1"])),
            ("proxy_pass https://unix:/run/a.sock:/x;", Some(&["socket /run/a.sock"])),
            ("proxy_pass https://$two;", Some(&["name a.example", "name b.example"])),
            ("proxy_pass https://$host;", Some(&[])),
            ("grpc_pass grpcs://app;", Some(&["group app"])),
            ("uwsgi_pass suwsgi://app;", Some(&["group app"])),
            ("proxy_pass http://app;", None),
            ("proxy_pass $mixed://app;", None),
            ("proxy_pass https://${BACKEND};", None),
        ];
        for (pass, expected) in table {
            let expected = expected.map(|peers| peers.iter().map(|peer| (*peer).to_owned()).collect());
            assert_eq!(peers_of(pass), expected, "{pass}");
        }
    }
}
