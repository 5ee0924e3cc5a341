//! Groups of servers.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family, Origin};

use super::{Block, BlockId, Directive, Kind, Model};

/// An `upstream` block.
#[derive(Clone, Copy, Debug)]
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
