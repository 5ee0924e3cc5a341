//! What the log says, taken back to the lines of the configuration: the
//! server that took the requests, the location, the target, the server of the
//! group that they were passed to.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::facts::{Evidence, Facts, Signature, Tally};
use crate::tree::NodeId;

use super::{
    Block, BlockId, Endpoint, Host, Listener, Model, Place, Server, Target, Upstream, listen_form, parse_address,
};

/// So many of the requests that a message names are looked up.
const REQUESTS: usize = 8;

/// So many clients and requests are kept of those that come together.
const TALLIES: usize = 5;

/// Messages of the log about one place of the configuration, or the same
/// without a place.
#[derive(Clone, Debug)]
pub struct Seen<'m> {
    pub(super) model: &'m Model<'m>,
    /// Which message.
    pub signature: Signature,
    /// What of it differs from others of its kind.
    pub detail: Option<&'m str>,
    /// The address, or group, that the requests were passed to, without the
    /// scheme.
    pub peer: Option<&'m str>,
    /// So often.
    pub count: u64,
    /// When first and last, as the log has it.
    pub first: &'m str,
    /// See there.
    pub last: &'m str,
    /// The clients with most of them, at most five.
    pub clients: Vec<Tally>,
    /// The requests with most of them, at most five.
    pub requests: Vec<Tally>,
    /// The `server {}` that took the requests.
    pub server: Option<Block<'m>>,
    /// The innermost block that the requests came to, or that server.
    pub location: Option<Block<'m>>,
    /// The directive that passed them on.
    pub target: Option<Target<'m>>,
    /// The group that they were passed to.
    pub upstream: Option<Upstream<'m>>,
    /// Its server, when it is only one.
    pub group_server: Option<Server<'m>>,
    /// The address that took the connections, where the log names it instead
    /// of a server: what is said before a request, and all of `stream {}`.
    pub listener: Option<Listener<'m>>,
    /// One of the lines.
    pub sample: &'m str,
}

impl<'m> Seen<'m> {
    /// The place to look at first: the server of the group, the target, the
    /// location, the server, else the configuration as a whole.
    pub fn place(&self) -> Place {
        if let Some(server) = self.group_server {
            return server.directive.place_of_argument(0);
        }
        match self.target {
            Some(target) => target.directive.place_of_argument(0),
            None => self.place_of_block(),
        }
    }

    /// The head of the location, of the server, or the beginning of the
    /// configuration.
    pub fn place_of_block(&self) -> Place {
        let block = self.location.or(self.server);
        match block.and_then(|block| block.head()) {
            Some(head) => head.place(),
            None => self.model.place_of_configuration(),
        }
    }

    /// The block that decides which settings are in force for these requests.
    pub fn block(&self) -> Option<Block<'m>> {
        self.target.map(Target::block).or(self.location).or(self.server)
    }
}

/// Where the requests of a message went, as far as that can be told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
struct Way {
    server: Option<BlockId>,
    location: Option<BlockId>,
    target: Option<NodeId>,
    group_server: Option<NodeId>,
    /// The first `listen` of the address that the log names.
    listen: Option<NodeId>,
}

/// What messages have in common that are shown as one: where they lead, which
/// they are, their detail and their peer.
type Common<'e> = (Way, Signature, Option<&'e str>, Option<&'e str>);

/// Where the names and addresses of the log lead to.
#[derive(Debug, Default)]
pub(super) struct EvidenceIndex {
    /// By address, or name of a group, in lower case.
    peers: FxHashMap<String, Vec<Way>>,
    /// By the port alone, for names that were not resolved.
    unresolved: FxHashMap<String, Vec<Way>>,
    /// Servers by their first name in lower case, of `stream {}` by address.
    servers: FxHashMap<String, Vec<BlockId>>,
}

impl<'t> Model<'t> {
    /// What was seen of the machine and its logs; none when nobody looked.
    pub fn facts(&self) -> Option<&Facts> {
        self.profile().facts.as_deref()
    }

    /// The first line of the configuration, for what is about no line of it.
    pub fn place_of_configuration(&self) -> Place {
        let first = self.main().statements().into_iter().next();
        first.map_or_else(
            || self.place_in_file(crate::source::FileId(0), crate::source::Span { start: 0, end: 0 }),
            |first| first.place(),
        )
    }

    /// What the log says with these messages, by place; what was seen most
    /// often first.
    pub fn seen(&self, signatures: &[Signature]) -> Vec<Seen<'_>> {
        let Some(log) = self.facts().and_then(|facts| facts.log.as_ref()) else { return Vec::new() };
        let mut groups: FxHashMap<Common<'_>, Vec<&Evidence>> = FxHashMap::default();
        for evidence in log.seen.iter().filter(|evidence| signatures.contains(&evidence.signature)) {
            let way = Way { listen: self.listen_called(evidence.server.as_deref()), ..self.way_of(evidence) };
            // What a target or a server of a group was called on the wire is
            // told by its line.
            let key = (way, evidence.signature, evidence.detail.as_deref(), evidence.peer.as_deref());
            groups.entry(key).or_default().push(evidence);
        }
        let mut seen: Vec<Seen<'_>> = groups.into_iter().map(|((way, ..), group)| self.together(way, &group)).collect();
        seen.sort_by(|a, b| (b.count, a.first, a.peer, a.detail).cmp(&(a.count, b.first, b.peer, b.detail)));
        seen
    }

    fn together<'m>(&'m self, way: Way, group: &[&'m Evidence]) -> Seen<'m> {
        let one = group[0];
        let target = way.target.and_then(|id| Target::of(self.directive(id)));
        let group_server = way.group_server.map(|id| Server { directive: self.directive(id) });
        Seen {
            model: self,
            signature: one.signature,
            detail: one.detail.as_deref(),
            peer: one.peer.as_deref(),
            count: group.iter().fold(0, |sum, evidence| sum.saturating_add(evidence.count)),
            first: group.iter().map(|evidence| evidence.first.as_str()).min().unwrap_or_default(),
            last: group.iter().map(|evidence| evidence.last.as_str()).max().unwrap_or_default(),
            clients: most(group.iter().flat_map(|evidence| &evidence.clients)),
            requests: most(group.iter().flat_map(|evidence| &evidence.requests)),
            server: way.server.map(|id| self.block(id)),
            location: way.location.map(|id| self.block(id)),
            target,
            upstream: match group_server {
                Some(server) => Some(Upstream { block: server.directive.parent() }),
                None => target.and_then(|target| self.group_of(target, one.peer.as_deref())),
            },
            group_server,
            listener: one.server.as_deref().and_then(|address| self.listener_called(address)),
            sample: &one.sample,
        }
    }

    /// The listener with this address, as the log writes it.
    fn listener_called(&self, address: &str) -> Option<Listener<'_>> {
        [Family::Http, Family::Stream, Family::Mail].into_iter().find_map(|family| {
            let parsed = parse_address(address, listen_form(family)).ok()?;
            let is_name = !parsed.has_port && !address.starts_with("unix:");
            self.listener_at(family, &parsed.socket(parsed.port)?).filter(|_| !is_name)
        })
    }

    fn listen_called(&self, address: Option<&str>) -> Option<NodeId> {
        let listener = self.listener_called(address?)?;
        listener.listenings().find_map(|listening| listening.directive).map(|listen| listen.id())
    }

    /// The group that a target passes to, where variables choose one that the
    /// log names.
    fn group_of<'m>(&'m self, target: Target<'m>, peer: Option<&str>) -> Option<Upstream<'m>> {
        let mut groups = target.upstreams().into_iter();
        target
            .upstream()
            .or_else(|| groups.find(|group| peer.is_some_and(|peer| group.name().eq_ignore_ascii_case(peer))))
    }

    fn way_of(&self, evidence: &Evidence) -> Way {
        let index = self.evidence_index();
        let called = evidence.server.as_deref().map(str::to_ascii_lowercase);
        let servers = called.and_then(|name| index.servers.get(&name)).map_or(&[][..], Vec::as_slice);
        let servers: Vec<Block<'_>> = servers.iter().map(|id| self.block(*id)).collect();
        let candidates = self.candidates(evidence);
        let mut first = Way::default();
        if let [only] = servers.as_slice() {
            first.server = Some(only.id());
        }
        for (server, location) in self.locations_of(&servers, evidence) {
            let way = Way { server: Some(server.id()), location: Some(location.id()), ..Way::default() };
            let is_here = |way: &&Way| self.target_of(way).is_some_and(|target| is_of_location(target, location));
            if let Some(found) = candidates.iter().find(is_here) {
                return Way { server: way.server, location: way.location, ..*found };
            }
            if let Some(target) = self.only_target(location, evidence) {
                return Way { target: Some(target), ..way };
            }
            if first.location.is_none() {
                first = way;
            }
        }
        // Somewhere in these servers, else anywhere: rewrites and redirects
        // lead to other locations than the request says.
        let is_within = |way: &&Way| {
            let mut blocks = self.target_of(way).into_iter().flat_map(|target| target.block().outwards());
            blocks.any(|block| servers.contains(&block))
        };
        match candidates.iter().find(is_within).or(candidates.first()) {
            Some(found) => {
                let block = self.target_of(found).map(Target::block);
                let server = block.and_then(|block| block.outwards().find(|block| is_server(*block)));
                Way { server: server.map(Block::id), location: block.map(Block::id), ..*found }
            }
            None => first,
        }
    }

    fn target_of(&self, way: &Way) -> Option<Target<'_>> {
        Target::of(self.directive(way.target?))
    }

    /// The target of a location, if it has one and the message may be about
    /// it: nothing was passed on yet, or to where only the running nginx knows.
    fn only_target(&self, location: Block<'_>, evidence: &Evidence) -> Option<NodeId> {
        let mut targets = self.targets_within(location).filter(|target| is_of_location(*target, location));
        let (Some(only), None) = (targets.next(), targets.next()) else { return None };
        let may_be = match evidence.scheme.as_deref() {
            _ if evidence.peer.is_none() => true,
            Some(scheme) => only.has_variables() && may_have_scheme(only, scheme),
            None => only.has_variables(),
        };
        may_be.then_some(only.directive.id())
    }

    /// The targets that lead to where a message says, in the order of the
    /// configuration.
    fn candidates(&self, evidence: &Evidence) -> Vec<Way> {
        let Some(peer) = evidence.peer.as_deref() else { return Vec::new() };
        let index = self.evidence_index();
        let known = index.peers.get(&peer.to_ascii_lowercase());
        // A name that was not resolved: the port has to do.
        let unresolved = || peer.rsplit_once(':').and_then(|(_, port)| index.unresolved.get(port));
        let mut found = known.or_else(unresolved).cloned().unwrap_or_default();
        let has_scheme = |way: &Way| match (self.target_of(way), evidence.scheme.as_deref()) {
            (Some(target), Some(scheme)) => may_have_scheme(target, scheme),
            _ => true,
        };
        found.retain(has_scheme);
        found
    }

    fn evidence_index(&self) -> &EvidenceIndex {
        self.evidence_index.get_or_init(|| {
            let mut index = EvidenceIndex::default();
            for target in self.targets() {
                self.add_peers(target, &mut index);
            }
            for server in self.servers(Family::Http) {
                let name = server.directive("server_name").and_then(|names| names.argument(0)).unwrap_or_default();
                // A name that is a regular expression is written without its
                // `~`; of one that begins with a dot, that is left out.
                let name = name.trim_start_matches('~').trim_start_matches('.');
                index.servers.entry(name.to_ascii_lowercase()).or_default().push(server.id());
            }
            for server in self.servers(Family::Stream) {
                for listener in self.listeners_of_server(server).unwrap_or_default() {
                    index.servers.entry(listener.socket().to_string()).or_default().push(server.id());
                }
            }
            index
        })
    }

    fn add_peers(&self, target: Target<'_>, index: &mut EvidenceIndex) {
        let id = target.directive.id();
        let way = Way { target: Some(id), ..Way::default() };
        for group in target.upstream().into_iter().chain(target.upstreams()) {
            add_way(&mut index.peers, group.name().to_ascii_lowercase(), way);
        }
        for endpoint in target.possible_endpoints() {
            let in_group = endpoint.directive.name() == "server";
            // Where nginx had no server left to try, it names the host alone.
            if let Host::Name(name) = endpoint.host
                && !in_group
            {
                add_way(&mut index.peers, name.to_ascii_lowercase(), way);
            }
            let way = Way { group_server: Some(endpoint.directive.id()).filter(|_| in_group), ..way };
            match self.addresses_of(endpoint) {
                Some(addresses) => {
                    addresses
                        .into_iter()
                        .for_each(|address| add_way(&mut index.peers, address.to_ascii_lowercase(), way));
                }
                None => {
                    if let Some(port) = endpoint.port {
                        add_way(&mut index.unresolved, port.to_string(), way);
                    }
                }
            }
        }
    }

    /// Whether a host and port of the configuration stand for what the log
    /// names, as far as the names were resolved.
    pub fn leads_to(&self, endpoint: Endpoint<'_>, peer: &str) -> bool {
        if let Host::Name(name) = endpoint.host
            && name.eq_ignore_ascii_case(peer)
        {
            return true;
        }
        match self.addresses_of(endpoint) {
            Some(addresses) => addresses.iter().any(|address| address.eq_ignore_ascii_case(peer)),
            None => {
                let port = peer.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
                port.is_some() && endpoint.port == port
            }
        }
    }

    /// The servers and locations that the requests of a message came to.
    fn locations_of<'m>(&'m self, servers: &[Block<'m>], evidence: &Evidence) -> Vec<(Block<'m>, Block<'m>)> {
        let mut found: Vec<(Block<'m>, Block<'m>)> = Vec::new();
        for request in evidence.requests.iter().take(REQUESTS) {
            let Some(path) = path_of(&request.value) else { continue };
            for server in servers.iter().filter(|server| server.is(Context::Server)) {
                let location = server.location_of_path(path);
                found.extend(location.map(|location| (*server, location)).filter(|pair| !found.contains(pair)));
            }
        }
        if found.is_empty() {
            let stream = servers.iter().filter(|server| server.is(Context::StreamServer));
            found.extend(stream.map(|server| (*server, *server)));
        }
        found
    }
}

/// Adds a way to a peer; of several servers of a group that have the same
/// address it is none.
fn add_way(peers: &mut FxHashMap<String, Vec<Way>>, peer: String, way: Way) {
    let ways = peers.entry(peer).or_default();
    match ways.last_mut().filter(|last| last.target == way.target) {
        Some(last) if last.group_server != way.group_server => last.group_server = None,
        Some(_) => {}
        None => ways.push(way),
    }
}

fn may_have_scheme(target: Target<'_>, scheme: &str) -> bool {
    let parts = target.parts();
    let own = target.text[parts.scheme].trim_end_matches("://");
    match own {
        "" => target.protocol.prefix() == scheme || target.has_variables(),
        own => own.contains('$') || own.eq_ignore_ascii_case(scheme),
    }
}

/// The path of `GET www.example.com/path`.
pub(super) fn path_of(request: &str) -> Option<&str> {
    let (_, rest) = request.split_once(' ')?;
    rest.find('/').map(|slash| &rest[slash..])
}

fn is_server(block: Block<'_>) -> bool {
    block.is(Context::Server) || block.is(Context::StreamServer)
}

/// Whether a target answers the requests of this location itself, and not
/// those of one inside of it.
fn is_of_location(target: Target<'_>, location: Block<'_>) -> bool {
    for block in target.block().outwards() {
        if block == location {
            return true;
        }
        if block.is(Context::Location) {
            return false;
        }
    }
    false
}

/// Those with most, of several lists.
fn most<'e>(tallies: impl Iterator<Item = &'e Tally>) -> Vec<Tally> {
    let mut together: BTreeMap<&str, u64> = BTreeMap::new();
    for tally in tallies {
        let count = together.entry(&tally.value).or_default();
        *count = count.saturating_add(tally.count);
    }
    let mut most: Vec<Tally> =
        together.into_iter().map(|(value, count)| Tally { value: value.to_owned(), count }).collect();
    most.sort_by_key(|tally| std::cmp::Reverse(tally.count));
    most.truncate(TALLIES);
    most
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::facts::{Log, Resolution};
    use crate::tree::{self, Memory, Places};

    const TEXT: &str = "events {}
http {
    upstream app {
        server 127.0.0.1:3000;
        server 127.0.0.1:3001;
    }
    server {
        server_name a.example www.a.example;
        location / { proxy_pass http://app; }
        location /api/ {
            proxy_pass http://127.0.0.1:3000;
        }
        location /files/ { root /srv; }
        location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }
    }
    server {
        server_name b.example;
        location / { rewrite ^ /moved/ last; }
        location /moved/ { proxy_pass https://name.example; }
    }
}
stream {
    server { listen 9000; proxy_pass 127.0.0.1:3000; }
}
";

    /// Line of the place, and how often.
    fn lines(evidence: Vec<Evidence>) -> Vec<(u32, u64)> {
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, TEXT.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let mut facts = Facts { log: Some(Log { seen: evidence, ..Log::default() }), ..Facts::default() };
        let addresses = vec!["192.0.2.1".to_owned()];
        facts.names.insert("name.example".to_owned(), Resolution { addresses, error: None });
        let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
        let model = Model::new(&tree, Context::Main, profile);
        let seen = model.seen(&Signature::ALL);
        let place = |seen: &Seen<'_>| {
            let location = seen.place().location;
            model.source(location.file).line(location.span.start)
        };
        seen.iter().map(|seen| (place(seen), seen.count)).collect()
    }

    fn evidence(server: &str, request: &str, scheme: &str, peer: &str) -> Evidence {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let requests = vec![Tally { value: request.to_owned(), count: 1 }];
        Evidence {
            server: text(server),
            scheme: text(scheme),
            peer: text(peer),
            requests,
            count: 1,
            ..Evidence::default()
        }
    }

    #[test]
    fn messages_lead_to_the_line_they_are_about() {
        let table = [
            ("a.example", "GET a.example/x", "http", "127.0.0.1:3001", 5),
            ("a.example", "GET a.example/x", "http", "app", 9),
            ("a.example", "GET a.example/api/x", "http", "127.0.0.1:3000", 11),
            ("a.example", "POST a.example/files/x", "", "", 13),
            ("a.example", "GET -/x.php", "fastcgi", "unix:/run/php.sock", 14),
            // By a rewrite to another location.
            ("b.example", "GET b.example/x", "https", "192.0.2.1:443", 19),
            ("b.example", "GET b.example/x", "https", "192.0.2.9:443", 18),
            // No server of the name is left to try.
            ("b.example", "GET b.example/x", "https", "name.example", 19),
            ("0.0.0.0:9000", "", "", "127.0.0.1:3000", 23),
            ("unknown.example", "GET /", "", "", 1),
        ];
        for (server, request, scheme, peer, line) in table {
            assert_eq!(lines(vec![evidence(server, request, scheme, peer)]), [(line, 1)], "{server} {request} {peer}");
        }
    }

    #[test]
    fn what_is_about_one_place_is_one() {
        let one = evidence("a.example", "GET a.example/api/1", "http", "127.0.0.1:3000");
        let other = evidence("a.example", "GET a.example/api/2", "http", "127.0.0.1:3000");
        let elsewhere = evidence("a.example", "GET a.example/", "http", "127.0.0.1:3000");
        assert_eq!(lines(vec![one, elsewhere, other]), [(11, 2), (4, 1)]);
    }
}
