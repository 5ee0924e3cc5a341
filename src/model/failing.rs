//! Connections that fail, now or by the log, sorted by what is behind it: one
//! [`Failure`] for each cause, with all that was seen of it.
//!
//! Sockets of the file system are not among them: see [`super::SocketUse`].

use rustc_hash::FxHashMap;

use crate::catalog::Family;
use crate::facts::{Connection, Outcome, Signature};
use crate::tree::NodeId;

use super::address::parse_ipv6;
use super::reached::endpoint_of;
use super::{
    BlockId, Directive, Effective, Endpoint, Host, Model, Place, Protocol, Reached, Seen, Server, Target, Upstream,
};
use super::{is_loopback, parse_number, split_address};

/// What is behind a connection that fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FailureKind {
    /// One of the addresses of `localhost`, while another one answers.
    HalfOfLocalhost,
    /// Nothing listens on the loopback address of the container that nginx
    /// runs in.
    OwnLoopback,
    /// Nothing listens there.
    Refused,
    /// No way leads there, or nobody answers.
    Unreachable,
    /// This machine does not allow it.
    Denied,
    /// No address or port is left to connect from.
    NoLocalPort,
}

/// Connections to one place that fail for one reason.
#[derive(Clone, Debug)]
pub struct Failure<'m> {
    model: &'m Model<'m>,
    /// What is behind it.
    pub kind: FailureKind,
    /// The servers of groups, and targets, that lead there; none when the log
    /// names a server that no line leads to.
    pub lines: Vec<Directive<'m>>,
    /// What came of connecting from the first of them, if somebody did.
    pub reached: Option<Reached<'m>>,
    /// The addresses for which it is so now.
    pub now: Vec<(String, &'m Connection)>,
    /// What the log says of it.
    pub seen: Vec<Seen<'m>>,
    /// Whether requests are passed on to somebody else who answers.
    pub is_spared: bool,
}

/// The messages about connections that fail, and what connecting then came to.
const OUTCOMES: [(Signature, Outcome); 8] = [
    (Signature::UpstreamRefused, Outcome::Refused),
    (Signature::ConnectTimedOut, Outcome::TimedOut),
    (Signature::ConnectKernelTimeout, Outcome::TimedOut),
    (Signature::HostUnreachable, Outcome::HostUnreachable),
    (Signature::NetworkUnreachable, Outcome::NetworkUnreachable),
    (Signature::AddressFamilyNotSupported, Outcome::NotSupported),
    (Signature::NoLocalAddress, Outcome::NoLocalAddress),
    (Signature::ConnectDenied, Outcome::Denied),
];

impl<'m> Failure<'m> {
    /// Where to look first.
    pub fn place(&self) -> Place {
        match (self.lines.first(), self.seen.first()) {
            (Some(line), _) => line.place_of_argument(0),
            (None, Some(seen)) => seen.place(),
            (None, None) => self.model.place_of_configuration(),
        }
    }

    /// The addresses for which it is so now or, when it is so no longer, was.
    pub fn addresses(&self) -> Vec<&str> {
        if self.now.is_empty() {
            return peers(&self.seen);
        }
        self.now.iter().map(|(address, _)| address.as_str()).collect()
    }

    /// The host and port that its first line names.
    pub fn endpoint(&self) -> Option<Endpoint<'m>> {
        self.lines.first().copied().and_then(endpoint_of)
    }

    /// Whether connections of `stream {}` are passed there.
    pub fn is_of_stream(&self) -> bool {
        self.lines.first().is_some_and(|line| line.taken_in() == Some(Family::Stream))
    }

    /// Whether a request can go on from there to another server or address.
    pub fn has_alternatives(&self) -> bool {
        self.lines.is_empty() || self.lines.iter().any(|line| has_alternatives(*line))
    }

    /// The targets that lead to its first line.
    pub fn users(&self) -> Vec<Target<'m>> {
        self.lines.first().map_or_else(Vec::new, |line| users_of(*line))
    }

    /// The message that the log has most often.
    pub fn most_seen(&self) -> Option<&Seen<'m>> {
        self.seen.iter().max_by_key(|seen| seen.count)
    }
}

fn peers<'s>(seen: &'s [Seen<'_>]) -> Vec<&'s str> {
    let mut peers: Vec<&str> = seen.iter().filter_map(|seen| seen.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    peers
}

/// The targets whose requests go to a server of a group, or the target itself.
fn users_of(line: Directive<'_>) -> Vec<Target<'_>> {
    match Target::of(line) {
        Some(target) => vec![target],
        None => line.model().targets_of(Upstream { block: line.parent() }).collect(),
    }
}

impl Reached<'_> {
    /// Whether it is `localhost`, and only some of its addresses answer.
    pub fn is_half_of_localhost(&self) -> bool {
        let is_up = |(_, connection): &(String, &Connection)| connection.outcome == Outcome::Connected;
        self.endpoint.host.is_localhost() && self.connections.iter().any(is_up) && !self.connections.iter().all(is_up)
    }

    fn answers(&self) -> bool {
        self.connections.iter().any(|(_, connection)| connection.outcome == Outcome::Connected)
    }
}

impl Target<'_> {
    /// Whether requests that cannot be passed to one server go on to the next:
    /// `condition` is `error` or `timeout`.
    fn goes_on_after(self, condition: &str) -> bool {
        let is_listed = match self.effective("next_upstream") {
            Effective::Set(directive) if self.protocol == Protocol::Stream => !directive.has_flag("off"),
            Effective::Set(directive) => directive.has_flag(condition),
            Effective::Default => true,
            Effective::Unseen => false,
        };
        let tries = match self.effective("next_upstream_tries") {
            Effective::Set(directive) => directive.argument(0).and_then(parse_number),
            Effective::Default => Some(0),
            Effective::Unseen => None,
        };
        is_listed && tries.is_some_and(|tries| tries != 1)
    }
}

impl<'t> Model<'t> {
    /// All that fails. What fails now comes first, by line.
    pub fn failures(&self) -> Vec<Failure<'_>> {
        if self.facts().is_none() {
            return Vec::new();
        }
        let reached: FxHashMap<NodeId, Reached<'_>> =
            self.reached().into_iter().map(|reached| (reached.endpoint.directive.id(), reached)).collect();
        let mut failures = self.failing_now(&reached);
        self.add_seen(&reached, &mut failures);
        failures
    }

    fn failing_now<'m>(&'m self, all: &FxHashMap<NodeId, Reached<'m>>) -> Vec<Failure<'m>> {
        let mut lines: Vec<NodeId> = all.keys().copied().collect();
        lines.sort_unstable();
        let mut failures: Vec<Failure<'m>> = Vec::new();
        let mut known: FxHashMap<(FailureKind, Vec<String>), usize> = FxHashMap::default();
        let mut answering: FxHashMap<BlockId, usize> = FxHashMap::default();
        for reached in all.values().filter(|reached| reached.answers()) {
            *answering.entry(reached.endpoint.directive.parent().id()).or_default() += 1;
        }
        for reached in lines.iter().map(|line| &all[line]) {
            let mut kinds: Vec<(FailureKind, (String, &'m Connection))> = Vec::new();
            for (address, connection) in &reached.connections {
                let kind = self.kind_now(reached, address, connection.outcome);
                kinds.extend(kind.map(|kind| (kind, (address.clone(), *connection))));
            }
            kinds.sort_by_key(|(kind, _)| *kind);
            for of_kind in kinds.chunk_by(|(one, _), (other, _)| one == other) {
                let kind = of_kind[0].0;
                let now: Vec<(String, &'m Connection)> = of_kind.iter().map(|(_, now)| now.clone()).collect();
                let line = reached.endpoint.directive;
                let is_spared = is_spared(reached, &now, &answering);
                let addresses = now.iter().map(|(address, _)| address.clone()).collect();
                match known.get(&(kind, addresses)) {
                    Some(index) => {
                        failures[*index].lines.push(line);
                        failures[*index].is_spared &= is_spared;
                    }
                    None => {
                        known.insert((kind, now.iter().map(|(address, _)| address.clone()).collect()), failures.len());
                        let reached = Some(reached.clone());
                        let (lines, seen) = (vec![line], Vec::new());
                        failures.push(Failure { model: self, kind, lines, reached, now, seen, is_spared });
                    }
                }
            }
        }
        failures
    }

    fn add_seen<'m>(&'m self, reached: &FxHashMap<NodeId, Reached<'m>>, failures: &mut Vec<Failure<'m>>) {
        let seen = self.seen(&OUTCOMES.map(|(signature, _)| signature));
        let mut by_line: Vec<(Option<NodeId>, Vec<Seen<'m>>)> = Vec::new();
        for seen in seen {
            let line = seen.directive().map(Directive::id);
            match by_line.iter_mut().find(|(own, _)| *own == line) {
                Some((_, list)) => list.push(seen),
                None => by_line.push((line, vec![seen])),
            }
        }
        let first_of_log = failures.len();
        let is_of_another_day = !self.may_lead_elsewhere();
        for (line, list) in by_line {
            // Nothing leads there any more: whoever wrote the configuration
            // has taken care of it.
            if line.is_none() && is_of_another_day {
                continue;
            }
            let reached = line.and_then(|line| reached.get(&line));
            let endpoint = line.and_then(|line| endpoint_of(self.directive(line)));
            let is_half = endpoint.is_some_and(|endpoint| endpoint.host.is_localhost())
                && match reached {
                    Some(reached) => reached.is_half_of_localhost(),
                    // A request tries both: where only one is in the log, the
                    // other one answered.
                    None => self.has_two_localhosts() && peers(&list).len() == 1,
                };
            let all_answer = reached.is_some_and(|reached| reached.all_are(Outcome::Connected));
            for seen in list {
                let Some(kind) = self.kind_then(&seen, endpoint, is_half, all_answer) else { continue };
                let of_line =
                    |failure: &Failure<'_>| line.is_some_and(|line| failure.lines.iter().any(|own| own.id() == line));
                let same = |(index, failure): (usize, &Failure<'m>)| {
                    let is_same = failure.kind == kind
                        && (of_line(failure) || seen.peer.is_some_and(|peer| failure.addresses().contains(&peer)));
                    is_same.then_some(index)
                };
                match failures.iter().enumerate().find_map(same) {
                    Some(index) => {
                        let failure = &mut failures[index];
                        if index >= first_of_log && !of_line(failure) {
                            failure.lines.extend(line.map(|line| self.directive(line)));
                        }
                        failure.seen.push(seen);
                    }
                    None => failures.push(Failure {
                        model: self,
                        kind,
                        lines: line.map(|line| self.directive(line)).into_iter().collect(),
                        reached: reached.cloned(),
                        now: Vec::new(),
                        seen: vec![seen],
                        is_spared: false,
                    }),
                }
            }
        }
    }

    fn kind_now(&self, reached: &Reached<'_>, address: &str, outcome: Outcome) -> Option<FailureKind> {
        let host = reached.endpoint.host;
        if matches!(host, Host::Unix(_)) || outcome == Outcome::Connected || self.is_of_stopped_nginx(address) {
            return None;
        }
        if reached.is_half_of_localhost() {
            return Some(FailureKind::HalfOfLocalhost);
        }
        let is_own = is_loopback(host) && !self.listens_close_by(reached.endpoint);
        self.kind_of(outcome, address, is_own)
    }

    fn kind_then(
        &self,
        seen: &Seen<'_>,
        endpoint: Option<Endpoint<'_>>,
        is_half: bool,
        all_answer: bool,
    ) -> Option<FailureKind> {
        let peer = seen.peer.unwrap_or_default();
        if peer.starts_with("unix:") {
            return None;
        }
        if is_half {
            return Some(FailureKind::HalfOfLocalhost);
        }
        let host = endpoint.map_or_else(|| split_address(peer).0, |endpoint| endpoint.host);
        let (_, outcome) = OUTCOMES.iter().find(|(signature, _)| *signature == seen.signature)?;
        // A program close by is the one that is meant, in a container or not.
        let is_close = endpoint.is_some_and(|endpoint| self.listens_close_by(endpoint));
        self.kind_of(*outcome, peer, is_loopback(host) && !all_answer && !is_close)
    }

    fn kind_of(&self, outcome: Outcome, address: &str, is_loopback: bool) -> Option<FailureKind> {
        match outcome {
            Outcome::Refused if is_loopback && self.is_in_container() => Some(FailureKind::OwnLoopback),
            Outcome::Refused => Some(FailureKind::Refused),
            Outcome::TimedOut
            | Outcome::HostUnreachable
            | Outcome::NetworkUnreachable
            | Outcome::NotSupported
            | Outcome::Reset => Some(FailureKind::Unreachable),
            Outcome::NoLocalAddress if address.starts_with('[') && self.is_without_ipv6() => {
                Some(FailureKind::Unreachable)
            }
            Outcome::NoLocalAddress => Some(FailureKind::NoLocalPort),
            Outcome::Denied => Some(FailureKind::Denied),
            Outcome::Connected | Outcome::Missing | Outcome::Full | Outcome::Other => None,
        }
    }

    /// Whether requests may be passed to addresses that are not written: by a
    /// variable, a name, or where not all could be seen.
    pub fn may_lead_elsewhere(&self) -> bool {
        let is_whole = !self.is_fragment() && self.is_whole(Family::Http) && self.is_whole(Family::Stream);
        let mut servers =
            self.directives_named(&["server"]).filter(|directive| Server { directive: *directive }.is_in_group());
        !is_whole
            || self.targets().any(|target| target.has_variables() || target.is_template())
            || servers.any(|server| server.is_template(0))
            || self.passed_to().any(|endpoint| matches!(endpoint.host, Host::Name(_)) && !endpoint.host.is_localhost())
    }

    fn has_two_localhosts(&self) -> bool {
        let localhost = self.facts().and_then(|facts| facts.names.get("localhost"));
        localhost.is_some_and(|resolution| resolution.addresses.len() > 1)
    }

    /// Whether what was seen tells what there is to say of a line that names
    /// `localhost`: that it is one address here, that only one of two answers,
    /// or that a container is meant by it.
    pub fn is_told_of_localhost(&self, line: Directive<'_>) -> bool {
        let Some(facts) = self.facts() else { return false };
        let is_one = facts.names.get("localhost").is_some_and(|resolution| resolution.addresses.len() == 1);
        let says = |kind: FailureKind| matches!(kind, FailureKind::HalfOfLocalhost | FailureKind::OwnLoopback);
        is_one
            || self
                .failures()
                .iter()
                .any(|failure| says(failure.kind) && failure.lines.iter().any(|own| own.id() == line.id()))
    }

    /// Whether nginx itself listens there as soon as it runs, which it does
    /// not.
    pub(super) fn is_of_stopped_nginx(&self, address: &str) -> bool {
        if self.facts().is_none_or(|facts| facts.nginx.runs != Some(false)) {
            return false;
        }
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let listeners = [Family::Http, Family::Stream].into_iter().flat_map(|family| self.listeners(family));
        listeners.into_iter().filter(|listener| !listener.is_udp()).any(|listener| {
            let socket = listener.socket();
            socket.to_string() == address || (listener.is_wildcard() && Some(socket.port) == port)
        })
    }

    /// Whether this machine certainly has an address of IPv6.
    pub fn has_ipv6_address(&self) -> bool {
        let addresses = self.facts().and_then(|facts| facts.machine.addresses.as_deref()).unwrap_or_default();
        addresses.iter().any(|address| parse_ipv6(address).is_some())
    }

    /// Whether this machine certainly has no IPv6: not in the kernel, or no
    /// address of it.
    pub fn is_without_ipv6(&self) -> bool {
        let Some(machine) = self.facts().map(|facts| &facts.machine) else { return false };
        machine.ipv6 == Some(false)
            || machine.addresses.as_ref().is_some_and(|addresses| !addresses.is_empty() && !self.has_ipv6_address())
    }

    /// Whether clients do without this server of a group: it is a backup, or
    /// another one answers and requests go on to it after `condition`, which
    /// is `error` or `timeout`.
    pub fn is_covered(&self, line: Directive<'_>, condition: &str) -> bool {
        let server = Server { directive: line };
        if !server.is_in_group() || server.is_backup() {
            return server.is_in_group();
        }
        let mut others = Upstream { block: line.parent() }.servers().filter(|other| other.directive.id() != line.id());
        go_on_after(line, condition)
            && others.any(|other| {
                let endpoint = endpoint_of(other.directive);
                endpoint.and_then(|endpoint| self.reached_at(endpoint)).is_some_and(|reached| reached.answers())
            })
    }
}

/// Whether clients are served by somebody else: another address of the name,
/// or another server of the group, answers, and requests go on to it.
/// `answering` says how many servers of each group do.
fn is_spared(reached: &Reached<'_>, now: &[(String, &Connection)], answering: &FxHashMap<BlockId, usize>) -> bool {
    let has = |outcome: Outcome| now.iter().any(|(_, connection)| connection.outcome == outcome);
    // Without a socket nginx gives up the request.
    if has(Outcome::NotSupported) {
        return false;
    }
    let condition = if has(Outcome::TimedOut) { "timeout" } else { "error" };
    let line = reached.endpoint.directive;
    let server = Server { directive: line };
    if server.is_in_group() && server.is_backup() {
        return true;
    }
    let others = if server.is_in_group() { answering.get(&line.parent().id()).copied().unwrap_or(0) } else { 0 };
    (reached.answers() || others > 0) && go_on_after(line, condition)
}

/// Whether all requests that cannot be passed there go on.
fn go_on_after(line: Directive<'_>, condition: &str) -> bool {
    let users = users_of(line);
    !users.is_empty() && users.iter().all(|target| target.goes_on_after(condition))
}

/// Whether requests can go on from there to another server or address.
pub(super) fn has_alternatives(line: Directive<'_>) -> bool {
    let in_group = Server { directive: line }.is_in_group();
    let may_be_several = endpoint_of(line).is_none_or(Endpoint::may_be_several);
    may_be_several || (in_group && Upstream { block: line.parent() }.has_several_servers())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Evidence, Facts, Log};
    use crate::tree::{self, Memory, Places};

    const TEXT: &str = "events {}
http {
    upstream app {
        server 127.0.0.1:3000;
        server 127.0.0.1:3001;
        server 192.0.2.1:80;
    }
    upstream once { server 127.0.0.1:3000; server 127.0.0.1:3001; }
    server {
        location / { proxy_pass http://app; }
        location /local/ { proxy_pass http://localhost:4000; }
        location /name/ { proxy_pass http://name.example; }
        location /same/ { proxy_pass http://127.0.0.1:3001; }
        location /once/ { proxy_pass http://once; proxy_next_upstream off; }
        location /six/ { proxy_pass http://[::1]:5000; }
    }
    server { listen 5000; listen [::]:5000; }
}
";

    /// What fails: the kind, the lines, whether it is so now, whether clients
    /// are spared, and how many messages the log has.
    fn failures(facts: &str, log: &[(Signature, &str)]) -> Vec<(FailureKind, Vec<u32>, bool, bool, usize)> {
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, TEXT.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let mut facts: Facts = toml::from_str(facts).expect("facts");
        let seen = log.iter().map(|(signature, peer)| {
            let (signature, peer) = (*signature, Some((*peer).to_owned()));
            Evidence { signature, peer, scheme: Some("http".to_owned()), count: 1, ..Evidence::default() }
        });
        facts.log = Some(Log { seen: seen.collect(), ..Log::default() });
        let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
        let model = Model::new(&tree, Context::Main, profile);
        let line = |place: Place| model.source(place.location.file).line(place.location.span.start);
        let failures = model.failures();
        let each = failures.iter().map(|failure| {
            let lines = failure.lines.iter().map(|own| line(own.place())).collect();
            (failure.kind, lines, !failure.now.is_empty(), failure.is_spared, failure.seen.len())
        });
        each.collect()
    }

    #[test]
    fn each_failure_is_of_one_kind_and_comes_once() {
        use FailureKind::{Denied, HalfOfLocalhost, NoLocalPort, OwnLoopback, Refused, Unreachable};
        use Signature as S;
        let both = "names.localhost = { addresses = [\"127.0.0.1\", \"::1\"] }\n";
        let connections = |list: &[(&str, &str)]| {
            let each =
                list.iter().map(|(at, outcome)| format!("connections.\"{at}\" = {{ outcome = \"{outcome}\" }}\n"));
            each.collect::<String>()
        };
        let docker = "machine.container = \"docker\"\n";
        let half = connections(&[("127.0.0.1:4000", "connected"), ("[::1]:4000", "refused")]);
        let table = [
            // Now, at all lines that lead there; one group passes requests on.
            (connections(&[("127.0.0.1:3001", "refused")]), vec![], vec![(Refused, vec![5, 8, 13], true, false, 0)]),
            (
                connections(&[("192.0.2.1:80", "timed-out"), ("127.0.0.1:3000", "connected")]),
                vec![(S::ConnectTimedOut, "192.0.2.1:80")],
                vec![(Unreachable, vec![6], true, true, 1)],
            ),
            // Now and in the log; only in the log.
            (
                connections(&[("192.0.2.1:80", "refused")]),
                vec![(S::UpstreamRefused, "192.0.2.1:80")],
                vec![(Refused, vec![6], true, false, 1)],
            ),
            (
                connections(&[("192.0.2.1:80", "connected")]),
                vec![(S::UpstreamRefused, "192.0.2.1:80")],
                vec![(Refused, vec![6], false, false, 1)],
            ),
            (String::new(), vec![(S::ConnectDenied, "192.0.2.1:80")], vec![(Denied, vec![6], false, false, 1)]),
            // Half of localhost, in a container too; all of it; by the log.
            (
                format!("{both}{half}"),
                vec![(S::UpstreamRefused, "[::1]:4000")],
                vec![(HalfOfLocalhost, vec![11], true, true, 1)],
            ),
            (format!("{docker}{both}{half}"), vec![], vec![(HalfOfLocalhost, vec![11], true, true, 0)]),
            (
                format!("{both}{}", connections(&[("127.0.0.1:4000", "refused"), ("[::1]:4000", "refused")])),
                vec![(S::UpstreamRefused, "[::1]:4000")],
                vec![(Refused, vec![11], true, false, 1)],
            ),
            (
                both.to_owned(),
                vec![(S::UpstreamRefused, "[::1]:4000")],
                vec![(HalfOfLocalhost, vec![11], false, false, 1)],
            ),
            (
                both.to_owned(),
                vec![(S::UpstreamRefused, "[::1]:4000"), (S::UpstreamRefused, "127.0.0.1:4000")],
                vec![(Refused, vec![11], false, false, 2)],
            ),
            // In a container: now, by the log, and when it answers again.
            (
                format!("{docker}{}", connections(&[("[::1]:5000", "refused")])),
                vec![(S::UpstreamRefused, "[::1]:5000")],
                vec![(OwnLoopback, vec![15], true, false, 1)],
            ),
            (
                docker.to_owned(),
                vec![(S::UpstreamRefused, "[::1]:5000")],
                vec![(OwnLoopback, vec![15], false, false, 1)],
            ),
            (
                format!("{docker}{}", connections(&[("[::1]:5000", "connected")])),
                vec![(S::UpstreamRefused, "[::1]:5000")],
                vec![(Refused, vec![15], false, false, 1)],
            ),
            // No port, or no IPv6.
            (String::new(), vec![(S::NoLocalAddress, "[::1]:5000")], vec![(NoLocalPort, vec![15], false, false, 1)]),
            (
                "machine.ipv6 = false".to_owned(),
                vec![(S::NoLocalAddress, "[::1]:5000")],
                vec![(Unreachable, vec![15], false, false, 1)],
            ),
            // nginx itself, which does not run.
            (format!("nginx.runs = false\n{}", connections(&[("[::1]:5000", "refused")])), vec![], vec![]),
            (
                format!("nginx.runs = true\n{}", connections(&[("[::1]:5000", "refused")])),
                vec![],
                vec![(Refused, vec![15], true, false, 0)],
            ),
            // Sockets are elsewhere.
            (String::new(), vec![(S::UnixMissing, "unix:/run/app.sock")], vec![]),
        ];
        for (facts, log, expected) in table {
            assert_eq!(failures(&facts, &log), expected, "{facts} {log:?}");
        }
    }
}
