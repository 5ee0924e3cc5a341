//! Hosts of targets that are nearly the name of a group: most likely its name
//! with a slip of the keyboard.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{Family, nearest};
use crate::tree::NodeId;

use super::target::{Host, Target, split_address};
use super::{BlockId, Model, Upstream};

/// Names are compared each with each: of more than this, none is.
const MOST_NAMES: usize = 64;

/// Shorter names are too easily near each other.
const SHORTEST: usize = 4;

/// A target and the group that it most likely means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    target: NodeId,
    group: BlockId,
}

impl<'t> Model<'t> {
    /// Targets whose host is no group, has neither dot nor port, and is nearly
    /// the name of a group: with that group. None where a group of just that
    /// name may be out of sight, and none whose host the configuration knows
    /// as a host elsewhere.
    pub fn mistyped_targets(&self) -> impl Iterator<Item = (Target<'_>, Upstream<'_>)> {
        self.mistyped().iter().filter_map(|entry| {
            let target = Target::of(self.directive(entry.target))?;
            Some((target, Upstream { block: self.block(entry.group) }))
        })
    }

    pub(super) fn is_mistyped(&self, group: BlockId) -> bool {
        self.mistyped().iter().any(|entry| entry.group == group)
    }

    fn mistyped(&self) -> &[Entry] {
        self.mistyped.get_or_init(|| {
            let families = [Family::Http, Family::Stream].into_iter();
            let whole = families.filter(|family| !self.is_fragment() && self.is_whole(*family));
            whole.flat_map(|family| self.find_mistyped(family)).collect()
        })
    }

    fn find_mistyped(&self, family: Family) -> Vec<Entry> {
        let mut hosts: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
        for target in self.targets().filter(|target| target.protocol.family() == family) {
            if let Some(host) = bare_host(target) {
                hosts.entry(host.to_ascii_lowercase()).or_default().push(target.directive.id());
            }
        }
        let groups: Vec<Upstream<'_>> = self.upstreams(family).take(MOST_NAMES + 1).collect();
        if hosts.is_empty() || hosts.len() > MOST_NAMES || groups.is_empty() || groups.len() > MOST_NAMES {
            return Vec::new();
        }
        let known = self.known_hosts();
        hosts.retain(|host, _| !known.contains(host));
        let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
        let mut found = Vec::new();
        for (host, targets) in hosts {
            let Some(name) = nearest(&host, names.iter().copied().filter(|name| is_a_slip(&host, name))) else {
                continue;
            };
            if let Some(group) = self.upstream(family, name) {
                found.extend(targets.iter().map(|target| Entry { target: *target, group: group.block.id() }));
            }
        }
        found.sort_unstable_by_key(|entry| entry.target);
        found
    }

    /// Names that are certainly hosts: servers of groups, and hosts of targets
    /// that have a port.
    fn known_hosts(&self) -> FxHashSet<String> {
        let groups = [Family::Http, Family::Stream].into_iter().flat_map(|family| self.upstreams(family));
        let servers = groups.flat_map(|group| group.servers().filter_map(|server| server.endpoint()));
        let targets = self.targets().filter_map(Target::own_endpoint).filter(|endpoint| endpoint.has_port);
        let hosts = servers.chain(targets).filter_map(|endpoint| match endpoint.host {
            Host::Name(name) => Some(name.to_ascii_lowercase()),
            Host::Address(_) | Host::Unix(_) => None,
        });
        hosts.collect()
    }
}

/// The host of a target that looks like the name of a group and is none.
fn bare_host<'m>(target: Target<'m>) -> Option<&'m str> {
    let endpoint = target.own_endpoint().filter(|endpoint| !endpoint.has_port)?;
    match split_address(endpoint.text).0 {
        Host::Name(name) if !name.contains('.') && !name.eq_ignore_ascii_case("localhost") => Some(name),
        _ => None,
    }
}

/// Whether one may be written for the other by mistake: `app1` for `app2` is
/// none, and neither is a name for its plural or for one with a part more.
fn is_a_slip(host: &str, group: &str) -> bool {
    let letters = |name: &str| -> String { name.chars().filter(|character| character.is_ascii_alphabetic()).collect() };
    let (left, right) = (letters(host).to_ascii_lowercase(), letters(group).to_ascii_lowercase());
    host.len().min(group.len()) >= SHORTEST && left != right && !extends(&left, &right) && !extends(&right, &left)
}

/// Whether the longer name is the shorter one with more than a stray letter.
fn extends(longer: &str, shorter: &str) -> bool {
    let rest = longer.strip_prefix(shorter).or_else(|| longer.strip_suffix(shorter));
    rest.is_some_and(|rest| rest == "s" || rest.len() > 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Profile;
    use super::*;
    use crate::catalog::Context;
    use crate::tree::{self, Memory, Places};

    #[test]
    fn a_host_that_is_nearly_a_group_is_found() {
        let table = [
            ("http://bakend", true),
            ("http://bakcend/", true),
            ("http://backend", false),
            ("http://BACKEND", false),
            ("http://bakend:80", false),
            ("http://bakend.example", false),
            ("http://backen", true),
            ("http://backends", false),
            ("http://backend1", false),
            ("http://frontend", false),
            ("http://$bakend", false),
        ];
        for (target, expected) in table {
            let text = format!(
                "http {{ upstream backend {{ server 127.0.0.1:1; }}
                 server {{ location / {{ proxy_pass {target}; }} location /b/ {{ proxy_pass http://backend; }} }} }}"
            );
            let entry = Path::new("/etc/nginx/nginx.conf");
            let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let found: Vec<_> = model.mistyped_targets().map(|(_, group)| group.name().to_owned()).collect();
            let expected = if expected { vec!["backend".to_owned()] } else { vec![] };
            assert_eq!(found, expected, "{target}");
        }
    }
}
