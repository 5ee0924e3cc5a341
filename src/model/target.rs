//! Where requests are passed on to.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{self, Context, Family};
use crate::source::Location;
use crate::tree::NodeId;

use super::address::{Address, AddressError, AddressForm, parse_address};
use super::directive::has_placeholder;
use super::template::Template;
use super::{Block, BlockId, Directive, Kind, Model, Upstream, Values};

/// The directives that pass a request on, with the prefix of their family.
pub const PASS_DIRECTIVES: [(&str, Protocol); 6] = [
    ("proxy_pass", Protocol::Proxy),
    ("fastcgi_pass", Protocol::Fastcgi),
    ("uwsgi_pass", Protocol::Uwsgi),
    ("scgi_pass", Protocol::Scgi),
    ("grpc_pass", Protocol::Grpc),
    ("memcached_pass", Protocol::Memcached),
];

/// Their names alone.
pub const PASS_NAMES: [&str; 6] =
    ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];

/// Their names and that of the servers of a group: whatever names a host that
/// requests are passed to.
pub const PASS_AND_SERVER_NAMES: [&str; 7] = {
    let [proxy, fastcgi, uwsgi, scgi, grpc, memcached] = PASS_NAMES;
    [proxy, fastcgi, uwsgi, scgi, grpc, memcached, "server"]
};

/// The same by the catalog's indices.
fn pass_names() -> &'static [(u16, Protocol)] {
    static NAMES: LazyLock<Vec<(u16, Protocol)>> = LazyLock::new(|| {
        PASS_DIRECTIVES.iter().filter_map(|(name, protocol)| Some((catalog::name_index(name)?, *protocol))).collect()
    });
    &NAMES
}

/// The module that passes a request on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// `proxy_pass` in http: HTTP.
    Proxy,
    /// `fastcgi_pass`.
    Fastcgi,
    /// `uwsgi_pass`.
    Uwsgi,
    /// `scgi_pass`.
    Scgi,
    /// `grpc_pass`.
    Grpc,
    /// `memcached_pass`.
    Memcached,
    /// `proxy_pass` in stream: bytes.
    Stream,
}

impl Protocol {
    /// What the names of its directives begin with, without `_`.
    pub fn prefix(self) -> &'static str {
        match self {
            Protocol::Proxy | Protocol::Stream => "proxy",
            Protocol::Fastcgi => "fastcgi",
            Protocol::Uwsgi => "uwsgi",
            Protocol::Scgi => "scgi",
            Protocol::Grpc => "grpc",
            Protocol::Memcached => "memcached",
        }
    }

    /// `http` or `stream`.
    pub fn family(self) -> Family {
        if self == Protocol::Stream { Family::Stream } else { Family::Http }
    }

    /// What a client sees when nothing can be reached.
    pub fn failure(self) -> &'static str {
        if self == Protocol::Stream { "closes the connection" } else { "answers 502" }
    }

    /// The schemes its targets may begin with.
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Protocol::Proxy => &["http://", "https://"],
            Protocol::Grpc => &["grpc://", "grpcs://"],
            Protocol::Uwsgi => &["uwsgi://", "suwsgi://"],
            Protocol::Fastcgi | Protocol::Scgi | Protocol::Memcached | Protocol::Stream => &[],
        }
    }

    /// The port of a target that names none.
    pub(super) fn default_port(self, scheme: &str) -> Option<&'static str> {
        match self {
            Protocol::Proxy if scheme.eq_ignore_ascii_case("https://") => Some("443"),
            Protocol::Proxy => Some("80"),
            _ => None,
        }
    }
}

/// The host of a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// An IPv4 or IPv6 address.
    Address(&'a str),
    /// The path of a unix domain socket.
    Unix(&'a str),
    /// A name: of a group, or for DNS.
    Name(&'a str),
}

/// A target taken apart. Ranges are in bytes of its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts {
    /// `http://`; empty when there is none.
    pub scheme: Range<usize>,
    /// Host and port.
    pub address: Range<usize>,
    /// What follows: the path to pass on.
    pub uri: Option<Range<usize>>,
}

/// A directive that passes requests on.
#[derive(Clone, Copy, Debug)]
pub struct Target<'m> {
    /// The directive.
    pub directive: Directive<'m>,
    /// Its module.
    pub protocol: Protocol,
    /// Its argument.
    pub text: &'m str,
}

impl<'m> Target<'m> {
    /// The target in a directive; none for every other directive.
    pub fn of(directive: Directive<'m>) -> Option<Target<'m>> {
        let name = directive.model().name_index(directive.id())?;
        let (_, protocol) = pass_names().iter().find(|(pass, _)| *pass == name)?;
        let protocol = match directive.parent().kind() {
            Kind::Directives(Context::StreamServer) => Protocol::Stream,
            _ => *protocol,
        };
        Some(Target { directive, protocol, text: directive.argument(0)? })
    }

    /// Whether it is evaluated for each request.
    pub fn has_variables(self) -> bool {
        self.text.contains('$')
    }

    /// Whether a placeholder will be filled in before nginx sees the file.
    pub fn is_template(self) -> bool {
        has_placeholder(self.text)
    }

    /// Whether nginx takes the directive for what it is: allowed where it
    /// stands, and with a scheme where one is needed.
    pub fn is_in_place(self) -> bool {
        let needs_scheme = self.protocol == Protocol::Proxy;
        self.directive.definition().is_some() && !(needs_scheme && self.parts().scheme.is_empty())
    }

    /// Its parts as written; variables are not evaluated.
    pub fn parts(self) -> Parts {
        split_target(self.protocol, self.text)
    }

    /// The scheme as written, for edits.
    pub fn editable_scheme(self) -> Option<Location> {
        let mut location = self.directive.editable_argument(0)?;
        location.span.end = location.span.start + self.parts().scheme.end as u32;
        (!self.parts().scheme.is_empty()).then_some(location)
    }

    /// Host and port of a target without variables, as nginx reads them when
    /// the scheme is right.
    ///
    /// # Errors
    ///
    /// What nginx says is wrong with it.
    pub fn address(self) -> Result<Address<'m>, AddressError> {
        let scheme = &self.text[self.parts().scheme];
        let default_port = self.protocol.default_port(scheme).and_then(|port| port.parse().ok()).unwrap_or(0);
        let form = AddressForm { listen: false, uri: self.protocol == Protocol::Proxy, default_port };
        parse_address(&self.text[scheme.len()..], form)
    }

    /// The group that a target without variables names.
    pub fn upstream(self) -> Option<Upstream<'m>> {
        let model = self.model();
        let group = model.target_index().groups.get(&self.directive.id())?;
        Some(Upstream { block: model.block(*group) })
    }

    /// The groups that the target may name, variables evaluated as far as the
    /// configuration lists their values.
    pub fn upstreams(self) -> Vec<Upstream<'m>> {
        if !self.has_variables() {
            return self.upstream().into_iter().collect();
        }
        self.upstreams_among(&self.model().values_at(self.block(), self.text))
    }

    fn upstreams_among(self, values: &Values) -> Vec<Upstream<'m>> {
        let mut groups: Vec<Upstream<'m>> = Vec::new();
        for text in values.iter() {
            if let Some(group) = self.group_named(text)
                && !groups.iter().any(|known| known.block == group.block)
            {
                groups.push(group);
            }
        }
        groups
    }

    /// Whether every host that it may name is among these values.
    fn is_certain_among(self, values: &Values) -> bool {
        let is_known = |text: &str| Values::is_known(&text[split_target(self.protocol, text).address]);
        !self.is_template() && !values.incomplete && values.iter().all(is_known)
    }

    fn group_named(self, text: &str) -> Option<Upstream<'m>> {
        let parts = split_target(self.protocol, text);
        match split_address(text.get(parts.address)?) {
            (Host::Name(name), None) => self.model().upstream(self.protocol.family(), name),
            _ => None,
        }
    }

    fn model(self) -> &'m Model<'m> {
        self.directive.model()
    }
}

/// Host and port of a name, the default port filled in, as nginx compares
/// them.
fn host_and_port(protocol: Protocol, text: &str) -> Option<(String, String)> {
    let parts = split_target(protocol, text);
    let (host, port) = split_address(&text[parts.address]);
    let port = port.or_else(|| protocol.default_port(&text[parts.scheme]))?;
    match host {
        Host::Name(name) => Some((name.to_ascii_lowercase(), port.to_owned())),
        Host::Address(_) | Host::Unix(_) => None,
    }
}

/// What follows `unix:`, in any case as nginx reads it.
fn without_unix(text: &str) -> Option<&str> {
    let (start, path) = text.split_at_checked("unix:".len())?;
    start.eq_ignore_ascii_case("unix:").then_some(path)
}

/// Takes a target apart.
pub fn split_target(protocol: Protocol, text: &str) -> Parts {
    let starts_with = |scheme: &&&str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    let scheme = protocol.schemes().iter().find(starts_with).map_or(0, |scheme| scheme.len());
    let rest = &text[scheme..];
    // The path of a socket ends at the next colon, any other host at `/` or `?`.
    let length = match without_unix(rest) {
        Some(path) => path.find(':').map_or(rest.len(), |colon| "unix:".len() + colon),
        None if protocol == Protocol::Stream => rest.len(),
        None => rest.find(['/', '?']).unwrap_or(rest.len()),
    };
    let end = scheme + length;
    let uri_start = if without_unix(rest).is_some() && end < text.len() { end + 1 } else { end };
    let uri = (uri_start < text.len()).then_some(uri_start..text.len());
    Parts { scheme: 0..scheme, address: scheme..end, uri }
}

/// Host and port of an address.
pub fn split_address(address: &str) -> (Host<'_>, Option<&str>) {
    if let Some(path) = without_unix(address) {
        return (Host::Unix(path), None);
    }
    if let Some(end) = address.find(']').filter(|_| address.starts_with('[')) {
        let port = address[end + 1..].strip_prefix(':');
        return (Host::Address(&address[..=end]), port);
    }
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    if host.parse::<Ipv4Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok() {
        (Host::Address(host), port)
    } else {
        (Host::Name(host), port)
    }
}

/// A target without variables, in the order of the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedTarget {
    node: NodeId,
    port: u16,
    has_port: bool,
}

/// Targets without variables, by family and by host in lower case.
pub(super) type FixedTargets = FxHashMap<(Family, String), Vec<FixedTarget>>;

/// What is asked about all targets together.
#[derive(Debug, Default)]
pub(super) struct TargetIndex {
    /// For each group, the directives that may pass requests to it.
    users: FxHashMap<BlockId, Vec<NodeId>>,
    /// The group that each target without variables names, if it names one.
    groups: FxHashMap<NodeId, BlockId>,
    /// Hosts and ports of targets without variables, and the first that has
    /// each.
    resolved_at_start: FxHashMap<(Family, String, String), NodeId>,
    /// For each variable in lower case, the targets that it is part of.
    readers: FxHashMap<(Family, String), Vec<NodeId>>,
    /// Families in which some target may name any group.
    uncertain: FxHashSet<Family>,
}

impl TargetIndex {
    fn add_fixed(&mut self, target: Target<'_>) {
        let family = target.protocol.family();
        if target.is_template() {
            self.uncertain.insert(family);
        }
        if let Some(group) = target.group_named(target.text) {
            self.users.entry(group.block.id()).or_default().push(target.directive.id());
            self.groups.insert(target.directive.id(), group.block.id());
        }
        if target.is_in_place()
            && let Some((host, port)) = host_and_port(target.protocol, target.text)
        {
            self.resolved_at_start.entry((family, host, port)).or_insert(target.directive.id());
        }
    }

    fn add_evaluated(&mut self, target: Target<'_>, values: &Values) {
        let family = target.protocol.family();
        if !target.is_certain_among(values) {
            self.uncertain.insert(family);
        }
        for group in target.upstreams_among(values) {
            self.users.entry(group.block.id()).or_default().push(target.directive.id());
        }
        for variable in Template::parse(target.text).variables() {
            let readers = self.readers.entry((family, variable.to_ascii_lowercase())).or_default();
            if readers.last() != Some(&target.directive.id()) {
                readers.push(target.directive.id());
            }
        }
    }
}

impl<'t> Model<'t> {
    /// Every directive that passes requests on, in order.
    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.target_nodes().iter().filter_map(|node| Target::of(self.directive(*node)))
    }

    /// Every target in a block and in the blocks in it, in order.
    pub fn targets_within(&self, block: Block<'_>) -> impl Iterator<Item = Target<'_>> {
        let all = self.target_nodes();
        let range = match block.head() {
            Some(head) => {
                let behind = self.tree.node(head.id()).next;
                all.partition_point(|node| *node < head.id())..all.partition_point(|node| *node < behind)
            }
            None => 0..all.len(),
        };
        all[range].iter().filter_map(|node| Target::of(self.directive(*node)))
    }

    fn target_nodes(&self) -> &[NodeId] {
        self.targets.get_or_init(|| {
            let indices: Vec<u16> = PASS_NAMES.iter().filter_map(|name| catalog::name_index(name)).collect();
            self.tree.node_ids().filter(|id| indices.contains(&self.names[id.index()])).collect()
        })
    }

    /// Every target that may name this group, in order.
    pub fn targets_of(&self, upstream: Upstream<'_>) -> impl Iterator<Item = Target<'_>> {
        let users = self.target_index().users.get(&upstream.block.id());
        users.into_iter().flatten().filter_map(|node| Target::of(self.directive(*node)))
    }

    /// Every target that this variable is part of, in order.
    pub fn targets_reading(&self, family: Family, variable: &str) -> impl Iterator<Item = Target<'_>> {
        let readers = self.target_index().readers.get(&(family, variable.to_ascii_lowercase()));
        readers.into_iter().flatten().filter_map(|node| Target::of(self.directive(*node)))
    }

    /// Whether [`Model::targets_of`] tells of everything in a family that
    /// passes requests to groups.
    pub fn knows_all_users(&self, family: Family) -> bool {
        !self.is_fragment() && self.is_whole(family) && !self.target_index().uncertain.contains(&family)
    }

    /// Whether a module that is not known here may pass requests on.
    fn has_foreign_pass(&self, family: Family) -> bool {
        let is_foreign = |name: &str| name.ends_with("_pass") && !PASS_NAMES.contains(&name);
        let names = (0..catalog::name_count() as u16).filter(|name| self.has_directives_named(*name));
        names.map(catalog::name_of).any(is_foreign)
            || self.unknown_directives(family).any(|directive| directive.name().contains("pass"))
    }

    /// Whether a target without variables names this host and port: nginx
    /// then knows its addresses from the start.
    pub fn is_resolved_at_start(&self, protocol: Protocol, text: &str) -> bool {
        self.target_resolved_at_start(protocol, text).is_some()
    }

    /// The first target without variables that names this host and port.
    pub fn target_resolved_at_start(&self, protocol: Protocol, text: &str) -> Option<Target<'_>> {
        let (host, port) = host_and_port(protocol, text)?;
        let node = self.target_index().resolved_at_start.get(&(protocol.family(), host, port))?;
        Target::of(self.directive(*node))
    }

    /// Whether a target without variables names this host, with any port.
    pub fn has_target_without_variables(&self, family: Family, host: &str) -> bool {
        !self.fixed_targets(family, host).is_empty()
    }

    /// The targets without variables that name this host, in any case, with a
    /// port that is written there.
    pub fn targets_with_port(&self, family: Family, host: &str) -> impl Iterator<Item = Target<'_>> {
        let targets = self.fixed_targets(family, host).iter().filter(|target| target.has_port);
        targets.filter_map(|target| Target::of(self.directive(target.node)))
    }

    /// Whether an earlier target names the same host and has a port, written
    /// there or by default: in http nginx then takes that port for a later
    /// target that has none.
    pub fn has_port_from_earlier(&self, target: Target<'_>, host: &str) -> bool {
        let first = self.fixed_targets(target.protocol.family(), host).first();
        target.protocol.family() == Family::Http
            && first.is_some_and(|first| first.node < target.directive.id() && first.port > 0)
    }

    fn fixed_targets(&self, family: Family, host: &str) -> &[FixedTarget] {
        let all = self.fixed_targets.get_or_init(|| {
            let mut all = FixedTargets::default();
            for target in self.targets().filter(|target| !target.has_variables() && target.is_in_place()) {
                let Ok(address) = target.address() else { continue };
                let entry = FixedTarget { node: target.directive.id(), port: address.port, has_port: address.has_port };
                all.entry((target.protocol.family(), address.host.to_ascii_lowercase())).or_default().push(entry);
            }
            all
        });
        all.get(&(family, host.to_ascii_lowercase())).map_or(&[], Vec::as_slice)
    }

    fn target_index(&self) -> &TargetIndex {
        self.target_index.get_or_init(|| {
            let mut index = TargetIndex::default();
            index.uncertain.extend([Family::Http, Family::Stream].into_iter().filter(|of| self.has_foreign_pass(*of)));
            for target in self.targets() {
                if target.has_variables() {
                    index.add_evaluated(target, &self.values_at(target.block(), target.text));
                } else {
                    index.add_fixed(target);
                }
            }
            index
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart_as_nginx_does() {
        use Host::{Address, Name, Unix};
        let table = [
            (Protocol::Proxy, "http://app:8080/x", "http://", Name("app"), Some("8080"), Some("/x")),
            (Protocol::Proxy, "HTTPS://app", "HTTPS://", Name("app"), None, None),
            (Protocol::Proxy, "http://app?a=1", "http://", Name("app"), None, Some("?a=1")),
            (Protocol::Proxy, "http://unix:/run/a.sock:/x", "http://", Unix("/run/a.sock"), None, Some("/x")),
            (Protocol::Proxy, "http://unix:/run/a.sock", "http://", Unix("/run/a.sock"), None, None),
            (Protocol::Proxy, "HTTP://UNIX:/RUN/A.SOCK", "HTTP://", Unix("/RUN/A.SOCK"), None, None),
            (Protocol::Proxy, "http://[::1]:80/", "http://", Address("[::1]"), Some("80"), Some("/")),
            (Protocol::Proxy, "127.0.0.1:8080", "", Address("127.0.0.1"), Some("8080"), None),
            (Protocol::Fastcgi, "unix:/run/php.sock", "", Unix("/run/php.sock"), None, None),
            (Protocol::Grpc, "grpcs://api", "grpcs://", Name("api"), None, None),
            (Protocol::Stream, "db:5432", "", Name("db"), Some("5432"), None),
        ];
        for (protocol, text, scheme, host, port, uri) in table {
            let parts = split_target(protocol, text);
            assert_eq!(&text[parts.scheme], scheme, "{text}");
            assert_eq!(split_address(&text[parts.address]), (host, port), "{text}");
            assert_eq!(parts.uri.map(|range| &text[range]), uri, "{text}");
        }
    }
}
