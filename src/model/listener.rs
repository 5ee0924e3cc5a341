//! What nginx listens on: every address and port of `http {}`, `stream {}` and
//! `mail {}`, and the servers that share it, in the order of the configuration.
//!
//! Addresses are compared as nginx does: `80`, `*:80` and `0.0.0.0:80` are one,
//! `[::]:80` is another, and so is the same port for UDP. Names are not
//! resolved: a `listen` with one leads nowhere here.

use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{Context, Family};
use crate::tree::NodeId;

use super::address::{Address, AddressForm, HostAddress, SocketAddress, parse_address};
use super::directive::has_placeholder;
use super::route::ServerTable;
use super::{Block, BlockId, Directive, Kind, Model};

/// More sockets than this no machine can open; ranges of ports that lead
/// beyond it are not followed.
const MOST_SOCKETS: usize = 100_000;

/// An address and port that nginx listens on.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'m> {
    model: &'m Model<'m>,
    data: &'m ListenerData,
}

/// A server on a [`Listener`], and the `listen` that put it there.
#[derive(Clone, Copy, Debug)]
pub struct Listening<'m> {
    /// The server.
    pub server: Block<'m>,
    /// The directive; none for the address of a server that has none.
    pub directive: Option<Directive<'m>>,
}

/// The parameters of a `listen` that matter to other servers on its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ListenOptions {
    /// `default_server`.
    pub default_server: bool,
    /// It asks for a socket of its own: `bind`, and all that says something
    /// about the socket.
    pub own_socket: bool,
    /// `ssl`.
    pub ssl: bool,
    /// `http2`.
    pub http2: bool,
    /// `proxy_protocol`.
    pub proxy_protocol: bool,
    /// `udp`, or `quic`.
    pub udp: bool,
    /// `ipv6only=off`.
    pub takes_ipv4: bool,
}

/// Parameters that say something about the socket.
const OF_SOCKET: [&str; 4] = ["bind", "deferred", "reuseport", "multipath"];

/// How others of them begin.
const OF_SOCKET_WITH_VALUE: [&str; 7] =
    ["backlog=", "rcvbuf=", "sndbuf=", "fastopen=", "setfib=", "ipv6only=o", "so_keepalive="];

/// Whether a parameter of `listen` says something about the socket: only one
/// `listen` of an address may have such.
pub fn is_of_socket(parameter: &str) -> bool {
    OF_SOCKET.contains(&parameter) || OF_SOCKET_WITH_VALUE.iter().any(|start| parameter.starts_with(start))
}

impl ListenOptions {
    /// Those of a directive.
    pub fn of(directive: Directive<'_>) -> ListenOptions {
        let mut options = ListenOptions::default();
        for parameter in directive.arguments().skip(1) {
            match parameter {
                "default_server" | "default" => options.default_server = true,
                "ssl" => options.ssl = true,
                "http2" => options.http2 = true,
                "proxy_protocol" => options.proxy_protocol = true,
                "udp" | "quic" => options.udp = true,
                _ => {
                    options.own_socket |= is_of_socket(parameter);
                    options.takes_ipv4 |= parameter == "ipv6only=off";
                }
            }
        }
        options
    }

    fn add(&mut self, other: ListenOptions) {
        self.default_server |= other.default_server;
        self.own_socket |= other.own_socket;
        self.ssl |= other.ssl;
        self.http2 |= other.http2;
        self.proxy_protocol |= other.proxy_protocol;
        self.udp |= other.udp;
        self.takes_ipv4 |= other.takes_ipv4;
    }
}

/// How the address of a `listen` is read.
pub fn listen_form(family: Family) -> AddressForm {
    let default_port = if family == Family::Http { 80 } else { 0 };
    AddressForm { listen: true, uri: false, default_port }
}

/// The family of a block that `listen` may stand in.
pub fn family_of_server(block: Block<'_>) -> Option<Family> {
    match block.kind() {
        Kind::Directives(Context::Server) => Some(Family::Http),
        Kind::Directives(Context::StreamServer) => Some(Family::Stream),
        Kind::Directives(Context::MailServer) => Some(Family::Mail),
        _ => None,
    }
}

/// The context of the servers of a family.
fn context_of_servers(family: Family) -> Option<Context> {
    match family {
        Family::Http => Some(Context::Server),
        Family::Stream => Some(Context::StreamServer),
        Family::Mail => Some(Context::MailServer),
        _ => None,
    }
}

impl<'m> Listener<'m> {
    /// The address and port.
    pub fn socket(self) -> &'m SocketAddress {
        &self.data.socket
    }

    /// `http`, `stream` or `mail`.
    pub fn family(self) -> Family {
        self.data.family
    }

    /// Whether it is for datagrams: `udp`, or `quic`.
    pub fn is_udp(self) -> bool {
        self.data.udp
    }

    /// Whether it is for every address of the machine.
    pub fn is_wildcard(self) -> bool {
        match &self.data.socket.host {
            HostAddress::Ipv4(bytes) => *bytes == [0; 4],
            HostAddress::Ipv6(bytes) => *bytes == [0; 16],
            HostAddress::Unix(_) | HostAddress::Name(_) => false,
        }
    }

    /// What some `listen` of it says: nginx keeps it for all servers on it.
    pub fn options(self) -> ListenOptions {
        self.data.options
    }

    /// Whether some `listen` asks for a socket of its own.
    pub fn has_own_socket(self) -> bool {
        self.data.options.own_socket
    }

    /// Whether some server of http takes HTTP/2 at it, where all of it was
    /// seen.
    pub(super) fn http2_of_servers(self) -> Option<bool> {
        *self.data.http2.get_or_init(|| {
            let servers = self.servers();
            let says = |wanted: bool| move |server: &Block<'_>| server.is_on("http2") == Some(wanted);
            if servers.iter().any(says(true)) { Some(true) } else { servers.iter().all(says(false)).then_some(false) }
        })
    }

    /// The names of its servers, as they are looked for.
    pub(super) fn server_table(self) -> &'m ServerTable {
        self.data.names.get_or_init(|| ServerTable::of(self))
    }

    /// Whether its default server is marked so.
    pub fn has_marked_default(self) -> bool {
        self.data.marked.is_some()
    }

    /// The configuration it belongs to.
    pub fn model(self) -> &'m Model<'m> {
        self.model
    }

    /// What nginx calls a port: kind of address, number, and whether it is for
    /// datagrams.
    pub fn port(self) -> (u8, u16, bool) {
        let kind = match &self.data.socket.host {
            HostAddress::Ipv4(_) => 4,
            HostAddress::Ipv6(_) => 6,
            HostAddress::Unix(_) | HostAddress::Name(_) => 0,
        };
        (kind, self.data.socket.port, self.data.udp)
    }

    /// The servers on it, in order; a server that has the address twice comes
    /// twice.
    pub fn listenings(self) -> impl Iterator<Item = Listening<'m>> {
        self.data.listenings.iter().map(move |(server, node)| Listening {
            server: self.model.block(*server),
            directive: (*node != NodeId::NONE).then(|| self.model.directive(*node)),
        })
    }

    /// The servers on it, in order, each once.
    pub fn servers(self) -> Vec<Block<'m>> {
        let mut servers: Vec<Block<'m>> = self.listenings().map(|listening| listening.server).collect();
        servers.dedup();
        servers
    }

    /// The server that gets what fits no name: the one marked so, else the
    /// first.
    pub fn default_server(self) -> Option<Block<'m>> {
        let (server, _) = self.data.listenings.get(self.data.marked.unwrap_or(0))?;
        Some(self.model.block(*server))
    }
}

#[derive(Debug)]
struct ListenerData {
    family: Family,
    socket: SocketAddress,
    udp: bool,
    listenings: Vec<(BlockId, NodeId)>,
    /// What some `listen` of it says: nginx keeps it for all.
    options: ListenOptions,
    /// The first of `listenings` that is marked as the default server.
    marked: Option<usize>,
    http2: OnceLock<Option<bool>>,
    names: OnceLock<ServerTable>,
}

impl ListenerData {
    fn new(family: Family, socket: SocketAddress, udp: bool) -> ListenerData {
        ListenerData {
            family,
            socket,
            udp,
            listenings: Vec::new(),
            options: ListenOptions::default(),
            marked: None,
            http2: OnceLock::new(),
            names: OnceLock::new(),
        }
    }
}

/// What one family listens on.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    list: Vec<ListenerData>,
    /// Whether some address is not known.
    incomplete: bool,
    /// Where in `list` an address and port is, for datagrams or not.
    by_socket: FxHashMap<(SocketAddress, bool), usize>,
    /// The ports of all of them; 0 stands for sockets.
    ports: FxHashSet<u16>,
}

impl<'t> Model<'t> {
    /// What `http {}`, `stream {}` or `mail {}` listens on, in order.
    pub fn listeners(&self, family: Family) -> impl Iterator<Item = Listener<'_>> {
        let listeners = self.listeners_of(family);
        listeners.list.iter().map(|data| Listener { model: self, data })
    }

    /// The same as nginx goes through them once it has read all: port by port
    /// in the order of the configuration, and of a port first those with a
    /// socket of their own, and last the one for every address.
    pub fn listeners_by_port(&self, family: Family) -> Vec<Listener<'_>> {
        let mut ports: FxHashMap<(u8, u16, bool), usize> = FxHashMap::default();
        let mut listeners: Vec<Listener<'_>> = self.listeners(family).collect();
        for listener in &listeners {
            let next = ports.len();
            ports.entry(listener.port()).or_insert(next);
        }
        let order = |listener: &Listener<'_>| {
            (ports.get(&listener.port()).copied(), listener.is_wildcard(), !listener.has_own_socket())
        };
        listeners.sort_by_cached_key(order);
        listeners
    }

    /// Whether [`Model::listeners`] are all there are: no address is a name, a
    /// placeholder or out of sight.
    pub fn knows_all_listeners(&self, family: Family) -> bool {
        self.is_whole(family) && !self.listeners_of(family).incomplete
    }

    /// The `server` blocks of a family, in order.
    pub fn servers(&self, family: Family) -> impl Iterator<Item = Block<'_>> {
        let context = context_of_servers(family);
        self.blocks().filter(move |block| context.is_some_and(|context| block.is(context)) && is_in_place(*block))
    }

    fn listeners_of(&self, family: Family) -> &Listeners {
        let index = match family {
            Family::Stream => 1,
            Family::Mail => 2,
            _ => 0,
        };
        self.listeners[index].get_or_init(|| self.find_listeners(family))
    }

    fn find_listeners(&self, family: Family) -> Listeners {
        let mut gatherer = Gatherer::default();
        for server in self.servers(family) {
            let mut has_listen = false;
            for directive in server.directives("listen") {
                has_listen = true;
                gatherer.add_directive(server, directive, family);
            }
            if has_listen || family != Family::Http {
                continue;
            }
            if server.is_unseen_for("listen") {
                gatherer.listeners.incomplete = true;
            } else {
                // Started by anyone but root, nginx takes *:8000.
                let socket = SocketAddress { host: HostAddress::Ipv4([0; 4]), port: 80 };
                gatherer.add(family, socket, ListenOptions::default(), server, NodeId::NONE);
            }
        }
        gatherer.listeners
    }

    /// Whether something is listened on at this port, or, for 0, at some
    /// socket.
    pub(super) fn has_listener_port(&self, family: Family, port: u16) -> bool {
        self.listeners_of(family).ports.contains(&port)
    }

    /// What takes TCP connections to this address and port, of one family.
    pub fn listener_at(&self, family: Family, socket: &SocketAddress) -> Option<Listener<'_>> {
        let listeners = self.listeners_of(family);
        let index = *listeners.by_socket.get(&(socket.clone(), false))?;
        Some(Listener { model: self, data: &listeners.list[index] })
    }

    /// What a server takes TCP connections at; none when that is not known.
    pub fn listeners_of_server<'m>(&'m self, server: Block<'m>) -> Option<Vec<Listener<'m>>> {
        let family = family_of_server(server).filter(|_| !server.is_unseen_for("listen"))?;
        let mut found = Vec::new();
        for directive in server.directives("listen").filter(|directive| !ListenOptions::of(*directive).udp) {
            let address = known_address(directive, family)?;
            for port in address.port..=address.last_port {
                found.extend(address.socket(port).and_then(|socket| self.listener_at(family, &socket)));
            }
        }
        if server.directive("listen").is_none() {
            let socket = SocketAddress { host: HostAddress::Ipv4([0; 4]), port: 80 };
            found.extend(self.listener_at(family, &socket));
        }
        Some(found)
    }
}

/// A block of a directive that stands where it does not belong is no server.
fn is_in_place(block: Block<'_>) -> bool {
    block.head().is_none_or(|head| head.definition().is_some())
}

#[derive(Default)]
struct Gatherer {
    listeners: Listeners,
    sockets: usize,
}

impl Gatherer {
    fn add_directive(&mut self, server: Block<'_>, directive: Directive<'_>, family: Family) {
        let Some(address) = known_address(directive, family) else {
            self.listeners.incomplete = true;
            return;
        };
        self.sockets += usize::from(address.last_port - address.port) + 1;
        if self.sockets > MOST_SOCKETS {
            self.listeners.incomplete = true;
            return;
        }
        let options = ListenOptions::of(directive);
        for port in address.port..=address.last_port {
            if let Some(socket) = address.socket(port) {
                self.add(family, socket, options, server, directive.id());
            }
        }
    }

    fn add(&mut self, family: Family, socket: SocketAddress, options: ListenOptions, server: Block<'_>, node: NodeId) {
        let next = self.listeners.list.len();
        let index = *self.listeners.by_socket.entry((socket.clone(), options.udp)).or_insert(next);
        if index == next {
            self.listeners.ports.insert(socket.port);
            self.listeners.list.push(ListenerData::new(family, socket, options.udp));
        }
        let listener = &mut self.listeners.list[index];
        if options.default_server && listener.marked.is_none() {
            listener.marked = Some(listener.listenings.len());
        }
        listener.options.add(options);
        listener.listenings.push((server.id(), node));
    }
}

/// The address of a `listen`, if the text alone says which it is.
fn known_address<'m>(directive: Directive<'m>, family: Family) -> Option<Address<'m>> {
    let text = directive.argument(0).filter(|text| !has_placeholder(text))?;
    parse_address(text, listen_form(family)).ok().filter(|address| !address.is_name())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Profile;
    use super::*;
    use crate::tree::{self, Memory, Places};

    /// What a configuration listens on: for each address the first names of
    /// its servers, the default one in brackets.
    fn listeners(text: &str, family: Family) -> Vec<String> {
        let entry = Path::new("/etc/nginx/nginx.conf");
        let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let describe = |listener: Listener<'_>| {
            let default = listener.default_server();
            let name = |server: &Block<'_>| {
                let name = server.server_names().first().map(|name| name.text.to_string()).unwrap_or_default();
                if default == Some(*server) { format!("[{name}]") } else { name }
            };
            let names: Vec<String> = listener.servers().iter().map(name).collect();
            format!("{}{} {}", listener.socket(), if listener.is_udp() { " udp" } else { "" }, names.join(" "))
        };
        model.listeners(family).map(describe).collect()
    }

    #[test]
    fn servers_are_gathered_by_address() {
        let http = "http { server { server_name a; } server { listen 80; listen 443 quic; server_name b; }
            server { listen *:80 default_server; listen [::]:80; listen 443; server_name c; }
            server { listen 127.0.0.1:8000-8001; listen unix:/run/a; listen name:80; listen ${PORT}; server_name d; } }";
        let stream = "stream { server { listen 53 udp; listen 53; server_name a; } server { server_name b; } }";
        let table = [
            (
                http,
                Family::Http,
                vec![
                    "0.0.0.0:80 a b [c]",
                    "0.0.0.0:443 udp [b]",
                    "[::]:80 [c]",
                    "0.0.0.0:443 [c]",
                    "127.0.0.1:8000 [d]",
                    "127.0.0.1:8001 [d]",
                    "unix:/run/a [d]",
                ],
            ),
            (stream, Family::Stream, vec!["0.0.0.0:53 udp [a]", "0.0.0.0:53 [a]"]),
            (http, Family::Mail, vec![]),
        ];
        for (text, family, expected) in table {
            assert_eq!(listeners(text, family), expected, "{text}");
        }
    }
}
