//! "No live upstreams": what made a group have no server left to try.

use crate::facts::{Outcome, Signature};

use super::{BlockId, Directive, Effective, Model, Seen, Target, Upstream};

/// That a group had no server left, by the log, and why.
#[derive(Clone, Debug)]
pub struct NoLive<'m> {
    /// What the log says.
    pub seen: Seen<'m>,
    /// Why.
    pub cause: NoLiveCause<'m>,
}

/// Why no server is left.
#[derive(Clone, Copy, Debug)]
pub enum NoLiveCause<'m> {
    /// Its servers failed: the log, or what came of connecting, says how.
    Failures,
    /// All of them are marked so.
    AllDown,
    /// This directive makes answers failures.
    Answers(Directive<'m>),
    /// All of them have a limit.
    Limits,
    /// Nothing says why.
    Unknown,
}

/// Messages about what nginx takes for a failure of the server.
const FAILURES: &[Signature] = &[
    Signature::UpstreamRefused,
    Signature::ConnectKernelTimeout,
    Signature::ConnectTimedOut,
    Signature::TlsHandshakeTimedOut,
    Signature::SendTimedOut,
    Signature::ReadHeaderTimedOut,
    Signature::HostUnreachable,
    Signature::NetworkUnreachable,
    Signature::NoLocalAddress,
    Signature::ConnectDenied,
    Signature::UnixMissing,
    Signature::UnixDenied,
    Signature::UnixRefused,
    Signature::UnixFull,
    Signature::UnixNotDirectory,
    Signature::PrematureCloseHeader,
    Signature::TlsPeerClosed,
    Signature::ReadReset,
    Signature::SendBroken,
    Signature::TooBigHeader,
    Signature::InvalidHeader,
    Signature::DuplicateHeader,
    Signature::LengthAndEncoding,
    Signature::UnknownTransferEncoding,
    Signature::NotFastcgi,
    Signature::Http2FrameTooLarge,
    Signature::NotMemcached,
    Signature::TlsWrongVersionNumber,
    Signature::TlsHandshakeFailure,
    Signature::TlsUnrecognizedName,
    Signature::TlsProtocolVersion,
    Signature::TlsCertificateRequired,
    Signature::TlsVerifyError,
    Signature::TlsNameMismatch,
];

/// Answers with these are failures of the server where they are listed; 403
/// and 404 never are.
pub const FAILING_ANSWERS: [&str; 5] = ["http_500", "http_502", "http_503", "http_504", "http_429"];

impl<'m> Target<'m> {
    /// The directive that makes answers to the requests of this target
    /// failures of the server.
    pub fn counts_answers(self) -> Option<Directive<'m>> {
        let directive = self.effective("next_upstream").directive()?;
        let is_listed = directive.arguments().any(|argument| FAILING_ANSWERS.contains(&argument));
        // The last try of a request is never a failure of the server.
        let goes_on = match self.effective("next_upstream_tries") {
            Effective::Set(tries) => tries.argument(0).is_some_and(|tries| tries != "1" && !tries.contains('$')),
            Effective::Default => true,
            Effective::Unseen => false,
        };
        (is_listed && !directive.has_flag("off") && goes_on).then_some(directive)
    }
}

impl<'m> NoLive<'m> {
    /// Whether it is about this group.
    pub fn is_about(&self, group: BlockId) -> bool {
        self.seen.upstream.is_some_and(|own| own.block.id() == group)
    }
}

impl<'t> Model<'t> {
    /// What the log has of groups that had no server left.
    pub fn no_live_upstreams(&self) -> Vec<NoLive<'_>> {
        let seen = self.seen(&[Signature::NoLiveUpstreams]);
        if seen.is_empty() {
            return Vec::new();
        }
        let failures = self.seen(FAILURES);
        seen.into_iter().map(|seen| NoLive { cause: self.cause_of(&seen, &failures), seen }).collect()
    }

    /// Servers that were left out for a while although nothing else says what
    /// was wrong with them.
    pub fn left_out_for_nothing(&self) -> Vec<Seen<'_>> {
        let seen = self.seen(&[Signature::UpstreamDisabled]);
        if seen.is_empty() {
            return Vec::new();
        }
        let (failures, none_left) = (self.seen(FAILURES), self.seen(&[Signature::NoLiveUpstreams]));
        let is_told = |seen: &Seen<'_>| {
            failures.iter().any(|failure| failure.peer == seen.peer || is_same_group(seen, failure))
                || none_left.iter().any(|none| is_same_group(seen, none))
                || self
                    .reached()
                    .iter()
                    .any(|reached| seen.is_about(reached.endpoint.directive) && !reached.all_are(Outcome::Connected))
        };
        seen.into_iter().filter(|seen| !is_told(seen)).collect()
    }

    fn cause_of<'m>(&'m self, seen: &Seen<'m>, failures: &[Seen<'m>]) -> NoLiveCause<'m> {
        let group = seen.upstream;
        if let Some(group) = group
            && group.is_all_down()
        {
            return NoLiveCause::AllDown;
        }
        let fails_now = || {
            let reached = self.reached();
            let mut own = reached.iter().filter(|reached| {
                let line = reached.endpoint.directive;
                match group {
                    Some(group) => line.parent() == group.block,
                    None => seen.is_about(line),
                }
            });
            own.any(|reached| !reached.all_are(Outcome::Connected))
        };
        // A server may be in more than one group.
        let is_of_group = |failure: &Seen<'_>| {
            let Some((group, peer)) = group.zip(failure.peer) else { return false };
            group.endpoints().any(|endpoint| self.leads_to(endpoint, peer))
        };
        if failures.iter().any(|failure| is_same_group(seen, failure) || is_of_group(failure)) || fails_now() {
            return NoLiveCause::Failures;
        }
        let users: Vec<Target<'m>> = match group {
            Some(group) => self.targets_of(group).collect(),
            None => seen.target.into_iter().collect(),
        };
        if let Some(directive) = users.into_iter().find_map(Target::counts_answers) {
            return NoLiveCause::Answers(directive);
        }
        if group.is_some_and(Upstream::is_limited) { NoLiveCause::Limits } else { NoLiveCause::Unknown }
    }
}

impl Upstream<'_> {
    /// Whether all of its servers are marked down, as far as nginx itself
    /// chooses among them.
    pub fn is_all_down(self) -> bool {
        let mut servers = self.servers().peekable();
        servers.peek().is_some() && servers.all(|server| server.is_down()) && self.is_whole() && self.is_run_by_nginx()
    }

    /// Whether all of its servers have a limit of connections, and what is
    /// above does not wait.
    pub fn is_limited(self) -> bool {
        let mut servers = self.servers().filter(|server| !server.is_down()).peekable();
        servers.peek().is_some()
            && servers.all(|server| server.max_conns().is_some())
            && self.block.directive("queue").is_none()
            && self.is_whole()
            && self.is_run_by_nginx()
    }
}

/// Whether two messages are about the same group, or target without one; where
/// that is not known, about the same server of nginx.
fn is_same_group(one: &Seen<'_>, other: &Seen<'_>) -> bool {
    match (one.upstream, other.upstream) {
        (Some(one), Some(other)) => one.block == other.block,
        (None, None) => match (one.target, other.target) {
            (Some(one), Some(other)) => one.directive.id() == other.directive.id(),
            _ => one.server.map(|server| server.id()) == other.server.map(|server| server.id()),
        },
        _ => false,
    }
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

    const TEXT: &str = "events {} http {
        upstream app { server 127.0.0.1:3000; server 127.0.0.1:3001; }
        upstream off { server 127.0.0.1:3000 down; }
        upstream few { server 127.0.0.1:3002 max_conns=1; server 127.0.0.1:3003 max_conns=1; }
        upstream bad { server 127.0.0.1:3004; server 127.0.0.1:3005; }
        server {
            location / { proxy_pass http://app; }
            location /off { proxy_pass http://off; }
            location /few { proxy_pass http://few; }
            location /bad { proxy_pass http://bad; proxy_next_upstream error http_500; }
            location /two { proxy_pass http://localhost:4000; }
        }
    }";

    #[test]
    fn a_group_without_servers_has_a_cause() {
        let table = [
            ("app", None, "", "Unknown"),
            ("app", Some("127.0.0.1:3001"), "", "Failures"),
            ("app", Some("127.0.0.1:3004"), "", "Unknown"),
            ("app", None, "connections.\"127.0.0.1:3001\" = { outcome = \"refused\" }", "Failures"),
            ("app", None, "connections.\"127.0.0.1:3001\" = { outcome = \"connected\" }", "Unknown"),
            ("off", None, "", "AllDown"),
            ("few", None, "", "Limits"),
            ("few", Some("127.0.0.1:3002"), "", "Failures"),
            ("bad", None, "", "Answers"),
            ("bad", Some("127.0.0.1:3005"), "", "Failures"),
            ("localhost", None, "", "Unknown"),
            ("localhost", Some("127.0.0.1:4000"), "", "Failures"),
        ];
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, TEXT.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        for (group, refused, facts, expected) in table {
            let evidence = |signature: Signature, peer: &str| Evidence {
                signature,
                peer: Some(peer.to_owned()),
                scheme: Some("http".to_owned()),
                count: 1,
                ..Evidence::default()
            };
            let refused = refused.map(|peer| evidence(Signature::UpstreamRefused, peer));
            let seen = [evidence(Signature::NoLiveUpstreams, group)].into_iter().chain(refused).collect();
            let mut facts: Facts = toml::from_str(facts).expect("facts");
            facts.log = Some(Log { seen, ..Log::default() });
            let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
            let model = Model::new(&tree, Context::Main, profile);
            let found: Vec<String> = model.no_live_upstreams().iter().map(|none| format!("{:?}", none.cause)).collect();
            let is_it = matches!(&found[..], [only] if only.starts_with(expected));
            assert!(is_it, "{group}: {expected}, found {found:?}");
        }
    }
}
