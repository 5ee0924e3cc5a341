//! Connections to servers of a group that stay open behind an answer: how many
//! nginx keeps, for how long, and whether what passes requests on lets them.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family, Version};
use crate::tree::NodeId;

use super::target::{Host, Protocol, Target};
use super::upstream::{Balancer, Server, Upstream};
use super::{Block, Directive, Effective, Model, Values, parse_milliseconds, parse_number};

/// From this release on every group keeps connections unless it says
/// otherwise, and requests are passed on as HTTP/1.1 without
/// `Connection: close`.
pub const KEPT_BY_DEFAULT_SINCE: Version = Version::new(1, 29, 7);

/// So many connections are kept by default, by each worker.
const KEPT_BY_DEFAULT: u64 = 32;

/// So many milliseconds an idle connection is kept by default.
const KEPT_FOR_BY_DEFAULT: u64 = 60_000;

/// The idle connections that a group keeps.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct KeptConnections<'m> {
    /// The directive that says how many; none where it is the default.
    pub keepalive: Option<Directive<'m>>,
    /// At most so many in each worker.
    pub count: u64,
    /// The directive that says for how long; none where it is the default.
    pub timeout: Option<Directive<'m>>,
    /// For so many milliseconds.
    pub milliseconds: u64,
}

/// Whether a `limit_except` of the location lets no POST through.
fn takes_no_posts(block: Block<'_>) -> bool {
    let location = block.outwards().find(|outer| outer.is(Context::Location)).unwrap_or(block);
    location.directives("limit_except").any(|limit| {
        let denies = limit.block().is_some_and(|inner| inner.directives("deny").any(|deny| deny.has_flag("all")));
        denies && !limit.arguments().any(|method| ["POST", "PATCH", "LOCK"].contains(&method))
    })
}

/// What becomes of a connection behind the answer to a request that is passed
/// on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// It stays open.
    Open,
    /// The server closes it: the request was HTTP/1.0.
    Http10,
    /// The server closes it: the request asked it to.
    Closed,
    /// It depends on the request, or on what could not be seen.
    Unknown,
}

impl<'m> Upstream<'m> {
    /// The connections it certainly keeps, if requests let it: as its
    /// directives say or, where the release is known, by default. None as well
    /// where another directive decides.
    pub fn kept_connections(self) -> Option<KeptConnections<'m>> {
        let model = self.block.model();
        if self.block.is_unseen() || !self.block.is(Context::Upstream) {
            return None;
        }
        let balancers = self.balancers();
        let keepalive = balancers.iter().rposition(|balancer| matches!(balancer, Balancer::Keepalive(_)));
        let is_foreign = |balancer: &Balancer<'_>| matches!(balancer, Balancer::Foreign(_));
        // A method below takes the place of what keeps connections.
        let is_replaced = keepalive.is_some_and(|at| at + 1 < balancers.len());
        let depends_on_order = model.may_be_before(KEPT_BY_DEFAULT_SINCE);
        if balancers.iter().any(is_foreign) || (is_replaced && depends_on_order) {
            return None;
        }
        let keepalive = keepalive.map(|at| balancers[at].directive());
        let count = match keepalive {
            Some(directive) => parse_number(directive.argument(0)?)?,
            None if model.version()? >= KEPT_BY_DEFAULT_SINCE => KEPT_BY_DEFAULT,
            None => 0,
        };
        let timeout = self.block.directive("keepalive_timeout");
        let milliseconds = match timeout {
            Some(directive) => parse_milliseconds(directive.argument(0)?)?,
            None => KEPT_FOR_BY_DEFAULT,
        };
        (count > 0).then_some(KeptConnections { keepalive, count, timeout, milliseconds })
    }
}

impl<'m> Upstream<'m> {
    /// The shortest time, in milliseconds, after which one of its servers was
    /// seen to end an idle connection, and that server.
    pub fn idle_time_seen(self) -> Option<(Server<'m>, u64)> {
        let facts = self.block.model().facts()?;
        let time_of = |server: Server<'m>| {
            let endpoint = server.endpoint()?;
            let addresses = match endpoint.host {
                Host::Unix(path) => vec![format!("unix:{path}")],
                Host::Address(host) | Host::Name(host) => facts.addresses_of(host, endpoint.port?)?,
            };
            let conversations = addresses.iter().flat_map(|address| facts.conversations_with(address));
            conversations.filter_map(|conversation| conversation.idle_milliseconds).min()
        };
        let servers = self.servers().filter(|server| !server.is_down());
        let times = servers.filter_map(|server| Some((server, time_of(server)?)));
        times.min_by_key(|(_, milliseconds)| *milliseconds)
    }
}

impl Target<'_> {
    /// Whether a request can get lost when the server closes a kept connection
    /// as it is sent: it may be a POST, and it is not sent once more.
    pub fn may_lose_requests(self) -> bool {
        let is_of_http = matches!(self.protocol, Protocol::Proxy | Protocol::Grpc);
        let retries = match self.effective("next_upstream") {
            Effective::Set(directive) => directive.has_flag("non_idempotent"),
            Effective::Default => false,
            Effective::Unseen => true,
        };
        is_of_http && !retries && self.kept() == Kept::Open && !takes_no_posts(self.block())
    }

    /// What becomes of the connection behind the answer.
    pub fn kept(self) -> Kept {
        let known = self.directive.model().kept_by_targets().get(&self.directive.id());
        known.copied().unwrap_or_else(|| self.find_kept())
    }

    fn find_kept(self) -> Kept {
        match self.protocol {
            Protocol::Proxy => self.kept_by_proxy(),
            Protocol::Fastcgi => match self.block().is_on("fastcgi_keep_conn") {
                Some(true) => Kept::Open,
                Some(false) => Kept::Closed,
                None => Kept::Unknown,
            },
            Protocol::Grpc | Protocol::Memcached => Kept::Open,
            Protocol::Uwsgi | Protocol::Scgi | Protocol::Stream => Kept::Closed,
        }
    }

    /// Whether it passes on nothing but requests to upgrade, as for websockets,
    /// whose connections are never used again.
    pub fn is_for_upgrades(self) -> bool {
        let headers = self.block().effective_list("proxy_set_header");
        self.protocol == Protocol::Proxy
            && headers
                .named("connection")
                .any(|header| header.argument(1).is_some_and(|value| Asked::of(value) == Asked::ToUpgrade))
    }

    fn kept_by_proxy(self) -> Kept {
        let block = self.block();
        let model = block.model();
        let is_old = model.may_be_before(KEPT_BY_DEFAULT_SINCE);
        let is_http_1_0 = match block.effective("proxy_http_version") {
            Effective::Default => is_old,
            Effective::Set(directive) if directive.is_template(0) => return Kept::Unknown,
            // HTTP/2 knows no such header.
            Effective::Set(directive) if directive.argument(0) == Some("2") => return Kept::Open,
            Effective::Set(directive) => directive.argument(0) == Some("1.0"),
            Effective::Unseen => return Kept::Unknown,
        };
        let headers = block.effective_list("proxy_set_header");
        if !headers.complete {
            return Kept::Unknown;
        }
        let mut asked = Vec::new();
        for header in headers.named("connection") {
            asked.extend(Asked::by(header));
        }
        if asked.is_empty() {
            asked.push(if is_old { Asked::ToClose } else { Asked::Nothing });
        }
        let all = |wanted: &[Asked]| asked.iter().all(|asked| wanted.contains(asked));
        let some = |wanted: Asked| asked.contains(&wanted);
        match is_http_1_0 {
            true if all(&[Asked::ToKeep]) => Kept::Open,
            true if all(&[Asked::Nothing, Asked::ToClose]) => Kept::Http10,
            // An upgraded connection is never used again.
            false if some(Asked::ToClose) && all(&[Asked::ToClose, Asked::ToUpgrade]) => Kept::Closed,
            false if all(&[Asked::ToUpgrade]) => Kept::Unknown,
            false if all(&[Asked::Nothing, Asked::ToKeep, Asked::ToUpgrade]) => Kept::Open,
            _ => Kept::Unknown,
        }
    }
}

/// What a `Connection` header asks the server for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    /// The header is not sent.
    Nothing,
    ToClose,
    ToKeep,
    ToUpgrade,
    /// Only the request knows.
    Unknown,
}

impl Asked {
    /// All that a `proxy_set_header Connection …` may ask for.
    fn by(header: Directive<'_>) -> Vec<Asked> {
        let text = header.argument(1).unwrap_or_default();
        if !text.contains('$') {
            return vec![Asked::of(text)];
        }
        let values = header.model().values_at(header.parent(), text);
        let mut asked: Vec<Asked> = values.iter().map(Asked::of).collect();
        if values.incomplete || header.is_template(1) {
            asked.push(Asked::Unknown);
        }
        asked
    }

    fn of(value: &str) -> Asked {
        match value.trim().to_ascii_lowercase().as_str() {
            _ if !Values::is_known(value) => Asked::Unknown,
            "" => Asked::Nothing,
            "close" => Asked::ToClose,
            "keep-alive" => Asked::ToKeep,
            "upgrade" => Asked::ToUpgrade,
            _ => Asked::Unknown,
        }
    }
}

impl Model<'_> {
    /// For targets of groups that keep connections, about which several ask.
    fn kept_by_targets(&self) -> &FxHashMap<NodeId, Kept> {
        self.kept.get_or_init(|| {
            let groups = self.upstreams(Family::Http).filter(|group| group.keepalive().is_some());
            let targets = groups.flat_map(|group| self.targets_of(group));
            targets.map(|target| (target.directive.id(), target.find_kept())).collect()
        })
    }

    /// At least so many worker processes there are: as many as the
    /// configuration says, or one.
    pub fn least_worker_processes(&self) -> u64 {
        let count = self.main().effective("worker_processes").directive().and_then(|count| count.argument(0));
        count.and_then(parse_number).unwrap_or(1).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::facts::{Conversation, Facts};
    use crate::model::Profile;
    use crate::tree::{self, Memory, Places};

    /// What `kept_connections` says of the group and `kept` of its user.
    fn ask(group: &str, location: &str, version: Option<Version>) -> (Option<(u64, u64)>, Kept) {
        let maps = "map $http_upgrade $cleared { default upgrade; '' ''; } map $http_upgrade $closed { default upgrade; '' close; }";
        let text = format!(
            "events {{}} http {{ {maps} upstream a {{ server 127.0.0.1:1; {group} }} server {{ location / {{ proxy_pass http://a; {location} }} }} }}"
        );
        let entry = Path::new("/nginx.conf");
        let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
        let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let model = Model::new(&tree, Context::Main, Profile::of_version(version));
        let kept = model.upstream(Family::Http, "a").expect("the group").kept_connections();
        let target = model.targets().next().expect("the target");
        (kept.map(|kept| (kept.count, kept.milliseconds)), target.kept())
    }

    #[test]
    fn groups_keep_connections_as_nginx_does() {
        let (old, new) = (Some(Version::new(1, 28, 0)), Some(KEPT_BY_DEFAULT_SINCE));
        let table = [
            ("", None, None),
            ("", old, None),
            ("", new, Some((32, 60_000))),
            ("keepalive 8;", None, Some((8, 60_000))),
            ("keepalive 8; keepalive_timeout 5s;", old, Some((8, 5_000))),
            ("keepalive 0;", new, None),
            ("least_conn; keepalive 8;", old, Some((8, 60_000))),
            ("keepalive 8; least_conn;", old, None),
            ("keepalive 8; least_conn;", new, Some((8, 60_000))),
            ("balancer_by_lua_file a.lua;", new, None),
            ("keepalive ${COUNT};", new, None),
        ];
        for (group, version, expected) in table {
            assert_eq!(ask(group, "", version).0, expected, "{group} {version:?}");
        }
    }

    #[test]
    fn what_is_passed_on_decides_what_becomes_of_a_connection() {
        let (old, new) = (Some(Version::new(1, 28, 0)), Some(KEPT_BY_DEFAULT_SINCE));
        let table = [
            ("", None, Kept::Http10),
            ("", old, Kept::Http10),
            ("", new, Kept::Open),
            ("proxy_http_version 1.1;", old, Kept::Closed),
            ("proxy_http_version 1.1;", new, Kept::Open),
            ("proxy_set_header Connection \"\";", old, Kept::Http10),
            ("proxy_http_version 1.1; proxy_set_header connection \"\";", old, Kept::Open),
            ("proxy_http_version 1.1; proxy_set_header Host $host;", old, Kept::Closed),
            ("proxy_http_version 1.1; proxy_set_header Connection Close;", new, Kept::Closed),
            ("proxy_set_header Connection keep-alive;", old, Kept::Open),
            ("proxy_http_version 1.0;", new, Kept::Http10),
            ("proxy_http_version 1.1; proxy_set_header Connection $closed;", old, Kept::Closed),
            ("proxy_http_version 1.1; proxy_set_header Connection $cleared;", old, Kept::Open),
            ("proxy_http_version 1.1; proxy_set_header Connection upgrade;", old, Kept::Unknown),
            ("proxy_http_version 1.1; proxy_set_header Connection $http_connection;", old, Kept::Unknown),
            ("proxy_set_header Connection $http_connection;", old, Kept::Unknown),
            ("include elsewhere.conf;", old, Kept::Unknown),
        ];
        for (location, version, expected) in table {
            assert_eq!(ask("", location, version).1, expected, "{location} {version:?}");
        }
    }

    #[test]
    fn the_shortest_idle_time_of_a_group_counts() {
        let text = "events {} http { upstream a { server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3 down; } }";
        let table = [
            (vec![], None),
            (vec![("127.0.0.1:1", None)], None),
            (vec![("127.0.0.1:1", Some(9)), ("127.0.0.1:2", Some(7))], Some(("127.0.0.1:2", 7))),
            (vec![("127.0.0.1:1", Some(9)), ("127.0.0.1:3", Some(7))], Some(("127.0.0.1:1", 9))),
        ];
        for (seen, expected) in table {
            let conversation = |(address, idle_milliseconds): &(&str, Option<u64>)| Conversation {
                address: (*address).to_owned(),
                idle_milliseconds: *idle_milliseconds,
                ..Conversation::default()
            };
            let facts = Facts { conversations: seen.iter().map(conversation).collect(), ..Facts::default() };
            let entry = Path::new("/nginx.conf");
            let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
            let model = Model::new(&tree, Context::Main, profile);
            let found = model.upstream(Family::Http, "a").expect("the group").idle_time_seen();
            assert_eq!(found.map(|(server, time)| (server.address(), time)), expected, "{seen:?}");
        }
    }

    #[test]
    fn requests_are_lost_where_they_are_kept_and_not_sent_again() {
        let kept = "proxy_http_version 1.1; proxy_set_header Connection \"\";";
        let table = [
            ("", true),
            ("proxy_next_upstream error timeout non_idempotent;", false),
            ("limit_except GET { deny all; }", false),
            ("limit_except GET POST { deny all; }", true),
            ("proxy_set_header Connection close;", false),
        ];
        for (location, expected) in table {
            let text = format!(
                "events {{}} http {{ server {{ location / {{ proxy_pass http://127.0.0.1:1; {kept} {location} }} }} }}"
            );
            let entry = Path::new("/nginx.conf");
            let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let model = Model::new(&tree, Context::Main, Profile::of_version(Some(Version::new(1, 28, 0))));
            let target = model.targets().next().expect("the target");
            assert_eq!(target.may_lose_requests(), expected, "{location}");
        }
    }
}
