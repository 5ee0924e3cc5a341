//! Sockets of the file system that requests are passed to, and what was seen
//! of each.

use crate::catalog::Family;
use crate::facts::{Connection, FileFact, FileKind, Signature};

use super::failing::has_alternatives;
use super::reached::endpoint_of;
use super::{Directive, Endpoint, Host, Model, Protocol, Seen, Target};

/// The messages about sockets.
const MESSAGES: [Signature; 5] = [
    Signature::UnixMissing,
    Signature::UnixDenied,
    Signature::UnixRefused,
    Signature::UnixFull,
    Signature::UnixNotDirectory,
];

/// Directories of which a service may have one of its own.
const OWN_DIRECTORIES: [&str; 2] = ["/tmp/", "/var/tmp/"];

/// A socket, where it is used, and what was seen of it.
#[derive(Clone, Debug)]
pub struct SocketUse<'m> {
    model: &'m Model<'m>,
    /// Its path.
    pub path: &'m str,
    /// The servers of groups, and targets, that lead to it; none when the log
    /// names a socket that no line leads to.
    pub lines: Vec<Directive<'m>>,
    /// What is at its path.
    pub file: Option<&'m FileFact>,
    /// What came of connecting.
    pub connection: Option<&'m Connection>,
    /// What the log says of it.
    pub seen: Vec<Seen<'m>>,
}

impl<'m> SocketUse<'m> {
    /// Where to look first.
    pub fn place(&self) -> super::Place {
        match (self.lines.first(), self.seen.first()) {
            (Some(line), _) => line.place_of_argument(0),
            (None, Some(seen)) => seen.place(),
            (None, None) => self.model.place_of_configuration(),
        }
    }

    /// Whether clients are served by other servers of the group, wherever it
    /// is in one.
    pub fn is_spared(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| self.model.is_covered(*line, "error"))
    }

    /// Whether a request can go on from there to another server.
    pub fn has_alternatives(&self) -> bool {
        self.lines.is_empty() || self.lines.iter().any(|line| has_alternatives(*line))
    }

    /// Whether connections of `stream {}` are passed there.
    pub fn is_of_stream(&self) -> bool {
        self.lines.first().is_some_and(|line| line.taken_in() == Some(Family::Stream))
    }

    /// Sockets of the same directory that a program listens on and that the
    /// configuration does not name.
    pub fn listening_instead(&self) -> Vec<&'m str> {
        let Some((directory, _)) = self.path.rsplit_once('/') else { return Vec::new() };
        let listening = self.model.facts().and_then(|facts| facts.listening.as_deref()).unwrap_or_default();
        let paths = listening.iter().filter_map(|socket| socket.address.strip_prefix("unix:"));
        let named: Vec<&str> = self.model.endpoints_of_sockets().map(|(_, path)| path).collect();
        let mut paths: Vec<&str> = paths
            .filter(|path| path.rsplit_once('/').is_some_and(|(own, _)| own == directory) && !named.contains(path))
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Whether the nginx of this machine has another directory there than
    /// everybody else: `PrivateTmp` of its unit.
    pub fn is_in_private_directory(&self) -> bool {
        let unit = self.model.facts().and_then(|facts| facts.nginx.unit.as_ref());
        unit.is_some_and(|unit| unit.private_tmp == Some(true))
            && OWN_DIRECTORIES.iter().any(|directory| self.path.starts_with(directory))
    }

    /// Something on its way that is no directory.
    pub fn file_on_the_way(&self) -> Option<&'m str> {
        let files = &self.model.facts()?.files;
        let ends = self.path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        let mut before = ends.map(|end| &self.path[..end]);
        before.find(|path| {
            files
                .get(*path)
                .is_some_and(|file| matches!(file.kind, FileKind::File | FileKind::Socket | FileKind::Other))
        })
    }
}

impl Endpoint<'_> {
    /// Whether its path goes on behind what looks like a socket because of a
    /// colon: one that is missing in front of the path of a request, or one
    /// where no such path is taken.
    pub fn goes_on_behind_socket(self) -> bool {
        let Host::Unix(path) = self.host else { return false };
        let takes_path = Target::of(self.directive).is_some_and(|target| target.protocol == Protocol::Proxy);
        let text = self.directive.argument(0).unwrap_or_default();
        let goes_on_with = |text: &str, next: char| {
            [".sock", ".socket"].iter().any(|end| {
                let mut found = text.match_indices(end);
                found.any(|(at, _)| text[at + end.len()..].starts_with(next))
            })
        };
        // Behind a colon of its own it is a path of requests.
        let has_colon = !text.ends_with(path);
        if takes_path { goes_on_with(path, '/') && !has_colon } else { goes_on_with(text, ':') }
    }
}

impl<'t> Model<'t> {
    fn endpoints_of_sockets(&self) -> impl Iterator<Item = (Endpoint<'_>, &str)> {
        self.passed_to().filter_map(|endpoint| match endpoint.host {
            Host::Unix(path) => Some((endpoint, path)),
            _ => None,
        })
    }

    /// The sockets that requests are passed to, and those that the log names.
    pub fn sockets_in_use(&self) -> Vec<SocketUse<'_>> {
        let Some(facts) = self.facts() else { return Vec::new() };
        let mut uses: Vec<SocketUse<'_>> = Vec::new();
        for (endpoint, path) in self.endpoints_of_sockets() {
            // That its path is wrong is another rule's to say; a socket of
            // nginx's own comes when it starts.
            if endpoint.goes_on_behind_socket() || self.is_of_stopped_nginx(&format!("unix:{path}")) {
                continue;
            }
            match uses.iter_mut().find(|known| known.path == path) {
                Some(known) => known.lines.push(endpoint.directive),
                None => uses.push(SocketUse {
                    model: self,
                    path,
                    lines: vec![endpoint.directive],
                    file: facts.files.get(path),
                    connection: facts.connections.get(&format!("unix:{path}")),
                    seen: Vec::new(),
                }),
            }
        }
        let may_lead_elsewhere = self.may_lead_elsewhere();
        for seen in self.seen(&MESSAGES) {
            let Some(path) = seen.peer.and_then(|peer| peer.strip_prefix("unix:")) else { continue };
            if self.endpoints_of_sockets().any(|(endpoint, own)| endpoint.goes_on_behind_socket() && is_cut(own, path))
            {
                continue;
            }
            match uses.iter_mut().find(|known| known.path == path) {
                Some(known) => known.seen.push(seen),
                // Nothing leads there any more.
                None if !may_lead_elsewhere => {}
                None => uses.push(SocketUse {
                    model: self,
                    path,
                    lines: seen.directive().map(|line| self.directive(line.id())).into_iter().collect(),
                    file: facts.files.get(path),
                    connection: facts.connections.get(&format!("unix:{path}")),
                    seen: vec![seen],
                }),
            }
        }
        uses
    }

    /// What the log says of a socket whose path goes on behind it.
    pub fn seen_of_socket(&self, directive: Directive<'_>) -> Vec<Seen<'_>> {
        let Some(endpoint) = endpoint_of(directive).filter(|endpoint| endpoint.goes_on_behind_socket()) else {
            return Vec::new();
        };
        let Host::Unix(own) = endpoint.host else { return Vec::new() };
        let is_of = |seen: &Seen<'_>| {
            seen.peer.and_then(|peer| peer.strip_prefix("unix:")).is_some_and(|path| is_cut(own, path))
        };
        self.seen(&MESSAGES).into_iter().filter(is_of).collect()
    }
}

/// Whether this is the path, as a log has it: up to a colon.
fn is_cut(own: &str, path: &str) -> bool {
    own == path || own.split(':').next() == Some(path)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Evidence, Facts, ListeningSocket, Log};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn each_socket_comes_once_with_what_was_seen_of_it() {
        let text = "events {} http { server {
            location /a { proxy_pass http://unix:/run/a.sock; }
            location /b { proxy_pass http://unix:/run/a.sock:/b; }
            location /c { proxy_pass http://unix:/run/c.sock/c; }
            location /d { fastcgi_pass unix:/run/d.sock:/d; }
            location /e { fastcgi_pass unix:/tmp/e.sock; }
        } }";
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, text.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let evidence = |signature: Signature, scheme: &str, peer: &str| Evidence {
            signature,
            scheme: Some(scheme.to_owned()),
            peer: Some(format!("unix:{peer}")),
            count: 1,
            ..Evidence::default()
        };
        let seen = vec![
            evidence(Signature::UnixRefused, "http", "/run/a.sock"),
            evidence(Signature::UnixNotDirectory, "http", "/run/c.sock/c"),
            evidence(Signature::UnixMissing, "fastcgi", "/run/d.sock"),
            // Of an earlier configuration.
            evidence(Signature::UnixMissing, "http", "/run/old.sock"),
        ];
        let listening = |path: &str| ListeningSocket { address: format!("unix:{path}"), ..ListeningSocket::default() };
        let mut facts: Facts = toml::from_str("nginx.unit = { private_tmp = true }").expect("facts");
        facts.log = Some(Log { seen, ..Log::default() });
        facts.listening = Some(vec![listening("/run/a.sock"), listening("/run/b.sock"), listening("/run/x/b.sock")]);
        let profile = Profile { facts: Some(Arc::new(facts)), ..Profile::default() };
        let model = Model::new(&tree, Context::Main, profile);
        let uses = model.sockets_in_use();
        let found: Vec<_> = uses
            .iter()
            .map(|socket| {
                let (lines, seen) = (socket.lines.len(), socket.seen.len());
                (socket.path, lines, seen, socket.is_in_private_directory(), socket.listening_instead())
            })
            .collect();
        assert_eq!(found, [("/run/a.sock", 2, 1, false, vec!["/run/b.sock"]), ("/tmp/e.sock", 1, 0, true, vec![])]);
        let targets: Vec<usize> = model.targets().map(|target| model.seen_of_socket(target.directive).len()).collect();
        assert_eq!(targets, [0, 0, 1, 1, 0]);
    }
}
