//! Two `listen` directives of one address that do not go together.

use std::collections::HashSet;

use crate::catalog::{Family, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, ListenOptions, Listener, Listening, Model, Place, is_of_socket};

/// See the page.
pub const RULE: Rule = Rule {
    name: "conflicting-listen",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#listen"],
    equivalents: &[],
    page: include_str!("conflicting_listen.md"),
    check: Check::Configuration(check),
};

/// From it on, servers of stream can share an address.
const VIRTUAL_STREAM: Version = Version::new(1, 25, 5);

/// From it on nginx compares `ssl`, `http2` and `proxy_protocol`.
const COMPARES_PROTOCOLS: Version = Version::new(1, 23, 4);

fn check(model: &Model<'_>, findings: &mut Findings) {
    // Two ranges of ports meet in many places: one of them is enough.
    let mut reported = HashSet::new();
    let stream_is_old = model.version().is_some_and(|version| version < VIRTUAL_STREAM);
    let has_names = model.servers(Family::Stream).any(|server| server.directive("server_name").is_some());
    for family in [Family::Http, Family::Stream, Family::Mail] {
        let mut listeners: Vec<_> = model.listeners(family).collect();
        // nginx takes the ports of a range in order.
        listeners.sort_by_key(|listener| listener.socket().port);
        for listener in listeners {
            let mut pairs = Pairs { listener, reported: &mut reported, findings: &mut *findings };
            match family {
                Family::Mail => pairs.check_alone(),
                Family::Stream if stream_is_old => pairs.check_alone(),
                Family::Stream => {
                    pairs.check_shared();
                    if !has_names && model.version().is_none() {
                        pairs.warn_of_old_stream();
                    }
                }
                _ => pairs.check_shared(),
            }
        }
    }
}

/// The directives on one address, each compared with those before it.
struct Pairs<'c, 'm> {
    listener: Listener<'m>,
    reported: &'c mut HashSet<Place>,
    findings: &'c mut Findings,
}

/// What the directives so far have said of an address.
#[derive(Default)]
struct Address<'m> {
    /// The one that says something of the socket.
    of_socket: Option<Directive<'m>>,
    /// The one with `default_server`.
    default_server: Option<Directive<'m>>,
    /// All protocols that were asked for.
    protocols: u8,
    /// Those that count for the next comparison.
    compared: Option<u8>,
    changed: bool,
}

impl<'m> Pairs<'_, 'm> {
    /// In mail, and in stream of old, an address is for one directive.
    fn check_alone(&mut self) {
        let mut listenings = self.listener.listenings();
        let first = listenings.next();
        for listening in listenings {
            if let (Some(directive), Some(first)) = (listening.directive, first.and_then(|first| first.directive)) {
                self.report_alone(directive, first);
            }
        }
    }

    fn report_alone(&mut self, directive: Directive<'m>, first: Directive<'m>) {
        let place = directive.place_of_argument(0);
        if !self.reported.insert(place) {
            return;
        }
        let socket = self.listener.socket();
        self.findings
            .add(place, format!("another listen already has {socket}"))
            .nginx_says(format!("duplicate \"{socket}\" address and port pair"))
            .nginx_names(directive.terminator())
            .label(first.place(), "it is this one")
            .help("remove one of them, or give one of the servers another address or port");
    }

    /// Servers that share an address, but may not before 1.25.5.
    fn warn_of_old_stream(&mut self) {
        let mut listenings = self.listener.listenings();
        let first = listenings.next();
        for listening in listenings {
            let (Some(directive), Some(first)) = (listening.directive, first.and_then(|first| first.directive)) else {
                continue;
            };
            let place = directive.place_of_argument(0);
            if !self.reported.insert(place) {
                continue;
            }
            let socket = self.listener.socket();
            self.findings
                .add(place, format!("another server already listens on {socket}"))
                .nginx_says(format!("duplicate \"{socket}\" address and port pair"))
                .before(VIRTUAL_STREAM)
                .nginx_names(directive.terminator())
                .label(first.place(), "it is this one")
                .note("later releases choose between them by server_name, and none of the two has one")
                .help("remove one of the servers, or give it another address or port");
        }
    }

    fn check_shared(&mut self) {
        let listenings: Vec<Listening<'m>> = self.listener.listenings().collect();
        if listenings.len() < 2 {
            return;
        }
        let mut address = Address::default();
        for (index, listening) in listenings.iter().enumerate() {
            let options = listening.directive.map(ListenOptions::of).unwrap_or_default();
            if index > 0 && !self.check_next(&listenings[..index], *listening, options, &mut address) {
                continue;
            }
            if index == 0 {
                address.protocols = bits(options);
            }
            if options.own_socket {
                address.of_socket = listening.directive;
            }
            if options.default_server {
                address.default_server = listening.directive;
            }
        }
    }

    /// True if nginx goes on behind it.
    fn check_next(
        &mut self,
        earlier: &[Listening<'m>],
        listening: Listening<'m>,
        options: ListenOptions,
        address: &mut Address<'m>,
    ) -> bool {
        // Those of one server follow each other.
        let same = earlier.iter().rev().take_while(|earlier| earlier.server == listening.server).last();
        if let (Some(directive), Some(same)) = (listening.directive, same) {
            self.report_same_server(directive, *same);
            return false;
        }
        if let (Some(directive), Some(first), true) = (listening.directive, address.of_socket, options.own_socket) {
            self.report_options(directive, first);
            return false;
        }
        if let (Some(directive), Some(first), true) =
            (listening.directive, address.default_server, options.default_server)
        {
            self.report_default(directive, first);
            return false;
        }
        if address.takes(options) {
            self.report_protocols(listening, earlier);
        }
        true
    }

    fn report_same_server(&mut self, directive: Directive<'m>, earlier: Listening<'m>) {
        let place = directive.place_of_argument(0);
        if !self.reported.insert(place) {
            return;
        }
        let socket = self.listener.socket();
        let finding = self.findings.add(place, format!("this server already listens on {socket}"));
        finding.nginx_says(format!("a duplicate listen {socket}")).nginx_names(directive.terminator());
        if let Some(first) = earlier.directive.filter(|first| first.place().location != directive.place().location) {
            finding.label(first.place(), "it is this one");
        }
        finding.help("remove one of the two");
    }

    fn report_options(&mut self, directive: Directive<'m>, first: Directive<'m>) {
        let own = directive.arguments().position(is_of_socket).unwrap_or_default();
        let place = directive.place_of_argument(own);
        if !self.reported.insert(place) {
            return;
        }
        let socket = self.listener.socket();
        let text = directive.argument(own).unwrap_or_default();
        self.findings
            .add(
                place,
                format!("\"{text}\" is about the socket of {socket}, and another listen already says how it is"),
            )
            .nginx_says(format!("duplicate listen options for {socket}"))
            .nginx_names(directive.terminator())
            .label(first.place(), "options of the socket stand here")
            .note("all servers on an address share one socket")
            .help(format!("leave \"{text}\" out here, and write all options of the socket in one listen"));
    }

    fn report_default(&mut self, directive: Directive<'m>, first: Directive<'m>) {
        let is_mark = |text: &str| text == "default_server" || text == "default";
        let own = directive.arguments().position(is_mark).unwrap_or_default();
        let place = directive.place_of_argument(own);
        if !self.reported.insert(place) {
            return;
        }
        let socket = self.listener.socket();
        self.findings
            .add(place, format!("{socket} already has a default server"))
            .nginx_says(format!("a duplicate default server for {socket}"))
            .nginx_names(directive.terminator())
            .label(first.place(), "the default server")
            .help("only one server can be the default of an address: leave the word out in one of them");
    }

    fn report_protocols(&mut self, listening: Listening<'m>, earlier: &[Listening<'m>]) {
        let head = listening.server.head();
        let (place, names) = match (listening.directive, head) {
            (Some(directive), _) => (directive.place_of_argument(0), directive.terminator()),
            (None, Some(head)) => (head.place_of_name(), head.last_byte()),
            (None, None) => return,
        };
        if !self.reported.insert(place) {
            return;
        }
        let socket = self.listener.socket();
        let finding = self
            .findings
            .add(place, format!("this listen and an earlier one differ in the protocols of {socket}"))
            .severity(Severity::Warning)
            .not_refused();
        finding.nginx_says(format!("protocol options redefined for {socket}")).since(COMPARES_PROTOCOLS);
        finding.nginx_names(names);
        finding.note("ssl, http2 and proxy_protocol count for all servers on an address, wherever they stand");
        finding.help("write the same of these words in every listen of the address");
        if let Some(first) = earlier.first().and_then(|first| first.directive) {
            finding.label(first.place(), "first said here");
        }
    }
}

fn bits(options: ListenOptions) -> u8 {
    u8::from(options.proxy_protocol) | u8::from(options.ssl) << 1 | u8::from(options.http2) << 2
}

impl Address<'_> {
    /// Takes in the protocols of the next directive. True if nginx warns that
    /// they are others than before.
    fn takes(&mut self, options: ListenOptions) -> bool {
        let (next, before) = (bits(options), self.protocols);
        let differs = self.compared.is_some_and(|compared| next != compared);
        self.protocols |= next;
        if next & !before != 0 {
            let has_options = self.of_socket.is_some() || options.own_socket;
            let warns = (has_options && !options.own_socket) || self.changed || before & !next != 0;
            self.compared = Some(before);
            self.changed = true;
            return warns;
        }
        self.compared = Some(next);
        if before & !next != 0 {
            self.changed = true;
            return options.own_socket || differs;
        }
        (options.own_socket && self.changed) || differs
    }
}
