//! Which listener takes a connection, and which of its servers a request
//! (`ngx_http_init_connection`, `ngx_http_find_virtual_server`).

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use crate::catalog::Family;
use crate::tree::NodeId;

use super::super::server_name::server_name;
use super::super::{Block, BlockId, HostAddress, Listener, Model, NameKind, ServerName, SocketAddress, compile_regex};

/// Why a server was chosen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServerRule {
    /// It is alone on its address: its names are not looked at.
    Only,
    /// One of its names is the host.
    Exact(String),
    /// The longest name with an asterisk in front.
    Leading(String),
    /// The longest name with an asterisk at the end.
    Trailing(String),
    /// The first regular expression that matches.
    Regex(String),
    /// No name fits: it is marked as the default server.
    MarkedDefault,
    /// No name fits: it is the first one on its address.
    FirstDefault,
}

impl<'m> Listener<'m> {
    /// The server that a request for this host gets.
    pub fn server_for(self, host: &str) -> Option<Block<'m>> {
        find_server(self, host.to_ascii_lowercase().as_bytes()).map(|chosen| chosen.server)
    }
}

/// The listener for a connection, and the others that share its port.
pub(super) fn find_listener<'m>(
    model: &'m Model<'m>,
    wanted: Option<&SocketAddress>,
    port: Option<u16>,
) -> (Option<Listener<'m>>, Vec<Listener<'m>>) {
    let all: Vec<Listener<'m>> = model.listeners(Family::Http).filter(|listener| !listener.is_udp()).collect();
    if let Some(wanted) = wanted {
        let exact = all.iter().find(|listener| listener.socket() == wanted);
        let wildcard = all.iter().find(|listener| is_wildcard_for(listener.socket(), wanted));
        return (exact.or(wildcard).copied(), Vec::new());
    }
    let on_port = |listener: &&Listener<'m>| port.is_none_or(|port| listener.socket().port == port);
    let mut candidates: Vec<Listener<'m>> = all.iter().filter(on_port).copied().collect();
    if port.is_none() && candidates.iter().any(|listener| listener.socket().port == 80) {
        candidates.retain(|listener| listener.socket().port == 80);
    }
    let chosen = candidates.iter().position(|listener| is_wildcard(listener.socket())).unwrap_or(0);
    if candidates.is_empty() {
        return (None, all);
    }
    let listener = candidates.remove(chosen);
    (Some(listener), candidates)
}

pub(super) fn is_wildcard(socket: &SocketAddress) -> bool {
    match &socket.host {
        HostAddress::Ipv4(bytes) => *bytes == [0; 4],
        HostAddress::Ipv6(bytes) => *bytes == [0; 16],
        HostAddress::Unix(_) | HostAddress::Name(_) => false,
    }
}

fn is_wildcard_for(socket: &SocketAddress, wanted: &SocketAddress) -> bool {
    let same_family = matches!(
        (&socket.host, &wanted.host),
        (HostAddress::Ipv4(_), HostAddress::Ipv4(_)) | (HostAddress::Ipv6(_), HostAddress::Ipv6(_))
    );
    same_family && is_wildcard(socket) && socket.port == wanted.port
}

/// A server, why, and the name that led to it.
pub(super) struct Chosen<'m> {
    pub(super) server: Block<'m>,
    pub(super) rule: ServerRule,
    pub(super) name: Option<ServerName<'m>>,
}

/// The names of the servers on a listener, as they are looked for. Made once
/// and kept with the listener.
#[derive(Debug)]
pub(in super::super) struct ServerTable {
    names: NameTable<Named>,
    regexes: Vec<Named>,
    /// There is nothing to choose: names are not looked at.
    is_alone: bool,
}

/// A name of a server.
#[derive(Clone, Copy, Debug)]
struct Named {
    server: BlockId,
    /// The directive, and which of its arguments.
    place: Option<(NodeId, usize)>,
}

impl Named {
    fn server<'m>(self, model: &'m Model<'m>) -> Block<'m> {
        model.block(self.server)
    }

    fn name<'m>(self, model: &'m Model<'m>) -> ServerName<'m> {
        let place = self.place.map(|(node, index)| (model.directive(node), index));
        let text = place.and_then(|(directive, index)| directive.argument(index)).unwrap_or_default();
        server_name(place, text)
    }
}

impl ServerTable {
    pub(in super::super) fn of(listener: Listener<'_>) -> ServerTable {
        let servers = listener.servers();
        let captures = |name: &ServerName<'_>| {
            name.kind == NameKind::Regex && regex_of(name).is_some_and(|regex| regex.capture_count() > 0)
        };
        let has_captures = listener.default_server().is_some_and(|server| server.server_names().iter().any(captures));
        let mut table = ServerTable {
            names: NameTable::default(),
            regexes: Vec::new(),
            is_alone: distinct(&servers) < 2 && !has_captures,
        };
        let mut known: FxHashSet<BlockId> = FxHashSet::default();
        for server in servers {
            if table.is_alone || !known.insert(server.id()) {
                continue;
            }
            for name in server.server_names() {
                let place = name.directive.map(|(directive, index)| (directive.id(), index));
                let named = Named { server: server.id(), place };
                if name.kind == NameKind::Regex {
                    table.regexes.push(named);
                } else {
                    table.names.add(name.kind.clone(), name.key().to_owned().into_bytes(), named);
                }
            }
        }
        table
    }
}

/// The server for a host in lower case.
pub(super) fn find_server<'m>(listener: Listener<'m>, host: &[u8]) -> Option<Chosen<'m>> {
    let (table, model) = (listener.server_table(), listener.model());
    let default = listener.default_server()?;
    if table.is_alone {
        return Some(Chosen { server: default, rule: ServerRule::Only, name: None });
    }
    if let Some((found, named)) = table.names.find(host) {
        let name = named.name(model);
        let text = name.text.to_string();
        let rule = match found {
            Found::Exact => ServerRule::Exact(text),
            Found::Leading => ServerRule::Leading(text),
            Found::Trailing => ServerRule::Trailing(text),
        };
        return Some(Chosen { server: named.server(model), rule, name: Some(name) });
    }
    let matching = table
        .regexes
        .iter()
        .map(|named| (named, named.name(model)))
        .find(|(_, name)| !host.is_empty() && regex_of(name).is_some_and(|regex| regex.captures(host).is_some()));
    if let Some((named, name)) = matching {
        let rule = ServerRule::Regex(name.text.to_string());
        return Some(Chosen { server: named.server(model), rule, name: Some(name) });
    }
    let rule = if listener.has_marked_default() { ServerRule::MarkedDefault } else { ServerRule::FirstDefault };
    Some(Chosen { server: default, rule, name: None })
}

fn distinct(servers: &[Block<'_>]) -> usize {
    let mut ids: Vec<_> = servers.iter().map(|server| server.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// Names of servers are compiled without regard to case when they have upper
/// case letters: the host is in lower case.
pub(super) fn regex_of(name: &ServerName<'_>) -> Option<super::super::Regex> {
    let caseless = name.text.bytes().any(|byte| byte.is_ascii_uppercase());
    compile_regex(&name.text, caseless).ok()
}

/// How a name was found in a [`NameTable`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    Exact,
    Leading,
    Trailing,
}

/// Names with wildcards, as nginx files and finds them (`ngx_hash_add_key`,
/// `ngx_hash_find_combined`). Of two that are the same the first counts.
#[derive(Debug)]
pub(super) struct NameTable<T> {
    /// What an exact name leads to; none for the one that a name such as
    /// `.a.example` occupies.
    exact: HashMap<Vec<u8>, Option<usize>>,
    /// Suffixes, and whether the suffix itself is meant, too.
    leading: Vec<(Vec<u8>, bool, usize)>,
    trailing: Vec<(Vec<u8>, usize)>,
    values: Vec<T>,
}

impl<T> Default for NameTable<T> {
    fn default() -> Self {
        NameTable { exact: HashMap::new(), leading: Vec::new(), trailing: Vec::new(), values: Vec::new() }
    }
}

impl<T> NameTable<T> {
    /// Adds a name by its kind and key in lower case; see [`ServerName::key`].
    pub(super) fn add(&mut self, kind: NameKind, key: Vec<u8>, value: T) {
        let index = self.values.len();
        match kind {
            NameKind::Exact => {
                self.exact.entry(key).or_insert(Some(index));
            }
            NameKind::Suffix | NameKind::Leading => {
                let itself = kind == NameKind::Suffix;
                if itself && self.exact.contains_key(&key) {
                    return;
                }
                if itself {
                    self.exact.insert(key.clone(), None);
                }
                if !self.leading.iter().any(|(known, _, _)| *known == key) {
                    self.leading.push((key, itself, index));
                }
            }
            NameKind::Trailing => {
                if !self.trailing.iter().any(|(known, _)| *known == key) {
                    self.trailing.push((key, index));
                }
            }
            NameKind::Regex | NameKind::Misplaced => return,
        }
        self.values.push(value);
    }

    /// Finds what a name in lower case leads to.
    pub(super) fn find(&self, name: &[u8]) -> Option<(Found, &T)> {
        if let Some(Some(index)) = self.exact.get(name) {
            return Some((Found::Exact, &self.values[*index]));
        }
        if name.is_empty() {
            return None;
        }
        let ends = |(key, itself, _): &&(Vec<u8>, bool, usize)| {
            (*itself && name == key.as_slice())
                || name.strip_suffix(key.as_slice()).is_some_and(|rest| rest.len() > 1 && rest.ends_with(b"."))
        };
        if let Some((key, _, index)) = self.leading.iter().filter(ends).max_by_key(|(key, _, _)| key.len()) {
            let found = if name == key.as_slice() { Found::Exact } else { Found::Leading };
            return Some((found, &self.values[*index]));
        }
        // The key of `a.*` is `a.`.
        let begins = |(key, _): &&(Vec<u8>, usize)| name.starts_with(key);
        let (_, index) = self.trailing.iter().filter(begins).max_by_key(|(key, _)| key.len())?;
        Some((Found::Trailing, &self.values[*index]))
    }
}
