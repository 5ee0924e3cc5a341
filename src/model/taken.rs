//! Addresses that nginx is to listen on and that another program has.

use crate::catalog::Family;
use crate::facts::{ListeningSocket, Nginx};

use super::{AddressForm, HostAddress, Listener, Model, parse_address};

/// Programs that hold ports of this machine for containers. An nginx in one of
/// them may be the one that is meant.
const FOR_CONTAINERS: [&str; 5] = ["docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta"];

/// An address of the configuration, and the socket in its way.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'m> {
    /// What nginx is to listen on.
    pub listener: Listener<'m>,
    /// What another program listens on.
    pub socket: &'m ListeningSocket,
}

impl Model<'_> {
    /// The addresses that nginx could not listen on if it were started, or
    /// reloaded, now.
    pub fn taken_listeners(&self) -> Vec<Taken<'_>> {
        let Some(facts) = self.facts() else { return Vec::new() };
        let (Some(runs), Some(listening)) = (facts.nginx.runs, facts.listening.as_deref()) else {
            return Vec::new();
        };
        let families = [Family::Http, Family::Stream, Family::Mail];
        let listeners = families.into_iter().flat_map(|family| self.listeners(family));
        let taken = listeners.filter_map(|listener| {
            let mut in_the_way = listening.iter().filter(|socket| is_in_the_way(listener, socket));
            let own = listening.iter().any(|socket| is_of(&facts.nginx, socket) && is_in_the_way(listener, socket));
            let other = in_the_way.find(|socket| is_known_as_other(&facts.nginx, socket, runs))?;
            (!own).then_some(Taken { listener, socket: other })
        });
        taken.collect()
    }
}

/// Whether a socket belongs to nginx.
fn is_of(nginx: &Nginx, socket: &ListeningSocket) -> bool {
    let processes = nginx.master.iter().chain(&nginx.workers);
    let is_named = socket.process.as_deref().is_some_and(|name| name.starts_with("nginx"));
    is_named || processes.into_iter().any(|process| process.pid != 0 && socket.pid == Some(process.pid))
}

fn is_known_as_other(nginx: &Nginx, socket: &ListeningSocket, runs: bool) -> bool {
    match socket.process.as_deref() {
        _ if is_of(nginx, socket) => false,
        // Whose it is could not be seen; of an nginx that runs it may be.
        None => !runs,
        Some(name) => nginx.unit.is_some() || !FOR_CONTAINERS.contains(&name),
    }
}

/// Whether nginx cannot have its address while this socket is there.
fn is_in_the_way(listener: Listener<'_>, socket: &ListeningSocket) -> bool {
    let form = AddressForm { listen: true, uri: false, default_port: 0 };
    let Ok(other) = parse_address(&socket.address, form) else { return false };
    let (_, port, udp) = listener.port();
    let is_same_port = udp == socket.udp && port != 0 && port == other.port;
    let both_kinds = socket.only_ipv6 != Some(true);
    is_same_port && collide(&listener.socket().host, listener.options().takes_ipv4, &other.kind, both_kinds)
}

/// As the kernel decides it for sockets that listen. One on `[::]` takes IPv4
/// as well, unless it is told not to, as nginx tells its own.
fn collide(own: &HostAddress, takes_ipv4: bool, other: &HostAddress, other_takes_ipv4: bool) -> bool {
    match (own, other) {
        (HostAddress::Ipv4(own), HostAddress::Ipv4(other)) => own == other || *own == [0; 4] || *other == [0; 4],
        (HostAddress::Ipv6(own), HostAddress::Ipv6(other)) => own == other || *own == [0; 16] || *other == [0; 16],
        (HostAddress::Ipv4(_), HostAddress::Ipv6(other)) => *other == [0; 16] && other_takes_ipv4,
        (HostAddress::Ipv6(own), HostAddress::Ipv4(_)) => *own == [0; 16] && takes_ipv4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Facts, Process, Unit};
    use crate::tree::{self, Memory, Places};

    fn taken(listen: &str, sockets: &[(&str, Option<&str>)], runs: Option<bool>, has_unit: bool) -> bool {
        let text = format!("events {{}} http {{ server {{ listen {listen}; }} }}");
        let entry = Path::new("/etc/nginx/nginx.conf");
        let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let socket = |(address, process): &(&str, Option<&str>)| ListeningSocket {
            address: (*address).to_owned(),
            process: process.map(str::to_owned),
            ..ListeningSocket::default()
        };
        let mut facts = Facts { listening: Some(sockets.iter().map(socket).collect()), ..Facts::default() };
        facts.nginx.runs = runs;
        facts.nginx.master = Some(Process { pid: 7, ..Process::default() });
        facts.nginx.unit = has_unit.then(Unit::default);
        let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
        !Model::new(&tree, Context::Main, profile).taken_listeners().is_empty()
    }

    #[test]
    fn addresses_are_in_the_way_of_each_other() {
        let table = [
            ("80", "0.0.0.0:80", true),
            ("80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("80", "0.0.0.0:8080", false),
            ("80", "[::]:80", true),
            ("80", "[::1]:80", false),
            ("[::]:80", "0.0.0.0:80", false),
            ("[::]:80 ipv6only=off", "127.0.0.1:80", true),
            ("[::1]:80", "[::]:80", true),
            ("443 quic", "0.0.0.0:443", false),
            ("unix:/run/a", "unix:/run/a", false),
        ];
        for (listen, other, expected) in table {
            assert_eq!(taken(listen, &[(other, Some("apache2"))], Some(false), true), expected, "{listen} {other}");
        }
    }

    #[test]
    fn only_another_program_is_in_the_way() {
        let apache = ("0.0.0.0:80", Some("apache2"));
        let nginx = ("0.0.0.0:80", Some("nginx"));
        let somebody = ("0.0.0.0:80", None);
        let container = ("0.0.0.0:80", Some("docker-proxy"));
        let table = [
            (vec![apache], Some(true), true, true),
            (vec![apache], None, true, false),
            (vec![nginx], Some(true), true, false),
            (vec![apache, nginx], Some(true), true, false),
            (vec![somebody], Some(true), true, false),
            (vec![somebody], Some(false), true, true),
            (vec![container], Some(false), true, true),
            (vec![container], Some(false), false, false),
        ];
        for (sockets, runs, has_unit, expected) in table {
            assert_eq!(taken("80", &sockets, runs, has_unit), expected, "{sockets:?} {runs:?}");
        }
    }
}
