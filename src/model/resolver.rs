//! What a `resolver` asks: the name servers, and who asks it.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};
use crate::tree::NodeId;

use super::address::{parse_ipv4, parse_ipv6};
use super::directive::has_placeholder;
use super::target::{Host, Target, split_address};
use super::{Block, Directive, Effective, Model, Upstream, is_private};

/// A `resolver`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Resolver<'m> {
    /// The directive.
    pub directive: Directive<'m>,
}

/// What an address says about the name server behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameServerKind {
    /// 127.0.0.11: of a Docker network; knows containers by their short names.
    Docker,
    /// Of a Podman network; knows containers by their short names.
    Podman,
    /// systemd-resolved on this machine; reads the hosts file.
    Resolved,
    /// Some other one on this machine.
    Local,
    /// In a private network.
    Private,
    /// Open to everybody: knows the names of the internet and no others.
    Open,
    /// Any other address.
    Elsewhere,
    /// A name.
    Named,
}

/// A name server of a `resolver`.
#[derive(Clone, Copy, Debug)]
pub struct NameServer<'m> {
    /// The argument it is.
    pub index: usize,
    /// Address or name, without port.
    pub host: Host<'m>,
    /// What that says.
    pub kind: NameServerKind,
}

/// What begins a parameter.
const PARAMETERS: [&str; 4] = ["valid=", "ipv4=", "ipv6=", "status_zone="];

/// Name servers that anybody may ask: Google, Cloudflare, Quad9, OpenDNS,
/// AdGuard, Level 3, DNS.WATCH, Yandex, AliDNS, DNSPod, 114DNS, Comodo,
/// Verisign.
const OPEN: [&str; 28] = [
    "8.8.8.8",
    "8.8.4.4",
    "1.1.1.1",
    "1.0.0.1",
    "1.1.1.2",
    "1.0.0.2",
    "1.1.1.3",
    "1.0.0.3",
    "9.9.9.9",
    "9.9.9.10",
    "149.112.112.112",
    "208.67.222.222",
    "208.67.220.220",
    "94.140.14.14",
    "94.140.15.15",
    "4.2.2.1",
    "4.2.2.2",
    "84.200.69.80",
    "84.200.70.40",
    "77.88.8.8",
    "77.88.8.1",
    "223.5.5.5",
    "223.6.6.6",
    "119.29.29.29",
    "114.114.114.114",
    "114.114.115.115",
    "8.26.56.26",
    "64.6.64.6",
];

/// The same in IPv6, by the network of the provider.
const OPEN_NETWORKS: [&str; 4] = ["2001:4860:4860:", "2606:4700:4700:", "2620:fe:", "2620:119:"];

impl<'m> Resolver<'m> {
    /// The resolver in a directive; none where it may not stand, and where a
    /// tool fills something in before nginx sees it.
    pub fn of(directive: Directive<'m>) -> Option<Resolver<'m>> {
        let is_resolver = directive.name() == "resolver" && directive.definition().is_some();
        (is_resolver && directive.is_read() && !directive.arguments().any(has_placeholder))
            .then_some(Resolver { directive })
    }

    /// The one in force in a block, when it was seen. A group without one of
    /// its own has that of the block around it.
    pub fn in_force(block: Block<'m>) -> Option<Resolver<'m>> {
        let is_group = block.is(Context::Upstream) || block.is(Context::StreamUpstream);
        let outer = match block.effective("resolver") {
            Effective::Default if is_group => block.parent()?.effective("resolver"),
            other => other,
        };
        outer.directive().and_then(Resolver::of)
    }

    /// Its name servers.
    pub fn name_servers(self) -> impl Iterator<Item = NameServer<'m>> {
        let arguments = self.directive.arguments().enumerate();
        let servers = arguments.filter(|(_, text)| !PARAMETERS.iter().any(|start| text.starts_with(start)));
        servers.map(|(index, text)| {
            let host = split_address(text).0;
            NameServer { index, host, kind: kind_of_name_server(host) }
        })
    }

    /// Whether some of its name servers are of this kind.
    pub fn has(self, kind: NameServerKind) -> bool {
        self.name_servers().any(|server| server.kind == kind)
    }

    /// Whether it asks for IPv6 addresses too.
    pub fn asks_for_ipv6(self) -> bool {
        self.directive.arguments().filter_map(|text| text.strip_prefix("ipv6=")).last() != Some("off")
    }
}

fn kind_of_name_server(host: Host<'_>) -> NameServerKind {
    let Host::Address(text) = host else { return NameServerKind::Named };
    if OPEN.contains(&text) || is_open_ipv6(text) {
        return NameServerKind::Open;
    }
    match parse_ipv4(text) {
        Some([127, 0, 0, 11]) => NameServerKind::Docker,
        Some([127, 0, 0, 53]) => NameServerKind::Resolved,
        // The networks that Podman gives out from.
        Some([10, 88 | 89, ..]) => NameServerKind::Podman,
        _ if super::is_loopback(host) => NameServerKind::Local,
        _ if is_private(host) => NameServerKind::Private,
        _ => NameServerKind::Elsewhere,
    }
}

fn is_open_ipv6(text: &str) -> bool {
    let inner = text.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    parse_ipv6(&inner).is_some() && OPEN_NETWORKS.iter().any(|network| inner.starts_with(network))
}

/// The targets and servers of groups in whose place a resolver is in force.
#[derive(Clone, Debug, Default)]
pub struct InScope<'m> {
    /// Targets with variables, and servers that are resolved again and again.
    pub users: Vec<Directive<'m>>,
    /// Targets and servers that are names and are resolved once.
    pub resolved_once: Vec<Directive<'m>>,
}

impl<'t> Model<'t> {
    /// For each resolver of http and stream, what is in its scope.
    pub fn scopes_of_resolvers(&self) -> Vec<(Resolver<'_>, InScope<'_>)> {
        let mut scopes: FxHashMap<NodeId, InScope<'_>> = FxHashMap::default();
        let mut add = |directive: Directive<'_>, uses: bool| -> Option<()> {
            let resolver = Resolver::in_force(directive.parent())?;
            let scope = scopes.entry(resolver.directive.id()).or_default();
            let list = if uses { &mut scope.users } else { &mut scope.resolved_once };
            list.push(self.directive(directive.id()));
            Some(())
        };
        for target in self.targets().filter(|target| target.directive.definition().is_some()) {
            let is_name = |target: Target<'_>| target.own_endpoint().is_some_and(|endpoint| endpoint.may_be_several());
            if target.has_variables() || is_name(target) {
                add(target.directive, target.has_variables());
            }
        }
        for family in [Family::Http, Family::Stream] {
            for server in self.upstreams(family).flat_map(Upstream::servers) {
                if server.is_resolved_again() || server.directive.is_template(0) {
                    add(server.directive, true);
                } else if server.endpoint().is_some_and(|endpoint| endpoint.may_be_several()) {
                    add(server.directive, false);
                }
            }
        }
        let resolvers = self.directives_named(&["resolver"]).filter_map(Resolver::of);
        let scope_of = |resolver: &Resolver<'_>| scopes.get(&resolver.directive.id()).cloned().unwrap_or_default();
        resolvers.map(|resolver| (resolver, scope_of(&resolver))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_kind_of_name_server_it_is() {
        let table = [
            ("127.0.0.11", NameServerKind::Docker),
            ("127.0.0.11:53", NameServerKind::Docker),
            ("127.0.0.53", NameServerKind::Resolved),
            ("127.0.0.54", NameServerKind::Local),
            ("127.0.0.1:5353", NameServerKind::Local),
            ("[::1]", NameServerKind::Local),
            ("10.89.0.1", NameServerKind::Podman),
            ("10.96.0.10", NameServerKind::Private),
            ("169.254.169.253", NameServerKind::Private),
            ("[fd00::53]", NameServerKind::Private),
            ("8.8.8.8", NameServerKind::Open),
            ("[2001:4860:4860::8888]:53", NameServerKind::Open),
            ("203.0.113.1", NameServerKind::Elsewhere),
            ("kube-dns.kube-system.svc.cluster.local", NameServerKind::Named),
            ("localhost", NameServerKind::Named),
        ];
        for (text, expected) in table {
            assert_eq!(kind_of_name_server(split_address(text).0), expected, "{text}");
        }
    }
}
