//! A request on its way to another server: where to, and what exactly is
//! sent.

use super::super::{
    AddressForm, Directive, Effective, Host, LocationHead, LocationKind, Protocol, Target, Upstream, parse_address,
    split_address, split_target,
};
use super::text::{Text, bytes_of};
use super::uri::{Escape, escape};
use super::walk::{Stop, Walk};
use super::{End, Reason, Unknown};
use crate::catalog::{self, Context, Family, Version};

/// A request that is passed on.
#[derive(Clone, Debug)]
pub struct Pass<'m> {
    /// The directive.
    pub directive: Directive<'m>,
    /// Its module.
    pub protocol: Protocol,
    /// `http`, `https`, `grpc`, …; empty for protocols without one.
    pub scheme: String,
    /// Host and port, the default port filled in; a path behind `unix:`.
    pub address: Text,
    /// The group of servers that the host names.
    pub group: Option<Upstream<'m>>,
    /// Without a group: the name is looked up for each request.
    pub resolved_each_time: bool,
    /// The method that is sent; none where the protocol has its own way to
    /// say it.
    pub method: Option<Text>,
    /// The target of the request line, the path of gRPC, or the key of
    /// memcached.
    pub uri: Option<Text>,
    /// Such as `1.0`; none where HTTP is not spoken.
    pub version: Option<String>,
    /// The headers that are sent, in order; for FastCGI and its kin the
    /// headers of the client that become parameters are left out.
    pub headers: Vec<Header<'m>>,
    /// The parameters of FastCGI and its kin, in order.
    pub parameters: Vec<Header<'m>>,
    /// Timeouts and retries in force.
    pub settings: Vec<Setting<'m>>,
    /// The status that the client gets whatever the other server says.
    pub status: Option<u16>,
}

/// A header, or a parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct Header<'m> {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Text,
    /// The directive that sets it; none for nginx's own and the client's.
    pub directive: Option<Directive<'m>>,
    /// It comes from the client.
    pub from_client: bool,
}

/// A value in force.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting<'m> {
    /// The directive's name.
    pub name: String,
    /// Its arguments.
    pub value: String,
    /// The directive; none for the default.
    pub directive: Option<Directive<'m>>,
}

/// Since this release nginx speaks HTTP/1.1 to upstreams and keeps
/// connections, unless told otherwise.
const SPEAKS_1_1: Version = Version::new(1, 29, 7);

/// What nginx sends of its own to a server, and what it does not pass on.
const PROXY_HEADERS: [(&str, &str); 8] = [
    ("Host", "$proxy_host"),
    ("Connection", "close"),
    ("Content-Length", "$proxy_internal_body_length"),
    ("Transfer-Encoding", "$proxy_internal_chunked"),
    ("TE", ""),
    ("Keep-Alive", ""),
    ("Expect", ""),
    ("Upgrade", ""),
];

/// The same for gRPC.
const GRPC_HEADERS: [(&str, &str); 8] = [
    ("Content-Length", "$content_length"),
    ("TE", "trailers"),
    ("Host", ""),
    ("Connection", ""),
    ("Transfer-Encoding", ""),
    ("Keep-Alive", ""),
    ("Expect", ""),
    ("Upgrade", ""),
];

/// Conditions of the client that a cache would be misled by.
const NOT_WITH_CACHE: [&str; 6] =
    ["If-Modified-Since", "If-Unmodified-Since", "If-None-Match", "If-Match", "Range", "If-Range"];

const SETTINGS: [&str; 6] = [
    "connect_timeout",
    "send_timeout",
    "read_timeout",
    "next_upstream",
    "next_upstream_tries",
    "next_upstream_timeout",
];

impl<'m> Walk<'m> {
    /// Passes the request on with the directive of this name that is in force.
    pub(super) fn pass(&mut self, name: &str) -> Result<(), Stop<'m>> {
        let target = self.conf.effective(name).directive().and_then(Target::of);
        let Some(target) = target else {
            return self.special(500, Reason::InvalidTarget, self.handler, None);
        };
        let text = self.evaluate(target.text);
        let string = text.to_parts();
        let parts = split_target(target.protocol, &string);
        let scheme = string[parts.scheme.clone()].trim_end_matches("://").to_ascii_lowercase();
        let schemeless = target.protocol == Protocol::Proxy && scheme.is_empty();
        if schemeless {
            return match text.bytes() {
                Some(_) => self.special(500, Reason::InvalidTarget, Some(target.directive), None),
                None => Err(Stop::End(End::Unknown(Unknown::Target(text)))),
            };
        }
        let written = &string[parts.address.clone()];
        let form = AddressForm { listen: false, uri: true, default_port: 80 };
        let is_known = text.part(written).bytes().is_some();
        if target.has_variables() && is_known && parse_address(&string[parts.address.start..], form).is_err() {
            return self.special(500, Reason::InvalidTarget, Some(target.directive), None);
        }
        let (host, port) = split_address(written);
        let default_port = match scheme.as_str() {
            "http" => Some("80"),
            "https" => Some("443"),
            _ => None,
        };
        let is_unix = matches!(host, Host::Unix(_));
        let group = match (host, port) {
            (Host::Name(name), None) => self.model.upstream(Family::Http, name),
            _ => None,
        };
        let mut address = text.part(written);
        if let (None, None, Some(default), false) = (group, port, default_port, is_unix) {
            address.push(format!(":{default}").as_bytes());
        }
        self.proxy_host = Some(match (is_unix, port) {
            (true, _) => Text::known("localhost"),
            (false, Some(port)) if Some(port) == default_port => text.part(&written[..written.len() - port.len() - 1]),
            _ => text.part(written),
        });
        self.proxy_port = Some(match port.or(default_port) {
            Some(port) if !is_unix => text.part(port),
            _ => Text::default(),
        });
        let resolved_each_time = target.has_variables()
            && group.is_none()
            && matches!(host, Host::Name(_))
            && !self.model.is_resolved_at_start(target.protocol, &string);
        let has_resolver = self.conf.effective("resolver") != Effective::Default;
        if resolved_each_time && is_known && !has_resolver {
            return self.special(502, Reason::NoResolver, Some(target.directive), None);
        }
        let own_uri = parts.uri.map(|range| text.part(&string[range]));
        let mut pass = Pass {
            directive: target.directive,
            protocol: target.protocol,
            scheme,
            address,
            group,
            resolved_each_time,
            method: None,
            uri: None,
            version: None,
            headers: Vec::new(),
            parameters: Vec::new(),
            settings: self.settings(target.protocol.prefix()),
            status: Some(self.status).filter(|status| *status != 0),
        };
        match target.protocol {
            Protocol::Proxy => self.fill_proxy(&mut pass, target, own_uri),
            Protocol::Grpc => self.fill_grpc(&mut pass),
            Protocol::Memcached => pass.uri = Some(self.memcached_key()),
            Protocol::Fastcgi | Protocol::Uwsgi | Protocol::Scgi => self.fill_parameters(&mut pass),
            Protocol::Stream => {}
        }
        Err(Stop::End(End::Pass(Box::new(pass))))
    }

    // proxy_pass

    fn fill_proxy(&mut self, pass: &mut Pass<'m>, target: Target<'m>, own_uri: Option<Text>) {
        let default = match self.model.version() {
            Some(version) if version >= SPEAKS_1_1 => "1.1",
            _ => "1.0",
        };
        let version = self.conf.effective("proxy_http_version").directive();
        pass.version = Some(version.and_then(|it| it.argument(0)).unwrap_or(default).to_owned());
        pass.method = Some(match self.conf.effective("proxy_method").directive() {
            Some(method) => self.evaluate(method.argument(0).unwrap_or_default()),
            None => Text::known(self.method.clone()),
        });
        pass.uri = Some(self.upstream_uri(target, own_uri));
        let cache = self.conf.effective("proxy_cache").directive().is_some_and(|cache| !cache.has_flag("off"));
        let mut defaults = PROXY_HEADERS.to_vec();
        if default == "1.1" {
            defaults[1] = ("Connection", "");
        }
        if cache {
            defaults.extend(NOT_WITH_CACHE.map(|name| (name, "")));
        }
        pass.headers = self.headers("proxy", &defaults);
    }

    /// The target of the request line (`ngx_http_proxy_create_request`).
    fn upstream_uri(&mut self, target: Target<'m>, own: Option<Text>) -> Text {
        let own = own.unwrap_or_default();
        if target.has_variables() && !own.is_empty() {
            if own.starts_with(b'?') == Some(true) {
                let mut uri = Text::known("/");
                uri.append(&own);
                return uri;
            }
            return own;
        }
        if own.is_empty() && self.valid_unparsed_uri {
            return Text::known(self.unparsed.clone());
        }
        let replaced = if self.valid_location && !own.is_empty() { replaced_length(target.directive) } else { 0 };
        let mut uri = if self.valid_location { own } else { Text::default() };
        let rest = self.uri.skip(replaced);
        let escapes = self.quoted || self.internal;
        uri.append(&if escapes { rest.map(|bytes| escape(bytes, Escape::Uri)) } else { rest });
        if !self.args.is_empty() {
            uri.push(b"?");
            uri.append(&self.args);
        }
        uri
    }

    /// The headers that go to another server: those that directives set, then
    /// nginx's own, then the client's.
    fn headers(&mut self, prefix: &str, defaults: &[(&str, &str)]) -> Vec<Header<'m>> {
        let set = self.conf.effective_list(&format!("{prefix}_set_header")).directives;
        let mut headers = Vec::new();
        let mut hidden: Vec<String> = Vec::new();
        for directive in set {
            let name = directive.argument(0).unwrap_or_default();
            let value = self.evaluate(directive.argument(1).unwrap_or_default());
            hidden.push(name.to_ascii_lowercase());
            headers.push(Header { name: name.to_owned(), value, directive: Some(directive), from_client: false });
        }
        for (name, value) in defaults {
            let key = name.to_ascii_lowercase();
            if hidden.contains(&key) {
                continue;
            }
            hidden.push(key);
            let value = self.evaluate(value);
            headers.push(Header { name: (*name).to_owned(), value, directive: None, from_client: false });
        }
        headers.retain(|header| !header.value.is_empty());
        if self.flag(&format!("{prefix}_pass_request_headers"), true) {
            let request = std::rc::Rc::clone(&self.request);
            for (name, value) in request.headers.iter().filter(|(name, _)| self.takes_header(name)) {
                if !hidden.contains(&name.to_ascii_lowercase()) {
                    let value = Text::of_value(value.trim());
                    headers.push(Header { name: name.clone(), value, directive: None, from_client: true });
                }
            }
        }
        headers
    }

    /// Whether nginx reads a header at all (`ngx_http_parse_header_line`).
    fn takes_header(&self, name: &str) -> bool {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let with_underscores = self.flag("underscores_in_headers", false);
        name.bytes().all(|byte| usual(byte) || (byte == b'_' && with_underscores))
            || !self.flag("ignore_invalid_headers", true)
    }

    // Other protocols

    fn fill_grpc(&mut self, pass: &mut Pass<'m>) {
        pass.method = Some(Text::known(self.method.clone()));
        pass.version = Some("2".to_owned());
        let uri = if self.valid_unparsed_uri {
            Text::known(self.unparsed.clone())
        } else {
            let mut uri = self.uri.map(|bytes| escape(bytes, Escape::Uri));
            if !self.args.is_empty() {
                uri.push(b"?");
                uri.append(&self.args);
            }
            uri
        };
        pass.uri = Some(uri);
        let mut headers = self.headers("grpc", &GRPC_HEADERS);
        let has_host = headers.iter().any(|header| header.name.eq_ignore_ascii_case("host"));
        if !has_host {
            let value = self.proxy_host.clone().unwrap_or_default();
            let authority = Header { name: ":authority".to_owned(), value, directive: None, from_client: false };
            headers.insert(0, authority);
        }
        pass.headers = headers;
    }

    fn memcached_key(&mut self) -> Text {
        self.variable("memcached_key").unwrap_or_default()
    }

    fn fill_parameters(&mut self, pass: &mut Pass<'m>) {
        let name = format!("{}_param", pass.protocol.prefix());
        let mut parameters: Vec<Header<'m>> = Vec::new();
        for directive in self.conf.effective_list(&name).directives {
            let name = directive.argument(0).unwrap_or_default().to_owned();
            let value = self.evaluate(directive.argument(1).unwrap_or_default());
            if directive.argument(2) == Some("if_not_empty") && value.is_empty() {
                continue;
            }
            parameters.push(Header { name, value, directive: Some(directive), from_client: false });
        }
        pass.parameters = parameters;
    }

    fn settings(&self, prefix: &str) -> Vec<Setting<'m>> {
        let settings = SETTINGS.iter().filter_map(|setting| {
            let name = format!("{prefix}_{setting}");
            let directive = self.conf.effective(&name).directive();
            let value = match directive {
                Some(directive) => directive.arguments().collect::<Vec<_>>().join(" "),
                None => catalog::find_in(&name, Context::Location)?.defaults.first().map(|text| (*text).to_owned())?,
            };
            Some(Setting { name, value, directive })
        });
        settings.collect()
    }
}

/// The length of the location that the path of a target takes the place of.
fn replaced_length(directive: Directive<'_>) -> usize {
    match LocationHead::of_block(directive.parent()) {
        Some(head) if !matches!(head.kind, LocationKind::Regex { .. } | LocationKind::Named) => {
            bytes_of(head.pattern).len()
        }
        _ => 0,
    }
}
