//! The phases of a request, in nginx's order, with all that nginx remembers
//! about a request while it is on its way.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::super::{Block, Directive, Listener, Model, parse_flag};
use super::facts::Facts;
use super::location::{self, LocationRule};
use super::rewrite::Frame;
use super::server::{ServerRule, find_listener, find_server, is_wildcard, regex_of};
use super::text::Text;
use super::uri::{Escape, escape, parse_host, parse_target};
use super::variables::{Captures, Definitions};
use super::{Answer, Assumption, End, KnownFiles, Reason, Request, Route, Step, Unknown, Way, What};
use crate::catalog::Context;

/// So often the path may change, by rewrites and internal redirects.
const MOST_CHANGES: u8 = 10;

/// So many ways are followed in all. The last way of a fork, which is mostly
/// the one that goes on, gets the greater part of them.
const MOST_WAYS: usize = 2_000;

/// Directives that let some requests through and stop others.
const GATES: [&str; 11] = [
    "auth_basic",
    "auth_request",
    "auth_jwt",
    "limit_req",
    "limit_conn",
    "valid_referers",
    "rewrite_by_lua_block",
    "rewrite_by_lua_file",
    "access_by_lua_block",
    "access_by_lua_file",
    "js_access",
];

/// Where a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    ServerRewrite,
    FindLocation,
    Rewrite,
    PostRewrite,
    Access,
    TryFiles,
    Content,
}

/// Why the walk does not go on.
pub(super) enum Stop<'m> {
    End(End<'m>),
    /// It goes on elsewhere: an error page was found.
    Elsewhere,
}

/// What a way does before it goes on.
pub(super) type Start<'m> = Box<dyn FnOnce(&mut Walk<'m>) -> Result<(), Stop<'m>> + 'm>;

/// A request on its way.
#[derive(Clone)]
pub(super) struct Walk<'m> {
    pub(super) model: &'m Model<'m>,
    pub(super) request: Rc<Request>,
    pub(super) definitions: &'m Definitions,
    pub(super) listener: Option<Listener<'m>>,
    pub(super) server: Block<'m>,
    /// The block whose directives are in force.
    pub(super) conf: Block<'m>,
    /// Who answers, if not files.
    pub(super) handler: Option<Directive<'m>>,
    pub(super) phase: Phase,
    pub(super) frame: Option<Frame<'m>>,
    pub(super) method: String,
    /// The host without port, in lower case; empty when there is none.
    pub(super) host: Vec<u8>,
    pub(super) uri: Text,
    pub(super) args: Text,
    pub(super) unparsed: Vec<u8>,
    pub(super) quoted: bool,
    pub(super) plus: bool,
    pub(super) valid_unparsed_uri: bool,
    pub(super) valid_location: bool,
    pub(super) uri_changed: bool,
    pub(super) internal: bool,
    pub(super) add_uri_to_alias: bool,
    /// Changes of the path that are left, and one.
    changes_left: u8,
    /// An error page was looked for.
    error_page: bool,
    /// The status that an answer gets whatever it says; 0 for none.
    pub(super) status: u16,
    /// `Location`, which stays when an error page takes the redirect.
    pub(super) location: Option<Text>,
    pub(super) values: FxHashMap<String, Option<Text>>,
    pub(super) captures: Captures,
    /// The maps that are being evaluated.
    pub(super) evaluating: Vec<String>,
    pub(super) proxy_host: Option<Text>,
    pub(super) proxy_port: Option<Text>,
    steps: Vec<Step<'m>>,
    /// What this way takes for granted.
    facts: Facts,
    /// What is known of files.
    known_files: Option<&'m KnownFiles<'m>>,
    /// How many ways may still be followed from here.
    ways_left: usize,
}

pub(super) fn walk<'m>(model: &'m Model<'m>, request: &Request, known_files: Option<&'m KnownFiles<'m>>) -> Route<'m> {
    let (listener, others) = find_listener(model, request.address.as_ref(), request.port);
    let chosen = listener.and_then(|listener| Some((listener, listener.default_server()?)));
    let Some((listener, default)) = chosen else {
        return Route { steps: Vec::new(), end: End::Unknown(Unknown::NoListener), block: None, location: None };
    };
    let mut walk = Walk {
        model,
        request: Rc::new(request.clone()),
        definitions: Walk::definitions_of(model),
        listener: Some(listener),
        server: default,
        conf: default,
        handler: None,
        phase: Phase::ServerRewrite,
        frame: None,
        method: request.method.clone(),
        host: Vec::new(),
        uri: Text::default(),
        args: Text::default(),
        unparsed: Vec::new(),
        quoted: false,
        plus: false,
        valid_unparsed_uri: false,
        valid_location: true,
        uri_changed: false,
        internal: false,
        add_uri_to_alias: false,
        changes_left: MOST_CHANGES + 1,
        error_page: false,
        status: 0,
        location: None,
        values: FxHashMap::default(),
        captures: Captures::default(),
        evaluating: Vec::new(),
        proxy_host: None,
        proxy_port: None,
        steps: Vec::new(),
        facts: Facts::default(),
        known_files,
        ways_left: MOST_WAYS,
    };
    let directive = listener.listenings().find(|listening| listening.server == default);
    walk.step(directive.and_then(|listening| listening.directive), What::Listener { listener, others });
    match walk.arrive() {
        Ok(()) | Err(Stop::Elsewhere) => walk.finish(),
        Err(Stop::End(end)) => walk.ended(end),
    }
}

impl<'m> Walk<'m> {
    /// Request line and headers: what happens before the first phase.
    fn arrive(&mut self) -> Result<(), Stop<'m>> {
        let request = Rc::clone(&self.request);
        let speaks_tls = self.listener_speaks_tls();
        if request.secure && !speaks_tls {
            return Err(Stop::End(End::Unknown(Unknown::NoTls)));
        }
        // The server is not known yet: the default server's word counts.
        let merge_slashes = self.flag("merge_slashes", true);
        let uri = match parse_target(&request.target, merge_slashes) {
            Ok(uri) => uri,
            Err(invalid) => {
                (self.quoted, self.plus) = (invalid.quoted, invalid.plus);
                // nginx has not read any header.
                self.keep_headers(0);
                return self.special(400, Reason::InvalidPath, None, None);
            }
        };
        self.uri = Text::known(uri.path);
        self.args = Text::known(uri.args);
        self.unparsed = uri.unparsed;
        self.quoted = uri.quoted;
        self.plus = uri.plus;
        self.valid_unparsed_uri = !uri.empty_path;
        let header = request.header("Host").map(|host| Walk::literal(host.trim()));
        let named = match uri.host.as_ref().or(header.as_ref()) {
            Some(host) => match parse_host(host) {
                Ok(host) => host,
                Err(_) => return self.refuse_host(),
            },
            None => Vec::new(),
        };
        self.host.clone_from(&named);
        self.choose_server(&named);
        if header.is_none_or(|host| parse_host(&host).is_err()) {
            return self.refuse_host();
        }
        if matches!(self.method.as_str(), "TRACE" | "CONNECT") {
            return self.special(405, Reason::Method, None, None);
        }
        if speaks_tls && !request.secure {
            return self.special(497, Reason::PlainHttp, None, None);
        }
        if self.uri.bytes() != Some(request.target.split(|byte| *byte == b'?').next().unwrap_or_default()) {
            let sent = Text::known(request.target.clone());
            self.step(None, What::Path { sent, path: self.uri.clone() });
        }
        Ok(())
    }

    /// nginx reads no further than the header `Host`.
    fn refuse_host(&mut self) -> Result<(), Stop<'m>> {
        let headers = &self.request.headers;
        let host = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("host"));
        self.keep_headers(host.map_or(headers.len(), |host| host + 1));
        self.special(400, Reason::InvalidHost, None, None)
    }

    /// Forgets the headers that nginx has not read.
    fn keep_headers(&mut self, count: usize) {
        Rc::make_mut(&mut self.request).headers.truncate(count);
    }

    fn listener_speaks_tls(&self) -> bool {
        self.listener.is_some_and(|listener| listener.options().ssl)
    }

    fn choose_server(&mut self, host: &[u8]) {
        let Some(listener) = self.listener else { return };
        let Some(chosen) = find_server(listener, host) else { return };
        if let (ServerRule::Regex(_), Some(name)) = (&chosen.rule, &chosen.name)
            && let Some(regex) = regex_of(name)
        {
            self.matches(&regex, host);
        }
        self.server = chosen.server;
        self.conf = chosen.server;
        let directive = chosen.name.as_ref().and_then(|name| name.directive).map(|(directive, _)| directive);
        let listen = listener.listenings().find(|listening| listening.server == chosen.server);
        let directive = directive.or_else(|| match chosen.rule {
            ServerRule::MarkedDefault => listen.and_then(|listening| listening.directive),
            _ => chosen.server.head(),
        });
        let mut servers: Vec<_> = listener.servers().iter().map(|server| server.id()).collect();
        servers.sort_unstable();
        servers.dedup();
        let what =
            What::Server { server: chosen.server, host: Text::known(host), rule: chosen.rule, count: servers.len() };
        self.step(directive, what);
    }

    /// Goes on until the end.
    pub(super) fn finish(mut self) -> Route<'m> {
        loop {
            match self.pass_phase() {
                Ok(()) | Err(Stop::Elsewhere) => {}
                Err(Stop::End(end)) => return self.ended(end),
            }
        }
    }

    fn ended(self, end: End<'m>) -> Route<'m> {
        let location = self.location.clone().map(|location| self.absolute(location));
        Route { steps: self.steps, end, block: Some(self.conf), location }
    }

    fn pass_phase(&mut self) -> Result<(), Stop<'m>> {
        match self.phase {
            Phase::ServerRewrite => {
                let server = self.server;
                self.frame.get_or_insert_with(|| Frame::of(server));
                self.run_codes()?;
                self.phase = Phase::FindLocation;
            }
            Phase::FindLocation => {
                self.find_location()?;
                self.phase = Phase::Rewrite;
            }
            Phase::Rewrite => {
                // The codes of a server do not run a second time where no
                // location fits.
                if self.frame.is_some() || self.conf != self.server {
                    let conf = self.conf;
                    self.frame.get_or_insert_with(|| Frame::of(conf));
                    self.run_codes()?;
                }
                self.phase = Phase::PostRewrite;
            }
            Phase::PostRewrite => {
                if self.uri_changed {
                    self.count_change(None)?;
                    self.conf = self.server;
                    self.step(None, What::SearchAgain);
                    self.phase = Phase::FindLocation;
                } else {
                    self.phase = Phase::Access;
                }
            }
            Phase::Access => {
                self.phase = Phase::TryFiles;
                self.pass_gates()?;
            }
            Phase::TryFiles => {
                self.phase = Phase::Content;
                self.try_files()?;
            }
            Phase::Content => self.content()?,
        }
        Ok(())
    }

    fn find_location(&mut self) -> Result<(), Stop<'m>> {
        self.handler = None;
        self.uri_changed = false;
        let Some(path) = self.uri.bytes().map(<[u8]>::to_vec) else {
            return Err(Stop::End(End::Unknown(Unknown::Path(self.uri.clone()))));
        };
        let mut matched = Vec::new();
        let mut note = |regex: &super::super::Regex, _: &[u8]| matched.push(regex.clone());
        let found = location::find(self.server, &path, &mut note);
        for regex in matched {
            self.matches(&regex, &path);
        }
        self.conf = found.block;
        let rule = found.rule;
        let what =
            What::Location { block: found.block, rule, candidates: found.candidates, uncertain: found.uncertain };
        let directive = found.block.head();
        self.step(directive, what);
        if !self.internal
            && let Some(directive) = self.conf.effective("internal").directive()
        {
            return self.special(404, Reason::Internal, Some(directive), None);
        }
        self.update_location();
        if rule == LocationRule::MissingSlash {
            let name = directive.and_then(|head| super::super::LocationHead::of(head).ok());
            let pattern = name.map(|head| Walk::literal(head.pattern)).unwrap_or_default();
            let mut location = Text::known(escape(&pattern, Escape::Uri));
            if !self.args.is_empty() {
                location.push(b"?");
                location.append(&self.args.clone());
            }
            return self.special(301, Reason::MissingSlash, directive, Some(location));
        }
        Ok(())
    }

    /// What changes with the block in force (`ngx_http_update_location_config`).
    pub(super) fn update_location(&mut self) {
        if let Some(block) = self.limit_except() {
            self.conf = block;
            self.step(block.head(), What::LimitExcept);
        }
        let own = |block: Block<'m>| block.handlers().pop();
        let mut handler = own(self.conf);
        if handler.is_none() && self.conf.is(Context::LimitExcept) {
            handler = self.conf.parent().and_then(own);
        }
        if handler.is_some() {
            self.handler = handler;
        }
    }

    /// The `limit_except` of the present location that is for this method.
    fn limit_except(&self) -> Option<Block<'m>> {
        let directive = self.conf.directive("limit_except")?;
        let names = |method: &str| directive.arguments().any(|own| own.eq_ignore_ascii_case(method));
        let allowed = names(&self.method) || (self.method == "HEAD" && names("GET"));
        if allowed { None } else { directive.block() }
    }

    /// Directives that may stop the request.
    fn pass_gates(&mut self) -> Result<(), Stop<'m>> {
        let satisfies_any = self.conf.effective("satisfy").directive().is_some_and(|it| it.has_flag("any"));
        let mut gates = Vec::new();
        if let Some(rules) = self.access_rules() {
            match rules.first() {
                Some(first) if first.name() == "deny" && first.argument(0) == Some("all") && !satisfies_any => {
                    return self.special(403, Reason::Denied, Some(*first), None);
                }
                Some(first) if first.name() == "allow" && first.argument(0) == Some("all") => {}
                _ => gates.extend(rules),
            }
        }
        for name in GATES {
            let in_force = self.conf.effective_list(name).directives;
            gates.extend(in_force.into_iter().filter(|directive| directive.argument(0) != Some("off")));
        }
        gates.retain(|directive| directive.name() != "valid_referers");
        if !gates.is_empty() {
            self.step(None, What::Gates(gates));
        }
        Ok(())
    }

    /// `allow` and `deny` in force: one list.
    fn access_rules(&self) -> Option<Vec<Directive<'m>>> {
        self.conf.outwards().find_map(|block| {
            let mut rules: Vec<_> = block.directives("allow").chain(block.directives("deny")).collect();
            rules.sort_unstable_by_key(|directive| directive.id());
            (!rules.is_empty()).then_some(rules)
        })
    }

    // Errors and redirects

    /// A status that nginx makes itself: the error page for it, else its own.
    pub(super) fn special(
        &mut self,
        status: u16,
        reason: Reason,
        directive: Option<Directive<'m>>,
        location: Option<Text>,
    ) -> Result<(), Stop<'m>> {
        self.frame = None;
        if matches!(status, 408 | 444 | 499) {
            return Err(Stop::End(End::Closed(directive)));
        }
        self.status = status;
        if location.is_some() {
            self.location = location;
        }
        let pages = self.conf.effective_list("error_page").directives;
        if !self.error_page && !pages.is_empty() && self.changes_left != 0 {
            self.error_page = !self.flag("recursive_error_pages", false);
            let is_for = |page: &&Directive<'m>| {
                let codes = page.argument_count().saturating_sub(1);
                page.arguments().take(codes).any(|code| super::super::parse_number(code) == Some(u64::from(status)))
            };
            if let Some(page) = pages.iter().find(is_for) {
                return self.send_error_page(*page, status);
            }
        }
        let status = if matches!(status, 494..=497) { 400 } else { status };
        Err(Stop::End(End::Answer(Answer { status, body: None, reason, directive })))
    }

    fn send_error_page(&mut self, page: Directive<'m>, status: u16) -> Result<(), Stop<'m>> {
        let words: Vec<&str> = page.arguments().collect();
        let to = words.last().copied().unwrap_or_default();
        let overwrite = words.len().checked_sub(2).and_then(|index| words[index].strip_prefix('='));
        match overwrite {
            Some("") => self.status = 0,
            Some(code) => self.status = super::super::parse_number(code).unwrap_or(0) as u16,
            None if matches!(status, 494..=497) => self.status = 400,
            None => {}
        }
        let uri = self.evaluate(to);
        self.step(Some(page), What::ErrorPage { status, to: uri.clone() });
        if uri.starts_with(b'/') == Some(true) {
            if self.method != "HEAD" {
                self.method = "GET".to_owned();
                self.values.remove("request_method");
            }
            let (path, args) = uri.split_once(b'?').unwrap_or((uri, Text::default()));
            return self.internal_redirect(path, args);
        }
        if uri.starts_with(b'@') == Some(true) {
            return self.go_to_named(&uri, Some(page));
        }
        if !matches!(overwrite, Some("301" | "302" | "303" | "307" | "308")) {
            self.status = 302;
        }
        self.location = Some(uri);
        let (status, directive) = (self.status, Some(page));
        Err(Stop::End(End::Answer(Answer { status, body: None, reason: Reason::Directive, directive })))
    }

    /// Starts again with another path.
    pub(super) fn internal_redirect(&mut self, path: Text, args: Text) -> Result<(), Stop<'m>> {
        self.count_change(None)?;
        self.uri = path;
        self.args = args;
        self.conf = self.server;
        self.internal = true;
        self.valid_unparsed_uri = false;
        self.add_uri_to_alias = false;
        self.valid_location = true;
        self.frame = None;
        self.phase = Phase::ServerRewrite;
        Err(Stop::Elsewhere)
    }

    /// Goes on in a named location.
    pub(super) fn go_to_named(&mut self, name: &Text, by: Option<Directive<'m>>) -> Result<(), Stop<'m>> {
        self.count_change(by)?;
        if self.uri.is_empty() {
            return self.special(500, Reason::EmptyPath, by, None);
        }
        let found = name.bytes().and_then(|name| location::find_named(self.server, name));
        let Some(block) = found else {
            return match name.bytes() {
                Some(_) => self.special(500, Reason::NoNamedLocation, by, None),
                None => Err(Stop::End(End::Unknown(Unknown::Path(name.clone())))),
            };
        };
        self.internal = true;
        self.uri_changed = false;
        self.handler = None;
        self.conf = block;
        self.frame = None;
        self.update_location();
        self.phase = Phase::Rewrite;
        Err(Stop::Elsewhere)
    }

    fn count_change(&mut self, by: Option<Directive<'m>>) -> Result<(), Stop<'m>> {
        self.changes_left = self.changes_left.saturating_sub(1);
        if self.changes_left == 0 { self.special(500, Reason::Cycle, by, None) } else { Ok(()) }
    }

    /// `Location` as the client gets it.
    pub(super) fn absolute(&self, location: Text) -> Text {
        if location.starts_with(b'/') != Some(true) || !self.flag("absolute_redirect", true) {
            return location;
        }
        let mut absolute = Text::known(if self.request.secure { "https://" } else { "http://" });
        let socket = self.listener.map(|listener| listener.socket());
        if self.flag("server_name_in_redirect", false) {
            absolute.append(&self.server_name());
        } else if !self.host.is_empty() {
            absolute.push(&self.host);
        } else {
            absolute.append(&self.server_address());
        }
        let usual = if self.request.secure { 443 } else { 80 };
        if self.flag("port_in_redirect", true)
            && let Some(port) = socket.map(|socket| socket.port).filter(|port| *port != usual && *port != 0)
        {
            absolute.push(format!(":{port}").as_bytes());
        }
        absolute.append(&location);
        absolute
    }

    /// The local address of the connection, without its port.
    pub(super) fn server_address(&self) -> Text {
        let asked = self.request.address.clone();
        let known =
            asked.or_else(|| self.listener.map(|listener| listener.socket().clone()).filter(|it| !is_wildcard(it)));
        match known {
            Some(socket) => {
                let text = socket.to_string();
                let port = format!(":{}", socket.port);
                Text::of_value(text.strip_suffix(&port).unwrap_or(&text))
            }
            None => Text::unknown("server_addr"),
        }
    }

    // Forks

    /// Follows each way to its end; or goes on in the one that is known to be
    /// the right one.
    pub(super) fn fork(&mut self, ways: Vec<(Assumption, Start<'m>)>) -> Result<(), Stop<'m>> {
        let mut open: Vec<(Assumption, Start<'m>)> = Vec::new();
        for (assumption, start) in ways {
            let known = self.known_files.and_then(|known| known(&assumption));
            match known.or_else(|| self.facts.decide(&assumption)) {
                Some(false) => {}
                None if assumption != Assumption::Otherwise => open.push((assumption, start)),
                Some(true) | None if open.is_empty() => return start(self),
                Some(true) | None => {
                    open.push((Assumption::Otherwise, start));
                    break;
                }
            }
        }
        let share = self.ways_left / 8;
        if self.ways_left < open.len() {
            return Err(Stop::End(End::Unknown(Unknown::TooManyForks)));
        }
        let last = open.len().saturating_sub(1);
        let left_for_last = (self.ways_left - open.len()).saturating_sub(share * last);
        let mut facts = self.facts.clone();
        let follow = |(index, (assumption, start)): (usize, (Assumption, Start<'m>))| {
            let mut walk = self.clone();
            walk.steps.clear();
            walk.facts = facts.clone();
            walk.facts.add(&assumption, true);
            facts.add(&assumption, false);
            walk.ways_left = if index == last { left_for_last } else { share };
            let route = match start(&mut walk) {
                Ok(()) | Err(Stop::Elsewhere) => walk.finish(),
                Err(Stop::End(end)) => walk.ended(end),
            };
            Way { assumption, route }
        };
        Err(Stop::End(End::Fork(open.into_iter().enumerate().map(follow).collect())))
    }

    // Small things

    pub(super) fn step(&mut self, directive: Option<Directive<'m>>, what: What<'m>) {
        self.steps.push(Step { directive, what });
    }

    /// A flag in force.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let directive = self.conf.effective(name).directive();
        directive.and_then(|directive| parse_flag(directive.argument(0)?)).unwrap_or(default)
    }

    /// Whether an error page may still be found for a status.
    pub(super) fn has_error_page(&self, status: u16) -> bool {
        let code = status.to_string();
        let pages = self.conf.effective_list("error_page").directives;
        !self.error_page && pages.iter().any(|page| page.has_flag(&code))
    }
}
