//! What came of connecting to where the configuration leads.

use crate::facts::{Connection, ListeningSocket, Outcome, with_port};

use super::{Directive, Endpoint, Host, Model, PASS_AND_SERVER_NAMES, Seen, Server, Target, is_loopback};

/// So many programs that listen elsewhere are named.
const INSTEAD: usize = 3;

/// Ports below are of services that the system has.
const FIRST_OF_USERS: u16 = 1024;

/// Programs that listen on many machines and that nobody means who passes
/// requests on; nginx itself among them.
const NO_SITES: [&str; 18] = [
    "nginx",
    "sshd",
    "systemd",
    "systemd-resolve",
    "dnsmasq",
    "chronyd",
    "rpcbind",
    "cupsd",
    "master",
    "exim4",
    "dovecot",
    "postgres",
    "mysqld",
    "mariadbd",
    "mongod",
    "redis-server",
    "memcached",
    "containerd",
];

/// A host and port of the configuration, and what came of connecting to each
/// of its addresses.
#[derive(Clone, Debug)]
pub struct Reached<'m> {
    /// The host and port.
    pub endpoint: Endpoint<'m>,
    /// The addresses, as `127.0.0.1:80` or `unix:/run/app.sock`, and what came
    /// of it; those that nobody connected to are left out.
    pub connections: Vec<(String, &'m Connection)>,
    /// Whether all of its addresses are known and were connected to.
    pub is_complete: bool,
}

impl<'m> Reached<'m> {
    /// The addresses with this outcome.
    pub fn with(&self, outcome: Outcome) -> Vec<&str> {
        let connections = self.connections.iter().filter(|(_, connection)| connection.outcome == outcome);
        connections.map(|(address, _)| address.as_str()).collect()
    }

    /// Whether every address has this outcome.
    pub fn all_are(&self, outcome: Outcome) -> bool {
        self.is_complete && self.connections.iter().all(|(_, connection)| connection.outcome == outcome)
    }
}

impl Seen<'_> {
    /// The server of a group, or the target, that it is about.
    pub fn directive(&self) -> Option<Directive<'_>> {
        self.group_server.map(|server| server.directive).or(self.target.map(|target| target.directive))
    }

    /// Whether it is about this server of a group or target.
    pub fn is_about(&self, directive: Directive<'_>) -> bool {
        self.directive().is_some_and(|own| own.id() == directive.id())
    }
}

impl<'t> Model<'t> {
    /// Where requests are passed to: each `server` of a group that is not
    /// down, and each target that names a host itself.
    pub fn passed_to(&self) -> impl Iterator<Item = Endpoint<'_>> {
        self.directives_named(&PASS_AND_SERVER_NAMES).filter_map(endpoint_of)
    }

    /// Where requests are passed to, and what came of connecting there: each
    /// `server` of a group that is not down, and each target that names a host
    /// itself. What nobody connected to is left out, and everything if nobody
    /// looked.
    pub fn reached(&self) -> Vec<Reached<'_>> {
        if self.facts().is_none() {
            return Vec::new();
        }
        self.passed_to().filter_map(|endpoint| self.reached_at(endpoint)).collect()
    }

    /// What the log and the facts call a host and port: its addresses, when
    /// nginx starts or, of a server with `resolve`, as name servers answer.
    /// None for a name that was not resolved.
    pub fn addresses_of(&self, endpoint: Endpoint<'_>) -> Option<Vec<String>> {
        let addresses = match endpoint.host {
            Host::Unix(path) => return Some(vec![format!("unix:{path}")]),
            Host::Address(host) => return Some(vec![format!("{host}:{}", endpoint.port?)]),
            Host::Name(name) if (Server { directive: endpoint.directive }).is_resolved_again() => {
                let answers =
                    self.facts()?.questions.iter().filter(|question| question.name.eq_ignore_ascii_case(name));
                let addresses = answers.flat_map(|question| &question.addresses);
                addresses.map(|address| endpoint.port.map(|port| with_port(address, port))).collect::<Option<_>>()?
            }
            Host::Name(name) => self.facts()?.addresses_of(name, endpoint.port?)?,
        };
        (!addresses.is_empty()).then_some(addresses)
    }

    pub(super) fn reached_at<'m>(&'m self, endpoint: Endpoint<'m>) -> Option<Reached<'m>> {
        let facts = self.facts()?;
        let addresses = self.addresses_of(endpoint)?;
        let count = addresses.len();
        let connected = addresses.into_iter().filter_map(|address| {
            let connection = facts.connections.get(&address)?;
            Some((address, connection))
        });
        let connections: Vec<(String, &Connection)> = connected.collect();
        let is_complete = connections.len() == count;
        (!connections.is_empty()).then_some(Reached { endpoint, connections, is_complete })
    }

    /// Programs of this machine that listen where somebody who wrote this
    /// address could have meant, those with the most similar port first: none
    /// of nginx, none that the configuration names elsewhere.
    pub fn listening_instead(&self, endpoint: Endpoint<'_>) -> Vec<&ListeningSocket> {
        let (Some(facts), Some(port), true) = (self.facts(), endpoint.port, is_loopback(endpoint.host)) else {
            return Vec::new();
        };
        let named: Vec<u16> = self.passed_to().filter_map(|other| other.port).collect();
        let mut found: Vec<(u16, u32, &ListeningSocket)> = Vec::new();
        for socket in facts.listening.iter().flatten().filter(|socket| !socket.udp) {
            let Some((host, own)) = socket.address.rsplit_once(':') else { continue };
            let Ok(own) = own.parse::<u16>() else { continue };
            let is_near = matches!(host, "127.0.0.1" | "0.0.0.0" | "[::1]" | "[::]");
            let is_reserved = own < FIRST_OF_USERS && port >= FIRST_OF_USERS;
            let is_other = socket.process.as_deref().is_some_and(|process| NO_SITES.contains(&process));
            let is_known = found.iter().any(|(known, _, _)| *known == own);
            if is_near && !is_reserved && !is_other && !named.contains(&own) && !is_known {
                found.push((own, distance(port, own), socket));
            }
        }
        found.sort_by_key(|(_, distance, socket)| (*distance, socket.address.clone()));
        found.into_iter().take(INSTEAD).map(|(_, _, socket)| socket).collect()
    }
}

/// Ports that differ by so much at most look alike.
const ALIKE: u16 = 10;

impl Model<'_> {
    /// Whether a program of this machine listens on a port that looks like
    /// this one: most likely it is meant.
    pub fn listens_close_by(&self, endpoint: Endpoint<'_>) -> bool {
        let port_of =
            |socket: &&ListeningSocket| socket.address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let first: Option<u16> = self.listening_instead(endpoint).iter().find_map(port_of);
        let is_alike = |one: u16, other: u16| one.abs_diff(other) <= ALIKE || digits_between(one, other) == 1;
        endpoint.port.zip(first).is_some_and(|(one, other)| is_alike(one, other))
    }

    /// Whether nginx runs in a container: somebody looked, or says so.
    pub fn is_in_container(&self) -> bool {
        let seen = self.facts().and_then(|facts| facts.machine.container.as_deref());
        seen.map_or(self.surroundings().container, |container| !container.is_empty())
    }
}

impl Host<'_> {
    /// Whether it is the name of this machine to itself.
    pub fn is_localhost(self) -> bool {
        matches!(self, Host::Name(name) if name.eq_ignore_ascii_case("localhost"))
    }
}

/// Where a target, or a server of a group that is not down, leads to.
pub(super) fn endpoint_of(directive: Directive<'_>) -> Option<Endpoint<'_>> {
    match Target::of(directive) {
        Some(target) => target.own_endpoint(),
        None => {
            let server = Server { directive };
            server.endpoint().filter(|_| server.is_in_group() && !server.is_down())
        }
    }
}

/// How much two ports differ to the eye: in how many digits, and by how much.
fn distance(one: u16, other: u16) -> u32 {
    digits_between(one, other) * 100_000 + u32::from(one.abs_diff(other))
}

fn digits_between(one: u16, other: u16) -> u32 {
    let (left, right) = (format!("{one:05}"), format!("{other:05}"));
    left.bytes().zip(right.bytes()).filter(|(a, b)| a != b).count() as u32
}
