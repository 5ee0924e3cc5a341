//! Messages of the log that have one cause, taken together: what is about the
//! same line is one thing to mend, whichever requests and servers it hit. And
//! what of the configuration decides how such requests end.

use crate::facts::{Heard, Said, Signature};
use crate::source::Location;

use rustc_hash::FxHashMap;

use super::{
    DEFAULT_TIMEOUT, Directive, Effective, KeptConnections, Model, PASS_DIRECTIVES, Place, Protocol, Seen, Target,
    parse_milliseconds, time_in_words, tries_in_force,
};

/// Messages about one line; those seen most often first. There is always one.
#[derive(Clone, Debug)]
pub struct Together<'m> {
    /// The line.
    pub place: Place,
    /// The messages.
    pub seen: Vec<Seen<'m>>,
}

impl<'m> Together<'m> {
    /// The message that was seen most often.
    pub fn first(&self) -> &Seen<'m> {
        &self.seen[0]
    }

    /// The directive that passed the requests on: the first of several.
    pub fn target(&self) -> Option<Target<'m>> {
        self.seen.iter().find_map(|seen| seen.target)
    }

    /// Whether one of the messages is this one.
    pub fn has(&self, signature: Signature) -> bool {
        self.seen.iter().any(|seen| seen.signature == signature)
    }

    /// The servers that the requests were passed to, as the log names them.
    pub fn peers(&self) -> Vec<&'m str> {
        let mut peers: Vec<&str> = Vec::new();
        for peer in self.seen.iter().filter_map(|seen| seen.peer) {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        peers
    }

    /// The servers in words: the only one, or how many.
    pub fn servers_in_words(&self) -> String {
        let group = self.seen.iter().find_map(|seen| seen.upstream);
        match (self.peers().as_slice(), group) {
            ([], _) => "the server behind nginx".to_owned(),
            ([only], _) => (*only).to_owned(),
            (several, Some(group)) if self.seen.iter().all(|seen| seen.upstream.is_some()) => {
                format!("{} servers of \"{}\"", several.len(), group.name())
            }
            (several, _) => format!("{} servers", several.len()),
        }
    }

    /// The directives that passed the requests on, each once.
    pub fn targets(&self) -> Vec<Target<'m>> {
        let mut targets: Vec<Target<'m>> = Vec::new();
        for target in self.seen.iter().filter_map(|seen| seen.target) {
            if !targets.iter().any(|known| known.directive.id() == target.directive.id()) {
                targets.push(target);
            }
        }
        targets
    }

    /// The servers of groups that it is about, each once.
    pub fn group_servers(&self) -> Vec<Directive<'m>> {
        let mut servers: Vec<Directive<'m>> = Vec::new();
        for server in self.seen.iter().filter_map(|seen| seen.group_server) {
            if !servers.iter().any(|known| known.id() == server.directive.id()) {
                servers.push(server.directive);
            }
        }
        servers
    }

    /// Whether nginx asks another server whenever this happens, one that was
    /// not seen to fail as well: see [`Seen::is_tried_elsewhere`].
    pub fn is_tried_elsewhere(&self, condition: &str) -> bool {
        let group = self.seen.iter().find_map(|seen| seen.upstream);
        let failed = self.group_servers().len();
        let is_another_left =
            group.is_none_or(|group| group.servers().filter(|server| !server.is_down()).count() > failed);
        is_another_left && self.seen.iter().all(|seen| seen.is_tried_elsewhere(condition))
    }

    /// Whether nginx asks another server for some of these requests.
    pub fn is_sometimes_tried_elsewhere(&self, condition: &str) -> bool {
        self.seen.iter().any(|seen| seen.is_tried_elsewhere(condition))
    }
}

/// What tells which protocol a server speaks.
const SPEECH: [Heard; 5] = [Heard::Tls, Heard::Http, Heard::Http2, Heard::Fastcgi, Heard::Memcached];

/// Methods whose requests are not sent to another server, once sent.
const SENT_ONCE: [&str; 3] = ["POST", "LOCK", "PATCH"];

impl<'m> Seen<'m> {
    /// Where a setting of the module in use is said, named without its prefix;
    /// else the directive that passes requests on, or the block.
    pub fn place_of_setting(&self, setting: &str) -> Place {
        let said = self.target.and_then(|target| target.effective(setting).directive());
        said.map_or_else(|| self.place_of_pass(), |directive| directive.place())
    }

    /// The directive that passes requests on, else the block.
    pub fn place_of_pass(&self) -> Place {
        self.target.map_or_else(|| self.place_of_block(), |target| target.directive.place_of_argument(0))
    }

    /// The head of the group, else the directive that passes requests on: one
    /// place for what several servers of a group have in common.
    pub fn place_of_group(&self) -> Place {
        let head = self.upstream.and_then(|group| group.block.head());
        head.map_or_else(|| self.place_of_pass(), |head| head.place())
    }

    /// Whether nginx certainly asks another server of the group, so that
    /// clients may not have noticed. `condition` is a word of
    /// `proxy_next_upstream`.
    pub fn is_tried_elsewhere(&self, condition: &str) -> bool {
        let Some(target) = self.target.filter(|target| target.has_several_servers() == Some(true)) else {
            return false;
        };
        let (is_a_case, twice) = match target.effective("next_upstream") {
            Effective::Default => (matches!(condition, "error" | "timeout"), false),
            Effective::Set(words) => {
                (words.has_flag(condition) && !words.has_flag("off"), words.has_flag("non_idempotent"))
            }
            Effective::Unseen => (false, false),
        };
        let method = |request: &str| request.split(' ').next().unwrap_or_default().to_owned();
        let may_be_sent_twice = twice
            || (!self.requests.is_empty()
                && self.requests.iter().all(|request| !SENT_ONCE.contains(&method(&request.value).as_str())));
        is_a_case && may_be_sent_twice && !matches!(tries_in_force(target), None | Some(1))
    }

    /// Whether the server was heard to speak another protocol than the one that
    /// these requests are passed on with.
    pub fn is_heard_otherwise(&self) -> bool {
        let (Some(facts), Some(target), Some(peer)) = (self.model.facts(), self.target, self.peer) else {
            return false;
        };
        let own: &[Heard] = match (target.protocol, target.uses_tls()) {
            (Protocol::Proxy | Protocol::Grpc, Some(true)) => &[Heard::Tls],
            (Protocol::Proxy, Some(false)) => &[Heard::Http],
            (Protocol::Grpc, Some(false)) => &[Heard::Http2],
            (Protocol::Fastcgi, _) => &[Heard::Fastcgi],
            _ => return false,
        };
        let heard: Vec<Heard> = facts.conversations_with(peer).map(|conversation| conversation.heard).collect();
        // Silence, and an end, say nothing of what else would be spoken.
        let is_speech = |heard: &Heard| SPEECH.contains(heard);
        heard.iter().any(is_speech) && !heard.iter().any(|heard| own.contains(heard))
    }

    /// The connections that the group keeps open for such requests, where it
    /// certainly does.
    pub fn kept_connections(&self) -> Option<KeptConnections<'m>> {
        let is_kept = self.target.is_some_and(|target| target.kept() == super::Kept::Open);
        self.upstream.filter(|_| is_kept).and_then(|group| group.kept_connections())
    }
}

/// A timeout as it is in force for a target.
#[derive(Clone, PartialEq, Debug)]
pub struct TimeoutInForce<'m> {
    /// Its name, with the prefix of the module in use.
    pub name: String,
    /// The directive that sets it; none where it is the default.
    pub directive: Option<Directive<'m>>,
    /// The time, where it is known.
    pub milliseconds: Option<u64>,
    /// The timeout of another module that is in force here, too, and that
    /// counts for nothing: somebody took it for this one.
    pub mistaken: Option<Directive<'m>>,
}

impl TimeoutInForce<'_> {
    /// The name and the value, or that it is the default.
    pub fn in_words(&self) -> String {
        match (self.directive.and_then(|directive| directive.argument(0)), self.milliseconds) {
            (Some(value), _) => format!("{} {value}", self.name),
            (None, Some(time)) => format!("{}, {} by default", self.name, time_in_words(time)),
            (None, None) => self.name.clone(),
        }
    }

    /// Twice the time, and at least `least` milliseconds, as it is written.
    pub fn longer(&self, least: u64) -> String {
        let twice = self.milliseconds.unwrap_or(DEFAULT_TIMEOUT).saturating_mul(2);
        time_in_words(twice.max(least))
    }
}

impl<'m> Target<'m> {
    /// A timeout of the module in use, such as `read_timeout`, by default 60
    /// seconds.
    pub fn timeout(self, setting: &str) -> TimeoutInForce<'m> {
        let name = format!("{}_{setting}", self.protocol.prefix());
        let value = self.effective(setting);
        let milliseconds = match value {
            Effective::Set(directive) => directive.argument(0).and_then(parse_milliseconds),
            Effective::Default => Some(DEFAULT_TIMEOUT),
            Effective::Unseen => None,
        };
        let others = PASS_DIRECTIVES.iter().filter(|(_, other)| *other != self.protocol);
        let mut others = others
            .filter_map(|(_, other)| self.block().effective(&format!("{}_{setting}", other.prefix())).directive());
        let mistaken = if value == Effective::Default { others.next() } else { None };
        TimeoutInForce { name, directive: value.directive(), milliseconds, mistaken }
    }
}

impl<'t> Model<'t> {
    /// What the log says with these messages, what leads to one line together;
    /// what was seen most often first. `place` says which line that is.
    pub fn seen_together<'m>(
        &'m self,
        signatures: &[Signature],
        place: impl Fn(&Seen<'m>) -> Place,
    ) -> Vec<Together<'m>> {
        let mut index: FxHashMap<Location, usize> = FxHashMap::default();
        let mut together: Vec<Together<'m>> = Vec::new();
        for seen in self.seen(signatures) {
            let place = place(&seen);
            match index.get(&place.location) {
                Some(at) => together[*at].seen.push(seen),
                None => {
                    index.insert(place.location, together.len());
                    together.push(Together { place, seen: vec![seen] });
                }
            }
        }
        together.sort_by_key(|together| {
            std::cmp::Reverse(together.seen.iter().fold(0_u64, |sum, seen| sum.saturating_add(seen.count)))
        });
        together
    }

    /// The line that passes requests to FastCGI, or the first of several that
    /// all say the same place.
    pub fn only_way_to_fastcgi(&self) -> Option<Target<'_>> {
        let mut targets =
            self.targets().filter(|target| target.protocol == Protocol::Fastcgi && target.directive.is_read());
        let first = targets.next()?;
        targets.all(|other| other.text == first.text).then_some(first)
    }

    /// After so many milliseconds without another request a server behind nginx
    /// ends a connection: it was seen to, or the user says so. How long it
    /// waits for the first request says nothing of that.
    pub fn idle_time_of(&self, peer: Option<&str>) -> Option<u64> {
        let conversations = self.facts().zip(peer).map(|(facts, peer)| facts.conversations_with(peer));
        let seen = conversations.into_iter().flatten().filter(|conversation| conversation.said == Said::Request);
        seen.filter_map(|conversation| conversation.idle_milliseconds)
            .min()
            .or(self.surroundings().backend_idle_timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Conversation, Evidence, Facts, Log, Tally};
    use crate::model::Profile;
    use crate::tree::{self, Memory, Places, Tree};

    fn tree(group: &str, location: &str) -> Tree {
        let text = format!(
            "events {{}} http {{ proxy_read_timeout 5m; upstream app {{ {group} }} server {{ server_name a.example; location / {{ {location} }} }} }}"
        );
        let entry = Path::new("/nginx.conf");
        let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
        tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there")
    }

    fn profile(peers: &[&str], request: &str) -> Profile {
        let evidence = |peer: &&str| Evidence {
            peer: Some((*peer).to_owned()),
            server: Some("a.example".to_owned()),
            requests: vec![Tally { value: format!("{request} a.example/"), count: 1 }],
            count: 1,
            ..Evidence::default()
        };
        let log = Some(Log { seen: peers.iter().map(evidence).collect(), ..Log::default() });
        let said = |said, idle| Conversation {
            address: peers[0].to_owned(),
            said,
            heard: Heard::Http,
            idle_milliseconds: Some(idle),
            ..Conversation::default()
        };
        let conversations = vec![said(Said::Nothing, 1_000), said(Said::Request, 5_000)];
        let facts = Facts { log, conversations, ..Facts::default() };
        Profile { facts: Some(Arc::new(facts)), ..Profile::default() }
    }

    const TWO: &str = "server 127.0.0.1:1; server 127.0.0.1:2;";

    #[test]
    fn another_server_is_asked_where_nginx_does_so() {
        let table = [
            (TWO, "", "GET", "error", true),
            (TWO, "", "GET", "timeout", true),
            (TWO, "", "GET", "invalid_header", false),
            (TWO, "", "POST", "error", false),
            (TWO, "proxy_next_upstream error non_idempotent;", "POST", "error", true),
            (TWO, "proxy_next_upstream timeout;", "GET", "error", false),
            (TWO, "proxy_next_upstream off;", "GET", "error", false),
            (TWO, "proxy_next_upstream_tries 1;", "GET", "error", false),
            ("server 127.0.0.1:1;", "", "GET", "error", false),
            ("server 127.0.0.1:1; server 127.0.0.1:2 down;", "", "GET", "error", false),
        ];
        for (group, location, method, condition, expected) in table {
            let tree = tree(group, &format!("proxy_pass http://app; {location}"));
            let model = Model::new(&tree, Context::Main, profile(&["127.0.0.1:1"], method));
            let seen = model.seen_together(&Signature::ALL, Seen::place);
            assert_eq!(seen[0].is_tried_elsewhere(condition), expected, "{group} {location} {method} {condition}");
        }
    }

    #[test]
    fn who_was_heard_to_speak_otherwise() {
        let table = [
            ("proxy_pass http://127.0.0.1:1;", false),
            ("proxy_pass https://127.0.0.1:1;", true),
            ("fastcgi_pass 127.0.0.1:1;", true),
            ("uwsgi_pass 127.0.0.1:1;", false),
            ("grpc_pass 127.0.0.1:1;", true),
            ("proxy_pass http://127.0.0.1:2;", false),
        ];
        for (location, expected) in table {
            let tree = tree(TWO, location);
            let model = Model::new(&tree, Context::Main, profile(&["127.0.0.1:1"], "GET"));
            let seen = model.seen(&Signature::ALL);
            assert_eq!(seen[0].is_heard_otherwise(), expected, "{location}");
        }
    }

    #[test]
    fn all_ways_to_fastcgi_may_be_one() {
        let table = [
            ("proxy_pass http://app;", false),
            ("fastcgi_pass app;", true),
            ("fastcgi_pass app; location /a { fastcgi_pass app; }", true),
            ("fastcgi_pass app; location /a { fastcgi_pass 127.0.0.1:1; }", false),
        ];
        for (location, expected) in table {
            let tree = tree(TWO, location);
            let model = Model::new(&tree, Context::Main, Profile::default());
            assert_eq!(model.only_way_to_fastcgi().is_some(), expected, "{location}");
        }
    }

    #[test]
    fn what_leads_to_one_line_is_one() {
        let tree = tree(TWO, "proxy_pass http://app;");
        let model = Model::new(&tree, Context::Main, profile(&["127.0.0.1:1", "127.0.0.1:2"], "GET"));
        assert_eq!(model.seen_together(&Signature::ALL, Seen::place).len(), 2);
        let together = model.seen_together(&Signature::ALL, Seen::place_of_pass);
        assert_eq!(together[0].servers_in_words(), "2 servers of \"app\"");
        assert_eq!(together[0].group_servers().len(), 2);
        // Both failed: nobody is left to be asked.
        assert!(together[0].is_sometimes_tried_elsewhere("error") && !together[0].is_tried_elsewhere("error"));
        let idle = ["127.0.0.1:1", "127.0.0.1:2"].map(|peer| model.idle_time_of(Some(peer)));
        assert_eq!(idle, [Some(5_000), None]);
    }

    #[test]
    fn timeouts_are_those_of_the_module_in_use() {
        let table = [
            ("proxy_pass http://app;", "proxy_read_timeout 5m", Some(300_000), false, "600s"),
            ("proxy_pass http://app; proxy_read_timeout 1s;", "proxy_read_timeout 1s", Some(1_000), false, "120s"),
            ("fastcgi_pass app;", "fastcgi_read_timeout, 60s by default", Some(60_000), true, "120s"),
            ("fastcgi_pass app; fastcgi_read_timeout 90s;", "fastcgi_read_timeout 90s", Some(90_000), false, "180s"),
            ("fastcgi_pass app; include elsewhere.conf;", "fastcgi_read_timeout", None, false, "120s"),
        ];
        for (location, words, milliseconds, is_mistaken, longer) in table {
            let tree = tree(TWO, location);
            let model = Model::new(&tree, Context::Main, Profile::default());
            let timeout = model.targets().next().expect("the target").timeout("read_timeout");
            assert_eq!(timeout.in_words(), words, "{location}");
            assert_eq!(timeout.milliseconds, milliseconds, "{location}");
            assert_eq!(timeout.mistaken.is_some(), is_mistaken, "{location}");
            assert_eq!(timeout.longer(120_000), longer, "{location}");
        }
    }
}
