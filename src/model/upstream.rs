//! Groups of servers.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family, Origin};

use super::{Block, BlockId, Directive, Kind, Model, parse_number, parse_seconds};

/// An `upstream` block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Upstream<'m> {
    /// The block.
    pub block: Block<'m>,
}

/// The ways to choose a server of a group.
const METHODS: [&str; 5] = ["ip_hash", "hash", "least_conn", "least_time", "random"];

/// A directive of a group that takes part in the choice of its servers.
#[derive(Clone, Copy, Debug)]
pub enum Balancer<'m> {
    /// One of nginx's own methods.
    Method(Directive<'m>),
    /// `keepalive`, which before 1.29.7 only adds to what stands above it.
    Keepalive(Directive<'m>),
    /// `sticky`, or a directive of another module: what it does is not known.
    Foreign(Directive<'m>),
}

/// A `server` in an upstream.
#[derive(Clone, Copy, Debug)]
pub struct Server<'m> {
    /// The directive.
    pub directive: Directive<'m>,
}

impl<'m> Upstream<'m> {
    /// Its name as written; names are compared without regard to case.
    pub fn name(self) -> &'m str {
        self.block.head().and_then(|head| head.argument(0)).unwrap_or_default()
    }

    /// Whose requests it is for: `http {}` or `stream {}`.
    pub fn family(self) -> Family {
        if self.block.is(Context::StreamUpstream) { Family::Stream } else { Family::Http }
    }

    /// Whether all that stands in it is of nginx: otherwise another module may
    /// choose the servers, and take what `server` says for something else.
    pub fn is_run_by_nginx(self) -> bool {
        let is_own = |directive: Directive<'_>| {
            let origin = directive.definition().map(|definition| definition.module.origin);
            matches!(origin, Some(Origin::OpenSource | Origin::Plus))
        };
        self.block.directives_by_name().all(is_own)
    }

    /// Whether certainly nothing passes requests to it.
    pub fn is_unused(self) -> bool {
        let model = self.block.model();
        model.targets_of(self).next().is_none() && model.knows_all_users(self.family())
    }

    /// Whether some target most likely means it and has its name wrong.
    pub fn is_meant_by_mistake(self) -> bool {
        self.block.model().is_mistyped(self.block.id())
    }

    /// A name for a zone of its own: the group's, unless another zone has it
    /// or, in a file out of sight, might have it.
    pub fn free_zone_name(self) -> Option<&'m str> {
        let name = self.name();
        let model = self.block.model();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let other = if self.family() == Family::Http { Family::Stream } else { Family::Http };
        let is_free = !name.is_empty()
            && name.bytes().all(is_plain)
            && !model.is_fragment()
            && model.is_whole(self.family())
            && !model.has_zone(name)
            && model.upstream(other, name).is_none();
        is_free.then_some(name)
    }

    /// The directive that says how a server is chosen; without one, each in
    /// turn by its weight. Of several the last one counts.
    pub fn method(self) -> Option<Directive<'m>> {
        let given = METHODS.iter().filter_map(|name| self.block.directive(name));
        given.max_by_key(|method| method.id())
    }

    /// What takes part in the choice of its servers, in order.
    pub fn balancers(self) -> Vec<Balancer<'m>> {
        let balancers = self.block.statements().into_iter().filter_map(Balancer::of);
        balancers.filter(|balancer| balancer.directive().is_read() || balancer.is_unknown()).collect()
    }

    /// The directive that lets the workers share what they know of the servers.
    pub fn zone(self) -> Option<Directive<'m>> {
        self.block.directive("zone")
    }

    /// The directive with which it keeps connections open.
    pub fn keepalive(self) -> Option<Directive<'m>> {
        self.block.directive("keepalive").filter(|keepalive| keepalive.argument(0) != Some("0"))
    }

    /// Its servers.
    pub fn servers(self) -> impl Iterator<Item = Server<'m>> {
        self.block.directives("server").map(|directive| Server { directive })
    }
}

impl<'m> Balancer<'m> {
    /// The directive.
    pub fn directive(self) -> Directive<'m> {
        match self {
            Balancer::Method(directive) | Balancer::Keepalive(directive) | Balancer::Foreign(directive) => directive,
        }
    }

    /// Whether the catalog does not know it.
    fn is_unknown(self) -> bool {
        self.directive().definition().is_none()
    }

    /// The directive, if it is a method of nginx.
    pub fn method(self) -> Option<Directive<'m>> {
        if let Balancer::Method(directive) = self { Some(directive) } else { None }
    }

    fn of(directive: Directive<'m>) -> Option<Balancer<'m>> {
        let is_own = || directive.definition().is_some_and(|known| known.module.origin == Origin::OpenSource);
        match directive.name() {
            "server" | "zone" => None,
            "keepalive" => Some(Balancer::Keepalive(directive)),
            // Directives of NGINX Plus that are no methods.
            "state" | "queue" | "ntlm" => None,
            name if !is_own() || name == "sticky" => Some(Balancer::Foreign(directive)),
            name if METHODS.contains(&name) => Some(Balancer::Method(directive)),
            _ => None,
        }
    }
}

impl<'m> Server<'m> {
    /// Its address.
    pub fn address(self) -> &'m str {
        self.directive.argument(0).unwrap_or_default()
    }

    /// Index and text behind `=` of a parameter behind the address; of several
    /// the last one counts.
    pub fn parameter(self, name: &str) -> Option<(usize, &'m str)> {
        let value = |argument: &'m str| argument.strip_prefix(name)?.strip_prefix('=');
        let parameters = self.directive.arguments().enumerate().skip(1);
        parameters.filter_map(|(index, argument)| Some((index, value(argument)?))).last()
    }

    /// After so many failed tries it is out for a time; 0 for never. None when
    /// that is not known.
    pub fn max_fails(self) -> Option<u64> {
        self.parameter("max_fails").map_or(Some(1), |(_, text)| parse_number(text))
    }

    /// For so many seconds. None when that is not known.
    pub fn fail_timeout(self) -> Option<u64> {
        self.parameter("fail_timeout").map_or(Some(10), |(_, text)| parse_seconds(text))
    }

    /// The most connections it gets at a time; none for any number.
    pub fn max_conns(self) -> Option<u64> {
        self.parameter("max_conns").and_then(|(_, text)| parse_number(text)).filter(|limit| *limit > 0)
    }

    /// Whether it only takes over when the others are gone.
    pub fn is_backup(self) -> bool {
        self.directive.has_flag("backup")
    }

    /// Whether it never gets a request: `down`, or `drain` (since 1.29.6),
    /// which lets only requests of bound sessions through.
    pub fn is_down(self) -> bool {
        self.directive.has_flag("down") || self.directive.has_flag("drain")
    }

    /// Whether it is one: other blocks have directives of this name.
    pub fn is_in_group(self) -> bool {
        let parent = self.directive.parent();
        self.directive.name() == "server" && (parent.is(Context::Upstream) || parent.is(Context::StreamUpstream))
    }

    /// Whether nginx asks a resolver for its addresses while it runs.
    pub fn is_resolved_again(self) -> bool {
        self.directive.has_flag("resolve")
    }
}

/// All groups, in order, and the first of each name in lower case.
#[derive(Debug, Default)]
pub(super) struct Groups {
    blocks: Vec<(Family, BlockId)>,
    by_name: FxHashMap<(Family, String), BlockId>,
}

impl<'t> Model<'t> {
    /// The groups of `http {}` or `stream {}`, in order.
    pub fn upstreams(&self, family: Family) -> impl Iterator<Item = Upstream<'_>> {
        let groups = self.groups().blocks.iter().filter(move |(of, _)| *of == family);
        groups.map(|(_, block)| Upstream { block: self.block(*block) })
    }

    /// The first group of this name, in any case.
    pub fn upstream(&self, family: Family, name: &str) -> Option<Upstream<'_>> {
        let block = self.groups().by_name.get(&(family, name.to_ascii_lowercase()))?;
        Some(Upstream { block: self.block(*block) })
    }

    /// The group of this name that is declared in `stream {}` and asked for in
    /// `http {}`, or the other way round, where none is.
    pub fn upstream_elsewhere(&self, family: Family, name: &str) -> Option<Upstream<'_>> {
        let other = if family == Family::Stream { Family::Http } else { Family::Stream };
        self.upstream(other, name).filter(|_| self.upstream(family, name).is_none())
    }

    fn groups(&self) -> &Groups {
        self.upstreams.get_or_init(|| {
            let mut groups = Groups::default();
            for block in self.blocks().filter(|block| block.head().is_some()) {
                let family = match block.kind() {
                    Kind::Directives(Context::Upstream) => Family::Http,
                    Kind::Directives(Context::StreamUpstream) => Family::Stream,
                    _ => continue,
                };
                let name = Upstream { block }.name().to_ascii_lowercase();
                groups.blocks.push((family, block.id()));
                groups.by_name.entry((family, name)).or_insert(block.id());
            }
            groups
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Profile;
    use super::*;
    use crate::tree::{self, Memory, Places};

    #[test]
    fn the_last_parameter_counts_and_each_has_a_default() {
        let table = [
            ("server a:1;", Some(1), Some(10), None),
            ("server a:1 max_fails=3 fail_timeout=1m max_conns=5;", Some(3), Some(60), Some(5)),
            ("server a:1 max_fails=3 max_fails=0 max_conns=0;", Some(0), Some(10), None),
            ("server a:1 max_fails=${FAILS} fail_timeout=x;", None, None, None),
            ("server max_fails=3;", Some(1), Some(10), None),
        ];
        for (text, max_fails, fail_timeout, max_conns) in table {
            let text = format!("http {{ upstream group {{ {text} }} }}");
            let entry = Path::new("/etc/nginx/nginx.conf");
            let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let group = model.upstream(Family::Http, "GROUP").expect("the group");
            let server = group.servers().next().expect("a server");
            let found = (server.max_fails(), server.fail_timeout(), server.max_conns());
            assert_eq!(found, (max_fails, fail_timeout, max_conns), "{text}");
        }
    }
}
