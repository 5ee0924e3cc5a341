//! Groups of servers.

use crate::catalog::{Context, Family};

use super::{Block, Directive, Kind, Model, UpstreamData};

/// An `upstream` block.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'m> {
    /// The block.
    pub block: Block<'m>,
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

    /// Its servers.
    pub fn servers(self) -> impl Iterator<Item = Server<'m>> {
        self.block.directives("server").map(|directive| Server { directive })
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
}

impl<'t> Model<'t> {
    /// The groups of `http {}` or `stream {}`, in order.
    pub fn upstreams(&self, family: Family) -> impl Iterator<Item = Upstream<'_>> {
        let groups = self.upstream_data().iter().filter(move |upstream| upstream.family == family);
        groups.map(|upstream| Upstream { block: self.block(upstream.block) })
    }

    /// The first group of this name, in any case.
    pub fn upstream(&self, family: Family, name: &str) -> Option<Upstream<'_>> {
        let folded = name.to_ascii_lowercase();
        let found = self.upstream_data().iter().find(|group| group.family == family && group.folded_name == folded);
        found.map(|upstream| Upstream { block: self.block(upstream.block) })
    }

    fn upstream_data(&self) -> &[UpstreamData] {
        self.upstreams.get_or_init(|| {
            let groups = self.blocks().filter_map(|block| {
                let family = match block.kind() {
                    Kind::Directives(Context::Upstream) => Family::Http,
                    Kind::Directives(Context::StreamUpstream) => Family::Stream,
                    _ => return None,
                };
                let folded_name = Upstream { block }.name().to_ascii_lowercase();
                block.head().map(|_| UpstreamData { block: block.id(), family, folded_name })
            });
            groups.collect()
        })
    }
}
