//! What is to be asked, as the configuration says it: names, addresses and how
//! nginx would speak there. What depends on a request that nobody made is left
//! out.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::{Context, Family, Version};
use crate::facts::{Facts, NotExamined, Said};
use crate::model::{
    DEFAULT_TIMEOUT, Directive, Endpoint, Handshake, Host, HostAddress, ListenOptions, Model, PASS_AND_SERVER_NAMES,
    PossibleWay, Protocol, Resolver, Server, Target, Verification, family_of_server, listen_form, parse_address,
    split_address, time_in_force,
};

use super::super::Options;

/// All that is to be asked, each once.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Names that nginx resolves when it starts, in lower case.
    pub(super) names: BTreeSet<String>,
    /// Where requests are passed to.
    pub(super) ways: Vec<Way>,
    /// What name servers are asked.
    pub(super) questions: BTreeSet<Asked>,
    /// What cannot be asked.
    pub(super) skipped: Vec<NotExamined>,
}

/// A way to a server behind nginx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Way {
    /// Where to.
    pub(super) to: To,
    /// How long connecting may take.
    pub(super) timeout: Duration,
    /// What to say there; nothing is said, and nothing waited for, without.
    pub(super) greeting: Option<Greeting>,
    /// How the certificate is verified.
    pub(super) check: Option<Check>,
}

/// Where a way leads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum To {
    /// The path of a socket.
    Unix(String),
    /// An address, with brackets if it is one of IPv6, or a name; and a port.
    Host(String, u16),
    /// A name that only a resolver is asked for, and a port.
    Asked(String, u16),
}

/// What is said first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Greeting {
    pub(super) said: Said,
    /// The handshake before a request, or the handshake alone.
    pub(super) tls: Option<Handshake>,
    /// The certificate and the key for it.
    pub(super) client: Option<Pair>,
    /// The host of a request.
    pub(super) host: String,
}

/// How nginx would verify the certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Check {
    /// The file with the certificates that are trusted.
    pub(super) trusted: PathBuf,
    /// The rest, as the configuration has it.
    pub(super) verification: Verification,
}

/// The certificate and the key of this side.
pub(super) type Pair = (PathBuf, PathBuf);

/// A question to a name server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Asked {
    pub(super) server: NameServer,
    pub(super) name: String,
    pub(super) ipv4: bool,
    pub(super) ipv6: bool,
}

/// A name server: an address without brackets, or a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct NameServer {
    pub(super) host: String,
    pub(super) port: u16,
}

impl NameServer {
    /// Whether it can be asked as it is.
    pub(super) fn is_address(&self) -> bool {
        self.address().is_some()
    }

    /// Its address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let address: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(address, self.port))
    }
}

impl Asked {
    /// The same question to each of the addresses that the name of the name
    /// server stands for.
    pub(super) fn resolved(&self, facts: &Facts) -> Vec<Asked> {
        let resolution = facts.names.get(&self.server.host.to_ascii_lowercase());
        let addresses = resolution.into_iter().flat_map(|resolution| &resolution.addresses);
        let with = |host: &String| NameServer { host: host.clone(), port: self.server.port };
        addresses.map(|host| Asked { server: with(host), ..self.clone() }).collect()
    }
}

impl Greeting {
    fn of(said: Said) -> Greeting {
        Greeting { said, tls: None, client: None, host: String::new() }
    }

    /// A handshake to see whether anybody there speaks TLS.
    fn any_tls() -> Greeting {
        Greeting { tls: Some(Handshake::anybody()), ..Greeting::of(Said::Tls) }
    }

    /// Whether one of the two is enough.
    pub(super) fn is_same(&self, other: &Greeting) -> bool {
        self.said == other.said && self.tls == other.tls
    }

    /// What is said when a request without TLS got no good answer.
    pub(super) fn instead_of_request(&self) -> Option<Greeting> {
        (self.said == Said::Request && self.tls.is_none()).then(Greeting::any_tls)
    }
}

impl Plan {
    /// What these configurations, which one nginx reads, name.
    pub(super) fn of(models: &[&Model<'_>], options: &Options, facts: &Facts) -> Plan {
        let binary = facts.nginx.binary.as_ref().and_then(|binary| binary.version.parse().ok());
        let mut plan = Plan::default();
        for model in models {
            let planner = Planner { model, options, version: model.version().or(binary) };
            planner.add_names(&mut plan);
            planner.add_targets(&mut plan);
            planner.add_groups(&mut plan);
            planner.add_questions(&mut plan);
        }
        plan
    }

    fn add_name(&mut self, host: Host<'_>) {
        if let Host::Name(name) = host
            && !name.is_empty()
            && !name.contains('$')
        {
            self.names.insert(name.to_ascii_lowercase());
        }
    }
}

/// Reads one configuration.
struct Planner<'a, 'm> {
    model: &'a Model<'m>,
    options: &'a Options,
    version: Option<Version>,
}

impl Planner<'_, '_> {
    /// The names that nginx resolves when it starts, wherever they stand.
    fn add_names(&self, plan: &mut Plan) {
        for directive in self.directives(&PASS_AND_SERVER_NAMES) {
            let endpoint = match Target::of(directive) {
                Some(target) => target.own_endpoint(),
                None => {
                    let server = Server { directive };
                    server.endpoint().filter(|_| server.is_in_group() && !server.is_resolved_again())
                }
            };
            endpoint.into_iter().for_each(|endpoint| plan.add_name(endpoint.host));
        }
        for listen in self.directives(&["listen"]) {
            let family = family_of_server(listen.parent());
            let address = family.zip(listen.argument(0)).map(|(family, text)| parse_address(text, listen_form(family)));
            if let Some(Ok(address)) = address
                && let HostAddress::Name(name) = &address.kind
            {
                plan.add_name(Host::Name(name));
            }
        }
        for auth in self.directives(&["auth_http"]) {
            let text = auth.argument(0).unwrap_or_default();
            let text = text.strip_prefix("http://").unwrap_or(text);
            plan.add_name(split_address(text.split(['/', '?']).next().unwrap_or_default()).0);
        }
        for log in self.directives(&["error_log", "access_log"]) {
            let text = log.argument(0).and_then(|text| text.strip_prefix("syslog:")).unwrap_or_default();
            let server = text.split(',').find_map(|part| part.strip_prefix("server="));
            server.into_iter().for_each(|server| plan.add_name(split_address(server).0));
        }
        for resolver in self.directives(&["resolver"]).filter_map(Resolver::of) {
            resolver.name_servers().for_each(|server| plan.add_name(server.host));
        }
    }

    /// Directives that nginx reads, those with a placeholder left out.
    fn directives(&self, names: &[&str]) -> impl Iterator<Item = Directive<'_>> {
        let all = self.model.directives_named(names);
        all.filter(|directive| directive.definition().is_some() && directive.is_read() && !directive.is_template(0))
    }

    fn add_targets(&self, plan: &mut Plan) {
        let targets = self.model.targets().filter(|target| target.directive.definition().is_some());
        for target in targets.filter(|target| target.is_in_place() && !target.is_template()) {
            for way in target.possible_ways() {
                self.add_way(plan, target, way);
            }
        }
    }

    fn add_way(&self, plan: &mut Plan, target: Target<'_>, way: PossibleWay<'_>) {
        let PossibleWay { endpoint, host, is_resolved_again } = way;
        let Some(to) = to(endpoint, is_resolved_again) else { return };
        if is_over_udp(target) {
            let why = "it is reached over UDP, where nothing is connected to";
            plan.skipped.push(NotExamined { what: endpoint.text.to_owned(), why: why.to_owned() });
            return;
        }
        let timeout = self.timeout(target);
        let greeting = self.greeting(target, host);
        let (greeting, check) = match greeting {
            Ok(greeting) => greeting,
            Err(why) => {
                let what = format!("what speaks at {}", endpoint.text);
                plan.skipped.push(NotExamined { what, why: why.to_owned() });
                (None, None)
            }
        };
        plan.ways.push(Way { to, timeout, greeting, check });
    }

    /// Groups that nothing passes requests to, as far as that is known.
    fn add_groups(&self, plan: &mut Plan) {
        let timeout = self.options.connect_cap;
        for family in [Family::Http, Family::Stream] {
            let may_be_udp = family == Family::Stream && self.has_udp();
            let groups = self.model.upstreams(family).filter(|_| !may_be_udp);
            for group in groups.filter(|group| self.model.targets_of(*group).next().is_none()) {
                for server in group.servers().filter(|server| !server.is_down()) {
                    let endpoint = server.endpoint();
                    let to = endpoint.and_then(|endpoint| to(endpoint, server.is_resolved_again()));
                    plan.ways.extend(to.map(|to| Way { to, timeout, greeting: None, check: None }));
                }
            }
        }
    }

    fn has_udp(&self) -> bool {
        let mut servers = self.model.servers(Family::Stream);
        servers.any(|server| server.directives("listen").any(|listen| ListenOptions::of(listen).udp))
    }

    /// The names that resolvers are asked for.
    fn add_questions(&self, plan: &mut Plan) {
        for (resolver, scope) in self.model.scopes_of_resolvers() {
            let names: BTreeSet<String> = scope.users.iter().flat_map(|user| user.names_looked_up()).collect();
            let off = |name: &str| resolver.directive.arguments().any(|text| text == name);
            for server in resolver.name_servers() {
                let text = resolver.directive.argument(server.index).unwrap_or_default();
                let (host, port) = split_address(text);
                let (Host::Address(host) | Host::Name(host)) = host else { continue };
                let Ok(port) = port.unwrap_or("53").parse() else { continue };
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                plan.questions.extend(names.iter().map(|name| Asked {
                    server: NameServer { host: host.clone(), port },
                    name: name.to_ascii_lowercase(),
                    ipv4: !off("ipv4=off"),
                    ipv6: resolver.asks_for_ipv6(),
                }));
            }
        }
    }

    fn timeout(&self, target: Target<'_>) -> Duration {
        let cap = self.options.connect_cap;
        let own = time_in_force(target.effective("connect_timeout"), DEFAULT_TIMEOUT);
        own.map_or(cap, |own| Duration::from_millis(own.max(1)).min(cap))
    }

    /// What nginx would say first, and how it would verify the certificate.
    fn greeting(&self, target: Target<'_>, host: &str) -> Result<(Option<Greeting>, Option<Check>), &'static str> {
        let asks = target.protocol == Protocol::Proxy && self.options.requests;
        // What nginx says there first is not spoken here.
        let announces = target.protocol == Protocol::Stream && target.block().is_on("proxy_protocol") != Some(false);
        match target.uses_tls() {
            Some(true) if announces => Err("nginx begins with the PROXY protocol there"),
            None => Err("whether TLS is spoken there depends on the request"),
            Some(true) => {
                let (tls, verification) = target.handshake(host, self.version)?;
                let said = if asks { Said::Request } else { Said::Tls };
                let client = tls.client.as_ref().map(|(certificate, key)| (self.path(certificate), self.path(key)));
                let check =
                    verification.map(|verification| Check { trusted: self.path(&verification.trusted), verification });
                Ok((Some(Greeting { said, tls: Some(tls), client, host: target.request_host(host) }), check))
            }
            Some(false) if asks => {
                let host = target.request_host(host);
                Ok((Some(Greeting { host, ..Greeting::of(Said::Request) }), None))
            }
            Some(false) => Ok((Some(plain_greeting(target.protocol)), None)),
        }
    }

    /// A file, as nginx finds it: beside the main file unless its path is
    /// absolute.
    fn path(&self, text: &str) -> PathBuf {
        let main = self.model.files().first().map(|file| file.source.path());
        let beside = main.and_then(Path::parent).unwrap_or(Path::new("")).join(text);
        std::path::absolute(&beside).unwrap_or(beside)
    }
}

fn plain_greeting(protocol: Protocol) -> Greeting {
    match protocol.greeting() {
        Said::Tls => Greeting::any_tls(),
        said => Greeting::of(said),
    }
}

fn to(endpoint: Endpoint<'_>, asked: bool) -> Option<To> {
    match endpoint.host {
        Host::Unix(path) => Some(To::Unix(path.to_owned())).filter(|_| !path.is_empty()),
        Host::Address(host) => Some(To::Host(host.to_owned(), endpoint.port?)),
        Host::Name("") => None,
        Host::Name(name) if asked => Some(To::Asked(name.to_ascii_lowercase(), endpoint.port?)),
        Host::Name(name) => Some(To::Host(name.to_ascii_lowercase(), endpoint.port?)),
    }
    .filter(|to| !matches!(to, To::Host(_, 0) | To::Asked(_, 0)))
}

/// Whether what a server of stream takes comes over UDP alone, and goes on so.
fn is_over_udp(target: Target<'_>) -> bool {
    let server = target.block().outwards().find(|block| block.is(Context::StreamServer));
    let listens: Vec<Directive<'_>> = server.into_iter().flat_map(|server| server.directives("listen")).collect();
    !listens.is_empty() && listens.into_iter().all(|listen| ListenOptions::of(listen).udp)
}
