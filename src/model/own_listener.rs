//! Where a target meets a listener of the same configuration, and what that
//! listener takes.
//!
//! Only what is certain: an address that is this machine, or one that nginx
//! itself listens on by name.

use crate::catalog::{Family, Version};

use super::address::{HostAddress, SocketAddress, parse_ipv4, parse_ipv6};
use super::host::{HostNameKind, is_loopback, kind_of_host_name};
use super::{Endpoint, Host, Listener, Model};

/// Since this release a port for plain HTTP/2 takes HTTP/1 as well.
const HTTP_1_BESIDE_HTTP_2: Version = Version::new(1, 25, 1);

const FAMILIES: [Family; 3] = [Family::Http, Family::Stream, Family::Mail];

impl<'m> Endpoint<'m> {
    /// The listeners of the same configuration that get the connections to it:
    /// more than one for `localhost`, which is two addresses.
    pub fn own_listeners(self) -> Vec<Listener<'m>> {
        let model = self.directive.model();
        let mut found: Vec<Listener<'m>> = Vec::new();
        let port = if matches!(self.host, Host::Unix(_)) { Some(0) } else { self.port };
        if !FAMILIES.iter().any(|family| port.is_some_and(|port| model.has_listener_port(*family, port))) {
            return found;
        }
        for socket in self.sockets() {
            let exact = FAMILIES.iter().filter_map(|family| model.listener_at(*family, &socket)).next();
            let wildcard =
                || if is_loopback(self.host) || is_any(self.host) { wildcard_for(model, &socket) } else { None };
            found.extend(exact.or_else(wildcard));
        }
        found
    }

    /// The addresses it leads to, as far as its spelling says.
    fn sockets(self) -> Vec<SocketAddress> {
        let loopback = [HostAddress::Ipv4([127, 0, 0, 1]), HostAddress::Ipv6(1_u128.to_be_bytes())];
        if let Host::Unix(path) = self.host {
            return vec![SocketAddress { host: HostAddress::Unix(path.to_owned()), port: 0 }];
        }
        let Some(port) = self.port else { return Vec::new() };
        let hosts = match self.host {
            Host::Name(name) if kind_of_host_name(name) == HostNameKind::Localhost => loopback.to_vec(),
            Host::Address(address) => match parse_host(address) {
                // To connect to "any address" is to connect to this machine.
                Some(HostAddress::Ipv4([0, 0, 0, 0])) => loopback[..1].to_vec(),
                Some(HostAddress::Ipv6(bytes)) if bytes == [0; 16] => loopback[1..].to_vec(),
                host => host.into_iter().collect(),
            },
            Host::Name(_) | Host::Unix(_) => Vec::new(),
        };
        hosts.into_iter().map(|host| SocketAddress { host, port }).collect()
    }
}

fn parse_host(address: &str) -> Option<HostAddress> {
    match address.strip_prefix('[') {
        Some(rest) => parse_ipv6(rest.strip_suffix(']')?).map(HostAddress::Ipv6),
        None => parse_ipv4(address).map(HostAddress::Ipv4),
    }
}

fn is_any(host: Host<'_>) -> bool {
    matches!(host, Host::Address(address) if matches!(
        parse_host(address),
        Some(HostAddress::Ipv4([0, 0, 0, 0]) | HostAddress::Ipv6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    ))
}

/// The listener for all addresses that takes a connection to this machine.
fn wildcard_for<'m>(model: &'m Model<'m>, socket: &SocketAddress) -> Option<Listener<'m>> {
    let (v4, v6) = (HostAddress::Ipv4([0; 4]), HostAddress::Ipv6([0; 16]));
    let find = |host: &HostAddress| {
        let socket = SocketAddress { host: host.clone(), port: socket.port };
        FAMILIES.iter().find_map(|family| model.listener_at(*family, &socket))
    };
    match socket.host {
        HostAddress::Ipv4(_) => find(&v4).or_else(|| find(&v6).filter(|listener| listener.options().takes_ipv4)),
        HostAddress::Ipv6(_) => find(&v6),
        HostAddress::Unix(_) | HostAddress::Name(_) => None,
    }
}

impl Listener<'_> {
    /// Whether it speaks TLS; none when that may be said out of sight.
    pub fn speaks_tls(self) -> Option<bool> {
        if self.options().ssl {
            return Some(true);
        }
        self.is_whole()?;
        // `ssl on`, which nginx took before 1.25.1.
        self.default_server()?.is_on("ssl")
    }

    /// Whether each connection has to begin with the line of the PROXY
    /// protocol; none when that may be said out of sight.
    pub fn wants_proxy_protocol(self) -> Option<bool> {
        if self.options().proxy_protocol {
            return Some(true);
        }
        self.is_whole()?;
        Some(false)
    }

    /// Whether some server of http takes HTTP/2 at it; none when that may be
    /// said out of sight.
    pub fn takes_http2(self) -> Option<bool> {
        let of_servers = self.http2_of_servers();
        if self.options().http2 || of_servers == Some(true) {
            return Some(true);
        }
        self.is_whole()?;
        of_servers
    }

    /// Whether it may be that HTTP/1 is not understood at it: before 1.25.1,
    /// where a port without TLS is for HTTP/2.
    pub fn may_take_http2_alone(self) -> bool {
        self.family() == Family::Http
            && self.options().http2
            && self.speaks_tls() == Some(false)
            && self.model().may_be_before(HTTP_1_BESIDE_HTTP_2)
    }

    /// Something if all that may stand on it was seen.
    fn is_whole(self) -> Option<()> {
        self.model().is_whole(self.family()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::tree::{self, Memory, Places};

    /// What the targets of a configuration meet, and what it takes: `tls`,
    /// `proxy`, `h2`.
    fn met(text: &str) -> Vec<String> {
        let entry = Path::new("/etc/nginx/nginx.conf");
        let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let describe = |listener: &Listener<'_>| {
            let takes = [
                ("tls", listener.speaks_tls()),
                ("proxy", listener.wants_proxy_protocol()),
                ("h2", listener.takes_http2()),
            ];
            let takes: String =
                takes.iter().filter(|(_, it)| *it == Some(true)).map(|(name, _)| format!(" {name}")).collect();
            format!("{}{takes}", listener.socket())
        };
        let endpoints = model.targets().flat_map(|target| target.possible_endpoints());
        let met = |endpoint: Endpoint<'_>| endpoint.own_listeners().iter().map(describe).collect::<Vec<_>>().join(", ");
        endpoints.map(met).collect()
    }

    #[test]
    fn targets_meet_listeners_of_the_same_configuration() {
        let servers = "server { listen 80; listen [::]:80; listen 443 ssl; http2 on; }
            server { listen 127.0.0.1:81 proxy_protocol; listen 10.0.0.1:82 http2; listen unix:/run/a; }
            server { listen 443; listen [::]:83 ipv6only=off; }";
        let table = [
            ("127.0.0.1", "0.0.0.0:80 h2"),
            ("0.0.0.0:80", "0.0.0.0:80 h2"),
            ("localhost:80", "0.0.0.0:80 h2, [::]:80 h2"),
            ("[::1]:80", "[::]:80 h2"),
            ("127.0.0.1:443", "0.0.0.0:443 tls h2"),
            ("127.0.0.1:81", "127.0.0.1:81 proxy"),
            ("127.0.0.2:81", ""),
            ("10.0.0.1:82", "10.0.0.1:82 h2"),
            ("127.0.0.1:83", "[::]:83"),
            ("10.0.0.1:80", ""),
            ("app:80", ""),
            ("unix:/run/a:/x", "unix:/run/a"),
            ("unix:/run/b:/x", ""),
        ];
        for (target, expected) in table {
            let text =
                format!("http {{ {servers} server {{ listen 9; location / {{ proxy_pass http://{target}; }} }} }}");
            assert_eq!(met(&text), [expected], "{target}");
        }
    }
}
