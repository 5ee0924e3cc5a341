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
    Block, DEFAULT_TIMEOUT, Directive, Effective, Endpoint, Host, HostAddress, ListenOptions, Model, NameKind,
    PASS_AND_SERVER_NAMES, Protocol, Resolver, Server, Target, Template, Values, family_of_server, listen_form,
    parse_address, parse_flag, parse_number, split_address, time_in_force,
};

use super::super::Options;

/// The first release that offers TLS 1.3 to servers unless told otherwise.
const TLS13_BY_DEFAULT: Version = Version::new(1, 23, 4);

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
    /// The host of a request.
    pub(super) host: String,
}

/// How nginx would begin TLS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(super) struct Handshake {
    /// The name it would give, if any.
    pub(super) server_name: Option<String>,
    /// Its own certificate and key.
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// Whether it may use TLS 1.2.
    pub(super) tls12: bool,
    /// Whether it may use TLS 1.3.
    pub(super) tls13: bool,
    /// Whether it may use an older one, which is not spoken here.
    pub(super) older: bool,
    /// Whether it asks for HTTP/2.
    pub(super) http2: bool,
}

/// How nginx would verify the certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Check {
    /// The file with the certificates that are trusted.
    pub(super) trusted: PathBuf,
    /// The same as the configuration has it.
    pub(super) written: String,
    /// The name that the certificate has to be for.
    pub(super) name: String,
    /// How many certificates may stand between the server's and a trusted one.
    pub(super) depth: u64,
}

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
        Greeting { said, tls: None, host: String::new() }
    }

    /// A handshake to see whether anybody there speaks TLS.
    fn any_tls() -> Greeting {
        let tls = Handshake { tls12: true, tls13: true, ..Handshake::default() };
        Greeting { tls: Some(tls), ..Greeting::of(Said::Tls) }
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
            for group in target.upstreams() {
                for server in group.servers().filter(|server| !server.is_down()) {
                    let endpoint = server.endpoint();
                    let endpoint = endpoint.map(|endpoint| (endpoint, server.is_resolved_again()));
                    self.add_way(plan, target, endpoint, group.name());
                }
            }
            if let Some(endpoint) = target.own_endpoint() {
                let host = written_host(endpoint.host);
                self.add_way(plan, target, Some((endpoint, false)), host);
            }
        }
    }

    fn add_way(&self, plan: &mut Plan, target: Target<'_>, endpoint: Option<(Endpoint<'_>, bool)>, host: &str) {
        let Some((endpoint, asked)) = endpoint else { return };
        let Some(to) = to(endpoint, asked) else { return };
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
        let is_http = target.protocol == Protocol::Proxy;
        let asks = is_http && self.options.requests;
        match target.uses_tls() {
            None => Err("whether TLS is spoken there depends on the request"),
            Some(true) => {
                let (tls, check) = self.handshake(target, host)?;
                let said = if asks { Said::Request } else { Said::Tls };
                let host = request_host(target, host);
                Ok((Some(Greeting { said, tls: Some(tls), host }), check))
            }
            Some(false) if asks => {
                let host = request_host(target, host);
                Ok((Some(Greeting { host, ..Greeting::of(Said::Request) }), None))
            }
            Some(false) => Ok((Some(plain_greeting(target.protocol)), None)),
        }
    }

    fn handshake(&self, target: Target<'_>, host: &str) -> Result<(Handshake, Option<Check>), &'static str> {
        const UNKNOWN: &str = "the name that nginx gives in the TLS handshake depends on the request";
        const UNSEEN: &str = "how nginx speaks TLS there stands in a file that was not read";
        let name = match target.effective("ssl_name") {
            Effective::Set(directive) => evaluate(target, directive.argument(0).unwrap_or_default(), host),
            Effective::Default => Some(host.to_owned()),
            Effective::Unseen => return Err(UNSEEN),
        };
        let name = name.map(|name| without_port(&name).to_owned());
        let gives = flag(target.effective("ssl_server_name")).ok_or(UNSEEN)?;
        let verifies = flag(target.effective("ssl_verify")).ok_or(UNSEEN)?;
        let name = match name {
            None if gives || verifies => return Err(UNKNOWN),
            name => name.unwrap_or_default(),
        };
        let (tls12, tls13, older) = self.versions(target);
        if !tls12 && !tls13 {
            return Err("only versions of TLS before 1.2 are allowed there, which are not spoken here");
        }
        // No addresses: RFC 6066 does not permit them, and nginx leaves them out.
        let is_name = !name.is_empty() && !name.starts_with('[') && name.parse::<IpAddr>().is_err();
        let handshake = Handshake {
            server_name: Some(name.clone()).filter(|_| gives && is_name),
            client: self.client(target),
            tls12,
            tls13,
            older,
            http2: target.protocol == Protocol::Grpc,
        };
        let check = if verifies { self.check(target, name) } else { None };
        Ok((handshake, check))
    }

    fn versions(&self, target: Target<'_>) -> (bool, bool, bool) {
        match target.effective("ssl_protocols") {
            Effective::Set(directive) => {
                let has = |version: &str| directive.arguments().any(|own| own.eq_ignore_ascii_case(version));
                (has("TLSv1.2"), has("TLSv1.3"), has("TLSv1") || has("TLSv1.1") || has("SSLv3"))
            }
            Effective::Default | Effective::Unseen => {
                let tls13 = self.version.is_none_or(|version| version >= TLS13_BY_DEFAULT);
                (true, tls13, !tls13)
            }
        }
    }

    fn client(&self, target: Target<'_>) -> Option<(PathBuf, PathBuf)> {
        let file = |name: &str| {
            let text = target.effective(name).directive()?.argument(0)?;
            (!text.is_empty() && !text.contains('$') && !text.contains(':')).then(|| self.path(text))
        };
        Some((file("ssl_certificate")?, file("ssl_certificate_key")?))
    }

    fn check(&self, target: Target<'_>, name: String) -> Option<Check> {
        let written = target.effective("ssl_trusted_certificate").directive()?.argument(0)?;
        let depth = match target.effective("ssl_verify_depth") {
            Effective::Set(directive) => parse_number(directive.argument(0)?)?,
            Effective::Default => 1,
            Effective::Unseen => return None,
        };
        Some(Check { trusted: self.path(written), written: written.to_owned(), name, depth })
    }

    /// A file, as nginx finds it: beside the main file unless its path is
    /// absolute.
    fn path(&self, text: &str) -> PathBuf {
        let main = self.model.files().first().map(|file| file.source.path());
        let beside = main.and_then(Path::parent).unwrap_or(Path::new("")).join(text);
        std::path::absolute(&beside).unwrap_or(beside)
    }
}

fn flag(value: Effective<'_>) -> Option<bool> {
    match value {
        Effective::Set(directive) => parse_flag(directive.argument(0)?),
        Effective::Default => Some(false),
        Effective::Unseen => None,
    }
}

fn plain_greeting(protocol: Protocol) -> Greeting {
    match protocol {
        Protocol::Proxy => Greeting::any_tls(),
        Protocol::Grpc => Greeting::of(Said::Http2),
        Protocol::Fastcgi => Greeting::of(Said::Fastcgi),
        Protocol::Memcached => Greeting::of(Said::Memcached),
        Protocol::Uwsgi | Protocol::Scgi | Protocol::Stream => Greeting::of(Said::Nothing),
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

fn written_host(host: Host<'_>) -> &str {
    match host {
        Host::Address(text) | Host::Name(text) | Host::Unix(text) => text,
    }
}

/// A name without a port behind it, as nginx takes it for TLS.
fn without_port(name: &str) -> &str {
    let start = if name.starts_with('[') { name.find(']').unwrap_or(0) } else { 0 };
    name[start..].find(':').map_or(name, |colon| &name[..start + colon])
}

/// The `Host` of a request that nginx would pass on.
fn request_host(target: Target<'_>, host: &str) -> String {
    let headers = target.block().effective_list("proxy_set_header");
    let own = headers.named("Host").next().and_then(|header| header.argument(1));
    let own = own.and_then(|text| evaluate(target, text, host));
    own.filter(|text| is_clean(text)).unwrap_or_else(|| proxy_host(target, host))
}

/// Whether a text can stand in a line of a request.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `$proxy_host`: the host, and the port unless it is that of the scheme.
fn proxy_host(target: Target<'_>, host: &str) -> String {
    let address = &target.text[target.parts().address];
    let default = if target.uses_tls() == Some(true) { "443" } else { "80" };
    let text = match split_address(address) {
        (Host::Unix(_), _) => "localhost",
        (_, Some(port)) if port != default && !target.has_variables() => address,
        _ => host,
    };
    if is_clean(text) { text.to_owned() } else { "localhost".to_owned() }
}

/// What a text with variables amounts to for a request to the first name of
/// the server; none when that is not known.
fn evaluate(target: Target<'_>, text: &str, host: &str) -> Option<String> {
    if !text.contains('$') {
        return Some(text.to_owned());
    }
    let template = Template::parse(text);
    let passed = proxy_host(target, host);
    let first = first_name(target.block());
    let value = |variable: &str| match variable.to_ascii_lowercase().as_str() {
        "proxy_host" => Some(passed.as_str()),
        "host" | "http_host" | "server_name" | "ssl_server_name" => first.as_deref(),
        _ => None,
    };
    if template.variables().all(|variable| value(variable).is_some()) {
        return Some(template.fill(|variable| value(variable).unwrap_or_default()));
    }
    let values = target.directive.model().values_at(target.block(), text);
    let mut texts = values.iter();
    match (texts.next(), texts.next()) {
        (Some(only), None) if Values::is_known(only) => Some(only.to_owned()),
        _ => None,
    }
}

/// The first plain name of the server around a block.
fn first_name(block: Block<'_>) -> Option<String> {
    let server = block.outwards().find(|block| block.is(Context::Server))?;
    let names = server.server_names();
    let plain = names.into_iter().find(|name| name.kind == NameKind::Exact && name.text.contains(|c: char| c != '_'));
    plain.map(|name| name.text.into_owned())
}
