//! Where a target leads to in the end: the servers of its group, or the host
//! it names itself.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::catalog::Family;
use crate::tree::NodeId;

use super::target::{Host, Protocol, Target, split_address};
use super::{Block, Directive, Effective, Model, Server, Upstream, parse_flag};

/// One host and port that requests are passed to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Endpoint<'m> {
    /// The directive that names it: a `server` of a group, or the target.
    pub directive: Directive<'m>,
    /// Host and port as they are written there.
    pub text: &'m str,
    /// The host.
    pub host: Host<'m>,
    /// The port; that of the scheme, or 80 in a group, where none is written;
    /// none for a socket, and where it is not known.
    pub port: Option<u16>,
    /// Whether the port is written.
    pub has_port: bool,
}

/// What is kept of an [`Endpoint`]: where it stands in the first argument of
/// its directive.
#[derive(Clone, Debug)]
pub(super) struct EndpointAt {
    text: Range<usize>,
    kind: HostKind,
    host: Range<usize>,
    port: Option<u16>,
    has_port: bool,
}

#[derive(Clone, Copy, Debug)]
enum HostKind {
    Address,
    Unix,
    Name,
}

/// The endpoints that servers of groups and targets name, by the directive.
pub(super) type Endpoints = FxHashMap<NodeId, EndpointAt>;

impl EndpointAt {
    /// An address that stands at `text` of an argument.
    fn new(argument: &str, text: Range<usize>, default_port: Option<u16>) -> EndpointAt {
        let address = &argument[text.clone()];
        let (host, written) = split_address(address);
        let (kind, host) = match host {
            Host::Address(host) => (HostKind::Address, host),
            Host::Unix(host) => (HostKind::Unix, host),
            Host::Name(host) => (HostKind::Name, host),
        };
        let port = match (kind, written) {
            (HostKind::Unix, _) => None,
            (_, Some(port)) => port.parse().ok(),
            (_, None) => default_port,
        };
        // A path stands at the end, any other host at the beginning.
        let start = if matches!(kind, HostKind::Unix) { text.end - host.len() } else { text.start };
        EndpointAt { host: start..start + host.len(), text, kind, port, has_port: written.is_some() }
    }
}

impl<'m> Endpoint<'m> {
    fn of(directive: Directive<'m>) -> Option<Endpoint<'m>> {
        let at = directive.model().endpoints().get(&directive.id())?;
        let argument = directive.argument(0)?;
        let host = argument.get(at.host.clone())?;
        let host = match at.kind {
            HostKind::Address => Host::Address(host),
            HostKind::Unix => Host::Unix(host),
            HostKind::Name => Host::Name(host),
        };
        let text = argument.get(at.text.clone())?;
        Some(Endpoint { directive, text, host, port: at.port, has_port: at.has_port })
    }

    /// Whether it may be more than one address: a name.
    pub fn may_be_several(self) -> bool {
        matches!(self.host, Host::Name(_))
    }
}

impl<'m> Server<'m> {
    /// Where it leads to; none for an address that is filled in later.
    pub fn endpoint(self) -> Option<Endpoint<'m>> {
        Endpoint::of(self.directive)
    }

    fn find_endpoint(self) -> Option<EndpointAt> {
        let text = self.directive.argument(0)?;
        let default_port = match self.directive.taken_in()? {
            Family::Http => Some(80),
            _ => None,
        };
        (!self.directive.is_template(0)).then(|| EndpointAt::new(text, 0..text.len(), default_port))
    }
}

impl<'m> Upstream<'m> {
    /// Whether everything that is in it was seen.
    pub fn is_whole(self) -> bool {
        !self.block.is_unseen()
    }

    /// The hosts and ports of its servers, those that are down left out.
    pub fn endpoints(self) -> impl Iterator<Item = Endpoint<'m>> {
        self.servers().filter(|server| !server.is_down()).filter_map(Server::endpoint)
    }

    /// Whether it is certainly one address: nginx then never takes it for
    /// failed.
    pub fn is_single_address(self) -> bool {
        let mut servers = self.servers();
        let (Some(only), None) = (servers.next(), servers.next()) else { return false };
        self.is_whole() && only.endpoint().is_some_and(|endpoint| !endpoint.may_be_several())
    }

    /// Whether it certainly has more than one server to choose from, backups
    /// included.
    pub fn has_several_servers(self) -> bool {
        self.servers().filter(|server| !server.is_down()).count() > 1
    }
}

impl<'m> Target<'m> {
    /// The block that it answers the requests of.
    pub fn block(self) -> Block<'m> {
        self.directive.parent()
    }

    /// The value in force for it of a directive of its module, without the
    /// prefix: `read_timeout` for `proxy_read_timeout`.
    pub fn effective(self, name: &str) -> Effective<'m> {
        self.block().effective(&format!("{}_{name}", self.protocol.prefix()))
    }

    /// Whether it speaks TLS to where it leads; none when that is not known.
    pub fn uses_tls(self) -> Option<bool> {
        if self.protocol == Protocol::Stream {
            return match self.block().effective("proxy_ssl") {
                Effective::Set(directive) => parse_flag(directive.argument(0)?),
                Effective::Default => Some(false),
                Effective::Unseen => None,
            };
        }
        let scheme = self.text.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some(scheme) if scheme.contains('$') => None,
            Some(scheme) => Some(["https", "grpcs", "suwsgi"].iter().any(|tls| scheme.eq_ignore_ascii_case(tls))),
            None if self.has_variables() => None,
            None => Some(false),
        }
    }

    /// Where a target without variables leads to: the servers of its group,
    /// those that are down left out, or its own host. Empty when that is not
    /// known.
    pub fn endpoints(self) -> Vec<Endpoint<'m>> {
        if self.is_template() || self.has_variables() || !self.is_in_place() {
            return Vec::new();
        }
        match self.upstream() {
            Some(group) => group.endpoints().collect(),
            None => self.own_endpoint().into_iter().collect(),
        }
    }

    /// The same, and, where variables choose among groups that the
    /// configuration lists, the servers of all of these.
    pub fn possible_endpoints(self) -> Vec<Endpoint<'m>> {
        if !self.has_variables() || self.is_template() || !self.is_in_place() {
            return self.endpoints();
        }
        self.upstreams().into_iter().flat_map(Upstream::endpoints).collect()
    }

    /// The host and port that a target without variables names itself, no
    /// group.
    pub fn own_endpoint(self) -> Option<Endpoint<'m>> {
        Endpoint::of(self.directive)
    }

    fn find_own_endpoint(self) -> Option<EndpointAt> {
        if self.is_template() || self.has_variables() || !self.is_in_place() || self.upstream().is_some() {
            return None;
        }
        let parts = self.parts();
        let default_port = self.protocol.default_port(&self.text[parts.scheme]).and_then(|port| port.parse().ok());
        Some(EndpointAt::new(self.text, parts.address, default_port))
    }
}

impl Model<'_> {
    fn endpoints(&self) -> &Endpoints {
        self.endpoints.get_or_init(|| {
            let targets =
                self.targets().filter_map(|target| Some((target.directive.id(), target.find_own_endpoint()?)));
            let groups = [Family::Http, Family::Stream].into_iter().flat_map(|family| self.upstreams(family));
            let servers = groups.flat_map(Upstream::servers);
            let servers = servers.filter_map(|server| Some((server.directive.id(), server.find_endpoint()?)));
            targets.chain(servers).collect()
        })
    }
}
