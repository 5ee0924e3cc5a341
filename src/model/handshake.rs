//! How nginx begins to speak with a server behind it, TLS above all: the name
//! it gives, what it offers, what it verifies. And what was heard when that
//! was tried.

use crate::catalog::{Context, Version};
use crate::facts::{Conversation, Said};

use super::target::{Host, split_address};
use super::{Block, Effective, Endpoint, NameKind, Protocol, Target, Template, Values, parse_flag, parse_number};

/// The first release that offers TLS 1.3 to servers unless told otherwise.
const TLS13_BY_DEFAULT: Version = Version::new(1, 23, 4);

/// Why a handshake is not known.
const NAME_UNKNOWN: &str = "the name that nginx gives in the TLS handshake depends on the request";
const UNSEEN: &str = "how nginx speaks TLS there stands in a file that was not read";
const TOO_OLD: &str = "only versions of TLS before 1.2 are allowed there, which are not spoken here";

/// How nginx begins TLS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Handshake {
    /// The name it gives, if any.
    pub server_name: Option<String>,
    /// The files of its own certificate and key, as they are written.
    pub client: Option<(String, String)>,
    /// Whether it may use TLS 1.2.
    pub tls12: bool,
    /// Whether it may use TLS 1.3.
    pub tls13: bool,
    /// Whether it may use an older one.
    pub older: bool,
    /// Whether it asks for HTTP/2.
    pub http2: bool,
}

/// How nginx verifies the certificate of a server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Verification {
    /// The file with the certificates that are trusted, as it is written.
    pub trusted: String,
    /// The name that the certificate has to be for.
    pub name: String,
    /// How many certificates may stand between the server's and a trusted one.
    pub depth: u64,
}

/// One of the ways that a target may lead.
#[derive(Clone, Copy, Debug)]
pub struct PossibleWay<'m> {
    /// Where to.
    pub endpoint: Endpoint<'m>,
    /// What nginx takes for the name of the server there: that of the group,
    /// or the host of the target.
    pub host: &'m str,
    /// Whether a resolver is asked for its addresses while nginx runs.
    pub is_resolved_again: bool,
}

impl Handshake {
    /// One that any server can take that speaks TLS, unless it wants a name.
    pub fn anybody() -> Handshake {
        Handshake { tls12: true, tls13: true, ..Handshake::default() }
    }

    /// The versions it offers, older ones left out.
    pub fn versions(&self) -> Vec<String> {
        let all = [(self.tls12, "TLSv1.2"), (self.tls13, "TLSv1.3")];
        all.into_iter().filter(|(on, _)| *on).map(|(_, version)| version.to_owned()).collect()
    }

    /// Whether this is how a conversation began.
    fn began(&self, conversation: &Conversation) -> bool {
        let client = self.client.as_ref().map(|(certificate, _)| certificate);
        let is_same = self.versions() == conversation.versions
            && self.http2 == conversation.asks_for_http2
            && client == conversation.client_certificate.as_ref();
        // Facts that somebody wrote by hand may leave all of this out.
        (conversation.versions.is_empty() || is_same) && self.server_name == conversation.server_name
    }
}

impl Verification {
    /// Whether what was heard tells how this comes out.
    fn was_tried(&self, conversation: &Conversation) -> bool {
        let Some(tls) = &conversation.tls else { return true };
        tls.verified_name.as_ref().is_none_or(|name| *name == self.name)
            && tls.trusted.as_ref().is_none_or(|trusted| trusted.ends_with(&self.trusted))
    }
}

impl Protocol {
    /// What is said first where no TLS is expected, to hear who is there.
    pub fn greeting(self) -> Said {
        match self {
            // Whoever speaks plain HTTP answers it in plain HTTP.
            Protocol::Proxy => Said::Tls,
            Protocol::Grpc => Said::Http2,
            Protocol::Fastcgi => Said::Fastcgi,
            Protocol::Memcached => Said::Memcached,
            Protocol::Uwsgi | Protocol::Scgi | Protocol::Stream => Said::Nothing,
        }
    }
}

impl<'m> Target<'m> {
    /// Where it may lead, servers that are down left out.
    pub fn possible_ways(self) -> Vec<PossibleWay<'m>> {
        let mut ways = Vec::new();
        for group in self.upstreams() {
            for server in group.servers().filter(|server| !server.is_down()) {
                let is_resolved_again = server.is_resolved_again();
                let way = |endpoint| PossibleWay { endpoint, host: group.name(), is_resolved_again };
                ways.extend(server.endpoint().map(way));
            }
        }
        let own = self.own_endpoint().map(|endpoint| {
            let (Host::Address(host) | Host::Name(host) | Host::Unix(host)) = endpoint.host;
            PossibleWay { endpoint, host, is_resolved_again: false }
        });
        ways.extend(own);
        ways
    }

    /// How nginx, of this release, begins TLS with a server that it takes to
    /// have this name, and how it verifies it; for a request to the first name
    /// of its own server, where that counts.
    ///
    /// # Errors
    ///
    /// Why that is not known.
    pub fn handshake(
        self,
        host: &str,
        release: Option<Version>,
    ) -> Result<(Handshake, Option<Verification>), &'static str> {
        let name = match self.effective("ssl_name") {
            Effective::Set(directive) => self.evaluate(directive.argument(0).unwrap_or_default(), host),
            Effective::Default => Some(host.to_owned()),
            Effective::Unseen => return Err(UNSEEN),
        };
        let name = name.map(|name| without_port(&name).to_owned());
        let gives = flag(self.effective("ssl_server_name")).ok_or(UNSEEN)?;
        let verifies = flag(self.effective("ssl_verify")).ok_or(UNSEEN)?;
        let name = match name {
            None if gives || verifies => return Err(NAME_UNKNOWN),
            name => name.unwrap_or_default(),
        };
        let mut handshake = self.versions(release);
        if !handshake.tls12 && !handshake.tls13 {
            return Err(TOO_OLD);
        }
        // No addresses: RFC 6066 does not permit them, and nginx leaves them out.
        let is_name = !name.is_empty() && matches!(split_address(&name).0, Host::Name(_));
        handshake.server_name = Some(name.clone()).filter(|_| gives && is_name);
        handshake.client = self.client_certificate();
        handshake.http2 = self.protocol == Protocol::Grpc;
        Ok((handshake, if verifies { self.verification(name) } else { None }))
    }

    fn versions(self, release: Option<Version>) -> Handshake {
        let (tls12, tls13, older) = match self.effective("ssl_protocols") {
            Effective::Set(directive) => {
                let has = |version: &str| directive.arguments().any(|own| own.eq_ignore_ascii_case(version));
                (has("TLSv1.2"), has("TLSv1.3"), has("TLSv1") || has("TLSv1.1") || has("SSLv3"))
            }
            Effective::Default | Effective::Unseen => {
                let tls13 = release.is_none_or(|release| release >= TLS13_BY_DEFAULT);
                (true, tls13, !tls13)
            }
        };
        Handshake { tls12, tls13, older, ..Handshake::default() }
    }

    fn client_certificate(self) -> Option<(String, String)> {
        let file = |name: &str| {
            let text = self.effective(name).directive()?.argument(0)?;
            (!text.is_empty() && !text.contains('$') && !text.contains(':')).then(|| text.to_owned())
        };
        Some((file("ssl_certificate")?, file("ssl_certificate_key")?))
    }

    fn verification(self, name: String) -> Option<Verification> {
        let trusted = self.effective("ssl_trusted_certificate").directive()?.argument(0)?.to_owned();
        let depth = match self.effective("ssl_verify_depth") {
            Effective::Set(directive) => parse_number(directive.argument(0)?)?,
            Effective::Default => 1,
            Effective::Unseen => return None,
        };
        Some(Verification { trusted, name, depth })
    }

    /// The `Host` of a request that nginx passes on.
    pub fn request_host(self, host: &str) -> String {
        let headers = self.block().effective_list("proxy_set_header");
        let own = headers.named("Host").next().and_then(|header| header.argument(1));
        let own = own.and_then(|text| self.evaluate(text, host));
        own.filter(|text| !text.is_empty() && is_clean(text)).unwrap_or_else(|| self.proxy_host(host))
    }

    /// `$proxy_host`: the host, and the port unless it is that of the scheme.
    fn proxy_host(self, host: &str) -> String {
        let address = &self.text[self.parts().address];
        let default = if self.uses_tls() == Some(true) { "443" } else { "80" };
        let text = match split_address(address) {
            (Host::Unix(_), _) => "localhost",
            (_, Some(port)) if port != default && !self.has_variables() => address,
            _ => host,
        };
        if is_clean(text) { text.to_owned() } else { "localhost".to_owned() }
    }

    /// What a text with variables amounts to for a request to the first name
    /// of the server; none when that is not known.
    fn evaluate(self, text: &str, host: &str) -> Option<String> {
        if !text.contains('$') {
            return Some(text.to_owned());
        }
        let template = Template::parse(text);
        let passed = self.proxy_host(host);
        let first = first_name(self.block());
        let value = |variable: &str| match variable.to_ascii_lowercase().as_str() {
            "proxy_host" => Some(passed.as_str()),
            "host" | "http_host" | "server_name" | "ssl_server_name" => first.as_deref(),
            _ => None,
        };
        if template.variables().all(|variable| value(variable).is_some()) {
            return Some(template.fill(|variable| value(variable).unwrap_or_default()));
        }
        let values = self.directive.model().values_at(self.block(), text);
        let mut texts = values.iter();
        match (texts.next(), texts.next()) {
            (Some(only), None) if Values::is_known(only) && !values.incomplete => Some(only.to_owned()),
            _ => None,
        }
    }

    /// What was heard where it leads when somebody spoke there as nginx does
    /// for this target. Empty when nobody did, or when that is not known.
    pub fn conversations(self) -> Vec<&'m Conversation> {
        let model = self.directive.model();
        let Some(facts) = model.facts() else { return Vec::new() };
        let binary = facts.nginx.binary.as_ref().and_then(|binary| binary.version.parse().ok());
        let release = model.version().or(binary);
        let mut heard: Vec<&Conversation> = Vec::new();
        for way in self.possible_ways() {
            let is_ours = |conversation: &&Conversation| match self.uses_tls() {
                Some(true) => self.handshake(way.host, release).is_ok_and(|(handshake, verification)| {
                    let is_request = conversation.said == Said::Request && conversation.tls.is_some();
                    (conversation.said == Said::Tls || is_request)
                        && handshake.began(conversation)
                        && verification.is_none_or(|verification| verification.was_tried(conversation))
                }),
                Some(false) if conversation.said == Said::Tls => {
                    self.protocol.greeting() == Said::Tls && Handshake::anybody().began(conversation)
                }
                Some(false) => {
                    let asks = conversation.said == Said::Request && self.protocol == Protocol::Proxy;
                    let is_plain = conversation.versions.is_empty() && conversation.server_name.is_none();
                    is_plain && (asks || conversation.said == self.protocol.greeting())
                }
                None => false,
            };
            let addresses = model.addresses_of(way.endpoint).unwrap_or_default();
            let at = |conversation: &&Conversation| addresses.contains(&conversation.address);
            let own = facts.conversations.iter().filter(at).filter(is_ours);
            let own: Vec<&Conversation> =
                own.filter(|one| !heard.iter().any(|known| std::ptr::eq(*known, *one))).collect();
            heard.extend(own);
        }
        heard
    }
}

fn flag(value: Effective<'_>) -> Option<bool> {
    match value {
        Effective::Set(directive) => parse_flag(directive.argument(0)?),
        Effective::Default => Some(false),
        Effective::Unseen => None,
    }
}

/// A name without a port behind it, as nginx takes it for TLS.
fn without_port(name: &str) -> &str {
    let start = if name.starts_with('[') { name.find(']').unwrap_or(0) } else { 0 };
    name[start..].find(':').map_or(name, |colon| &name[..start + colon])
}

/// Whether a text can stand in a line of a request.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The first plain name of the server around a block.
fn first_name(block: Block<'_>) -> Option<String> {
    let server = block.outwards().find(|block| block.is(Context::Server))?;
    let names = server.server_names();
    let plain = names.into_iter().find(|name| name.kind == NameKind::Exact && name.text.contains(|c: char| c != '_'));
    plain.map(|name| name.text.into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::facts::Facts;
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    fn with_target<R>(passing: &str, facts: Facts, ask: impl FnOnce(Target<'_>) -> R) -> R {
        let path = Path::new("nginx.conf");
        let text = format!(
            "http {{ upstream app {{ server 10.0.0.1:443; server 10.0.0.2:443 down; }} map $host $one {{ default a.example; }}
             server {{ server_name *.b.example www.example; location / {{ {passing} }} }} }}"
        );
        let files: Memory = [(path, text)].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let model = Model::new(&tree, Context::Main, Profile { facts: Some(Arc::new(facts)), ..Profile::default() });
        ask(model.targets().next().expect("a target"))
    }

    /// The name given, the one verified, and the host of a request.
    fn describe(passing: &str) -> String {
        with_target(passing, Facts::default(), |target| {
            let way = target.possible_ways()[0];
            match target.handshake(way.host, Some(Version::new(1, 22, 1))) {
                Err(why) => why.to_owned(),
                Ok((handshake, verification)) => {
                    let given = handshake.server_name.as_deref().unwrap_or("-").to_owned();
                    let verified = verification.map_or("-".to_owned(), |verification| verification.name);
                    format!("{given} {verified} {} {}", target.request_host(way.host), handshake.versions().join(","))
                }
            }
        })
    }

    #[test]
    fn names_are_given_and_verified_as_nginx_does_it() {
        let on = "proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem;";
        let table = [
            ("proxy_pass https://app;", "- - app TLSv1.2".to_owned()),
            (&format!("proxy_pass https://app; {on}"), "app app app TLSv1.2".to_owned()),
            (
                &format!("proxy_pass https://x.example:444; {on}"),
                "x.example x.example x.example:444 TLSv1.2".to_owned(),
            ),
            (&format!("proxy_pass https://127.0.0.1; {on}"), "- 127.0.0.1 127.0.0.1 TLSv1.2".to_owned()),
            (&format!("proxy_pass https://[::1]:444; {on}"), "- [::1] [::1]:444 TLSv1.2".to_owned()),
            (
                &format!("proxy_pass https://app; {on} proxy_ssl_name $host; proxy_set_header Host $http_host;"),
                "www.example www.example www.example TLSv1.2".to_owned(),
            ),
            (&format!("proxy_pass https://app; {on} proxy_ssl_name $proxy_host;"), "app app app TLSv1.2".to_owned()),
            (
                &format!("proxy_pass https://app; {on} proxy_ssl_name $one;"),
                "a.example a.example app TLSv1.2".to_owned(),
            ),
            (
                &format!("proxy_pass https://app; {on} proxy_ssl_name x.example:1;"),
                "x.example x.example app TLSv1.2".to_owned(),
            ),
            (&format!("proxy_pass https://app; {on} proxy_ssl_name $arg_x;"), NAME_UNKNOWN.to_owned()),
            ("proxy_pass https://app; proxy_ssl_name $arg_x;", "- - app TLSv1.2".to_owned()),
            ("proxy_pass https://app; proxy_ssl_protocols TLSv1.2 TLSv1.3;", "- - app TLSv1.2,TLSv1.3".to_owned()),
            ("proxy_pass https://app; proxy_ssl_protocols TLSv1;", TOO_OLD.to_owned()),
            ("grpc_pass grpcs://app; grpc_ssl_server_name on;", "app - app TLSv1.2".to_owned()),
        ];
        for (passing, expected) in table {
            assert_eq!(describe(passing), expected, "{passing}");
        }
    }

    #[test]
    fn what_was_heard_belongs_to_those_who_would_speak_so() {
        let spoken = |said, name: Option<&str>, versions: &[&str]| Conversation {
            address: "10.0.0.1:443".to_owned(),
            said,
            server_name: name.map(str::to_owned),
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
            ..Conversation::default()
        };
        let both: &[&str] = &["TLSv1.2", "TLSv1.3"];
        let elsewhere = Conversation { address: "10.0.0.2:443".to_owned(), ..spoken(Said::Tls, None, both) };
        let conversations = vec![
            spoken(Said::Tls, None, both),
            spoken(Said::Tls, Some("app"), both),
            spoken(Said::Tls, None, &["TLSv1.2"]),
            spoken(Said::Fastcgi, None, &[]),
            spoken(Said::Request, None, &[]),
            elsewhere,
        ];
        let table: [(&str, &[usize]); 7] = [
            ("proxy_pass https://app;", &[0]),
            ("proxy_pass https://app; proxy_ssl_server_name on;", &[1]),
            ("proxy_pass https://app; proxy_ssl_protocols TLSv1.2;", &[2]),
            ("proxy_pass https://10.0.0.1;", &[0]),
            ("proxy_pass http://app;", &[0, 4]),
            ("fastcgi_pass app;", &[3]),
            ("grpc_pass grpc://app;", &[]),
        ];
        for (passing, expected) in table {
            let facts = Facts { conversations: conversations.clone(), ..Facts::default() };
            let found = with_target(passing, facts, |target| {
                target
                    .conversations()
                    .into_iter()
                    .map(|one| conversations.iter().position(|other| one == other))
                    .collect::<Vec<_>>()
            });
            let expected: Vec<Option<usize>> = expected.iter().copied().map(Some).collect();
            assert_eq!(found, expected, "{passing}");
        }
    }
}
