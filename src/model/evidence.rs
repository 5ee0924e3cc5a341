//! What the log says, taken back to the lines of the configuration: the
//! server that took the requests, the location, the target, the server of the
//! group that they were passed to.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::facts::{Evidence, Facts, Signature, Tally};
use crate::tree::NodeId;

use super::{Block, BlockId, Endpoint, Host, Model, Place, Server, Target, Upstream};

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
}

/// What messages have in common that are shown as one: where they lead, which
/// they are, their detail and their peer.
type Common<'e> = (Way, Signature, Option<&'e str>, Option<&'e str>);

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
            let way = self.way_of(evidence);
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
            count: group.iter().map(|evidence| evidence.count).sum(),
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
        }
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
        let servers = self.servers_called(evidence.server.as_deref());
        let mut first = Way::default();
        if let [only] = servers.as_slice() {
            first.server = Some(only.id());
        }
        for (server, location) in self.locations_of(&servers, evidence) {
            let way = Way { server: Some(server.id()), location: Some(location.id()), ..Way::default() };
            let targets = self.targets_within(location).filter(|target| !is_in_inner_location(*target, location));
            let targets: Vec<Target<'_>> = targets.collect();
            if let Some(found) = self.best_target(&targets, evidence) {
                return Way { server: way.server, location: way.location, ..found };
            }
            if evidence.peer.is_none() {
                // Not yet passed on, or not known to where.
                let only = if let [only] = targets.as_slice() { Some(only.directive.id()) } else { None };
                return Way { target: only, ..way };
            }
            if first.location.is_none() {
                first = way;
            }
        }
        // Somewhere in these servers, else anywhere: rewrites and redirects
        // lead to other locations than the request says.
        let within: Vec<Target<'_>> = servers.iter().flat_map(|server| self.targets_within(*server)).collect();
        let anywhere: Vec<Target<'_>> = self.targets().collect();
        let found = self.best_target(&within, evidence).or_else(|| self.best_target(&anywhere, evidence));
        match found {
            Some(found) => {
                let block = found.target.and_then(|id| Target::of(self.directive(id))).map(Target::block);
                let server = block.and_then(|block| block.outwards().find(|block| is_server(*block)));
                Way { server: server.map(Block::id), location: block.map(Block::id), ..found }
            }
            None => first,
        }
    }

    /// The servers whose first name, or, in `stream {}`, address is this.
    fn servers_called(&self, name: Option<&str>) -> Vec<Block<'_>> {
        let Some(name) = name else { return Vec::new() };
        let http = self.servers(Family::Http).filter(|server| {
            let first = server.directive("server_name").and_then(|names| names.argument(0)).unwrap_or_default();
            // A name that is a regular expression is written without its `~`;
            // of one that begins with a dot, that is left out.
            let first = first.trim_start_matches('~');
            first.eq_ignore_ascii_case(name)
                || first.strip_prefix('.').is_some_and(|rest| rest.eq_ignore_ascii_case(name))
        });
        let mut servers: Vec<Block<'_>> = http.collect();
        if servers.is_empty() {
            let stream = self.servers(Family::Stream).filter(|server| {
                self.listeners_of_server(*server)
                    .unwrap_or_default()
                    .iter()
                    .any(|listener| listener.socket().to_string() == name)
            });
            servers.extend(stream);
        }
        servers
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

    /// Of these targets the one that leads to where the message says.
    fn best_target(&self, targets: &[Target<'_>], evidence: &Evidence) -> Option<Way> {
        let peer = evidence.peer.as_deref()?;
        targets.iter().find_map(|target| {
            if evidence.scheme.as_deref().is_some_and(|scheme| !self.may_have_scheme(*target, scheme)) {
                return None;
            }
            if self.group_of(*target, Some(peer)).is_some_and(|group| group.name().eq_ignore_ascii_case(peer)) {
                return Some(Way { target: Some(target.directive.id()), ..Way::default() });
            }
            let endpoints = target.possible_endpoints().into_iter();
            let endpoints: Vec<Endpoint<'_>> = endpoints.filter(|endpoint| self.leads_to(*endpoint, peer)).collect();
            let first = endpoints.first()?;
            let in_group = |endpoint: &Endpoint<'_>| endpoint.directive.name() == "server";
            let group_server = Some(first.directive.id()).filter(|_| endpoints.len() == 1 && in_group(first));
            Some(Way { target: Some(target.directive.id()), group_server, ..Way::default() })
        })
    }

    fn may_have_scheme(&self, target: Target<'_>, scheme: &str) -> bool {
        let parts = target.parts();
        let own = target.text[parts.scheme].trim_end_matches("://");
        match own {
            "" => target.protocol.prefix() == scheme || target.has_variables(),
            own => own.contains('$') || own.eq_ignore_ascii_case(scheme),
        }
    }

    /// Whether a host and port of the configuration stand for this address,
    /// as far as the names were resolved.
    pub fn leads_to(&self, endpoint: Endpoint<'_>, peer: &str) -> bool {
        match endpoint.host {
            Host::Unix(path) => peer.strip_prefix("unix:") == Some(path),
            Host::Address(host) => endpoint.port.is_some_and(|port| peer == format!("{host}:{port}")),
            Host::Name(name) => {
                let addresses = endpoint.port.and_then(|port| self.facts()?.addresses_of(name, port));
                match addresses {
                    Some(addresses) if !addresses.is_empty() => addresses.iter().any(|address| address == peer),
                    // Not resolved: the port has to do.
                    _ => endpoint
                        .port
                        .is_some_and(|port| peer.rsplit_once(':').is_some_and(|(_, own)| own == port.to_string())),
                }
            }
        }
    }
}

/// The path of `GET www.example.com/path`.
fn path_of(request: &str) -> Option<&str> {
    let (_, rest) = request.split_once(' ')?;
    rest.find('/').map(|slash| &rest[slash..])
}

fn is_server(block: Block<'_>) -> bool {
    block.is(Context::Server) || block.is(Context::StreamServer)
}

/// Whether a target stands in a location inside of this one.
fn is_in_inner_location(target: Target<'_>, location: Block<'_>) -> bool {
    let blocks = target.block().outwards().take_while(|block| *block != location);
    blocks.into_iter().any(|block| block.is(Context::Location))
}

/// Those with most, of several lists.
fn most<'e>(tallies: impl Iterator<Item = &'e Tally>) -> Vec<Tally> {
    let mut together: BTreeMap<&str, u64> = BTreeMap::new();
    for tally in tallies {
        *together.entry(&tally.value).or_default() += tally.count;
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
