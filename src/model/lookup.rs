//! How nginx finds the hosts of a target with variables, while it runs: it
//! knows groups and what targets without variables name, and asks a resolver
//! for every other name.

use std::ops::Range;

use crate::catalog::Context;
use crate::source::Location;

use super::target::{Host, Protocol, Target, split_address, split_target};
use super::{Block, Directive, Model, Server, Values, is_placeholder_name};

/// The hosts of a target with variables, as far as the configuration lists the
/// values of these.
#[derive(Clone, Debug, Default)]
pub struct RunTimeHosts<'m> {
    /// Names that nginx asks a resolver for.
    pub asked: Vec<String>,
    /// Names it does not ask for: a target without variables has the same host
    /// and port, and nginx takes the addresses it found for that one when it
    /// started.
    pub known: Vec<(String, Target<'m>)>,
    /// Whether there may be other names.
    pub has_unknown: bool,
    /// Whether the host is written out in the target: its variables are in
    /// other parts of it.
    pub is_written_out: bool,
}

impl<'m> Target<'m> {
    /// How nginx finds the hosts of a target with variables.
    pub fn run_time_hosts(self) -> RunTimeHosts<'m> {
        let mut hosts = RunTimeHosts::default();
        if !self.has_variables() || self.is_template() {
            return hosts;
        }
        let model = self.directive.model();
        let address = self.written_address();
        let written = written_host(&self.text[address.clone()]);
        let values = model.values_at(self.directive.parent(), &self.text[..address.end]);
        hosts.has_unknown = values.incomplete;
        let sees_groups = self.sees_groups();
        let mut is_written_out = !written.is_empty();
        for text in values.iter() {
            let parts = split_target(self.protocol, text);
            let Host::Name(name) = split_address(&text[parts.address.clone()]).0 else {
                is_written_out = false;
                continue;
            };
            is_written_out &= name.eq_ignore_ascii_case(written);
            // What has no port can be a group that is out of sight.
            let has_port = split_address(&text[parts.address]).1.is_some();
            if sees_groups || has_port {
                hosts.add(model, self.protocol, text);
            } else {
                hosts.has_unknown = true;
            }
        }
        hosts.is_written_out = is_written_out;
        hosts
    }

    /// Whether all that stands beside the groups of its `http {}` or
    /// `stream {}` was seen.
    fn sees_groups(self) -> bool {
        let mut blocks = self.directive.parent().outwards();
        let holds_groups =
            |block: &Block<'_>| block.is(Context::Http) || block.is(Context::Stream) || block.is(Context::Main);
        !blocks.any(|block| holds_groups(&block) && block.is_unseen())
    }

    /// Host and port as they are written, in bytes of the text; of what is not
    /// separated from them by `/` or `?`, a variable for the path too.
    pub fn written_address(self) -> Range<usize> {
        let start = self.text.find("://").map_or(0, |colon| colon + "://".len());
        let end = self.text[start..].find(['/', '?']).map_or(self.text.len(), |length| start + length);
        start..end
    }

    /// Where the host stands in the argument, when it is this one and written
    /// out; for edits.
    pub fn editable_host(self, name: &str) -> Option<Location> {
        let Range { start, .. } = self.written_address();
        let mut location = self.directive.editable_argument(0).filter(|_| self.text[start..].starts_with(name))?;
        location.span.start += start as u32;
        location.span.end = location.span.start + name.len() as u32;
        Some(location)
    }

    /// The names, no groups, that it may ask a resolver for, variables
    /// evaluated as far as the configuration lists their values.
    pub fn names_looked_up(self) -> Vec<String> {
        self.run_time_hosts().asked
    }
}

impl<'m> Directive<'m> {
    /// The names that a target, or a server of a group, asks a resolver for.
    pub fn names_looked_up(self) -> Vec<String> {
        if self.definition().is_none() {
            return Vec::new();
        }
        if let Some(target) = Target::of(self) {
            return target.names_looked_up();
        }
        let server = Server { directive: self };
        // A service has the name of its SRV records, which is no host.
        let is_host = server.is_in_group() && server.is_resolved_again() && self.parameter("service").is_none();
        match server.endpoint().filter(|_| is_host).map(|endpoint| endpoint.host) {
            Some(Host::Name(name)) if !is_placeholder_name(name) => vec![name.to_owned()],
            _ => Vec::new(),
        }
    }
}

impl<'m> RunTimeHosts<'m> {
    /// Adds what an evaluated target names.
    fn add(&mut self, model: &'m Model<'m>, protocol: Protocol, text: &str) {
        let parts = split_target(protocol, text);
        let (host, port) = split_address(&text[parts.address]);
        let Host::Name(name) = host else { return };
        if !Values::is_known(name) {
            self.has_unknown = true;
            return;
        }
        // An empty host and one without scheme or port are other mistakes, as
        // are a group with a port and one of the other block; and who knows
        // what a tool fills in.
        let lacks_scheme = protocol == Protocol::Proxy && parts.scheme.is_empty();
        let lacks_port = port.is_none() && protocol.default_port(&text[parts.scheme]).is_none();
        let is_group = model.upstream(protocol.family(), name).is_some()
            || (port.is_none() && model.upstream_elsewhere(protocol.family(), name).is_some());
        if name.is_empty() || lacks_scheme || lacks_port || is_group || is_placeholder_name(name) {
            return;
        }
        if !port.is_none_or(Values::is_known) {
            // Any of the targets without variables that have this host may
            // have the port too.
            if model.has_target_without_variables(protocol.family(), name) {
                self.has_unknown = true;
            } else {
                self.ask(name);
            }
        } else if let Some(twin) = model.target_resolved_at_start(protocol, text) {
            if !self.known.iter().any(|(known, _)| known == name) {
                self.known.push((name.to_owned(), twin));
            }
        } else {
            self.ask(name);
        }
    }

    fn ask(&mut self, name: &str) {
        if !self.asked.iter().any(|known| known == name) {
            self.asked.push(name.to_owned());
        }
    }
}

/// What stands at the beginning of host and port, up to the first variable.
fn written_host(address: &str) -> &str {
    let end = address.find(['$', ':']).unwrap_or(address.len());
    &address[..end]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::Profile;
    use crate::tree::{self, Memory, Places};

    const AROUND: &str = "
        upstream group { server 127.0.0.1:1; }
        map $host $mapped { default group; b b.example; c 127.0.0.1; }
        map $host $port_of { default 80; b 81; }
        server { location /twin { proxy_pass http://twin.example:8080; } }";

    fn describe(hosts: &RunTimeHosts<'_>) -> String {
        let mut text = hosts.asked.join(" ");
        text.extend(hosts.known.iter().map(|(name, _)| format!(" ={name}")));
        text.push_str(if hosts.has_unknown { " ?" } else { "" });
        text.push_str(if hosts.is_written_out { " written" } else { "" });
        text.trim().to_owned()
    }

    #[test]
    fn hosts_are_groups_known_from_the_start_or_asked_for() {
        let table = [
            ("proxy_pass http://app.example$request_uri", "app.example written"),
            ("proxy_pass http://app.example/$1", "app.example written"),
            ("proxy_pass http://app.example:8080$1", "app.example written"),
            ("proxy_pass http://app.example:$port_of", "app.example written"),
            ("proxy_pass $scheme://app.example", "app.example written"),
            ("proxy_pass http://app.example$1", "?"),
            ("proxy_pass http://$mapped", "b.example"),
            ("proxy_pass http://$host", "?"),
            ("proxy_pass $http_target", "?"),
            ("proxy_pass http://127.0.0.1$request_uri", ""),
            ("proxy_pass http://[::1]:80$request_uri", ""),
            ("proxy_pass http://unix:/run/$host.sock", ""),
            ("proxy_pass http://group/$1", "written"),
            ("proxy_pass http://twin.example:8080$request_uri", "=twin.example written"),
            ("proxy_pass http://twin.example:80$request_uri", "twin.example written"),
            ("proxy_pass http://twin.example:$http_port", "? written"),
            ("proxy_pass http://${DOMAIN}$request_uri", ""),
            ("proxy_pass http://BACKEND_HOST$request_uri", "written"),
            ("proxy_pass $mapped", ""),
            ("fastcgi_pass $mapped", ""),
            ("fastcgi_pass $mapped:9000", "b.example"),
        ];
        for (pass, expected) in table {
            let text = format!("events {{}} http {{ {AROUND} server {{ location / {{ {pass}; }} }} }}");
            let path = Path::new("nginx.conf");
            let files: Memory = [(path, text.as_bytes())].into_iter().collect();
            let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let target = model.targets().last().expect("a target");
            assert_eq!(describe(&target.run_time_hosts()), expected, "{pass}");
        }
    }
}
