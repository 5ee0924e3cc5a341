//! What a worker process has: how many there are, how many connections each
//! may hold, and how many of these the sockets take on which nginx listens.

use rustc_hash::FxHashMap;

use crate::catalog::{Context, Family};

use super::{Directive, Effective, Model, Place, parse_number};

/// `worker_connections` where it is not set.
pub const DEFAULT_CONNECTIONS: u64 = 512;

/// How many connections a worker may hold.
#[derive(Clone, Copy, Debug)]
pub struct WorkerConnections<'m> {
    /// The number.
    pub count: u64,
    /// The directive that says it; none where it is the default.
    pub directive: Option<Directive<'m>>,
    /// The `events` that it stands in, or would.
    pub events: Directive<'m>,
}

impl WorkerConnections<'_> {
    /// Where the number is said, or else `events`.
    pub fn place(&self) -> Place {
        self.directive.unwrap_or(self.events).place()
    }

    /// The number, and whether it is the default, for a label.
    pub fn described(&self) -> String {
        match self.directive {
            Some(_) => "connections of a worker".to_owned(),
            None => format!("{DEFAULT_CONNECTIONS} connections, the default"),
        }
    }
}

/// How many worker processes there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerCount {
    /// One for each processor that nginx sees.
    Auto,
    /// So many.
    Number(u64),
}

/// The worker processes, and where that is said.
#[derive(Clone, Copy, Debug)]
pub struct WorkerProcesses<'m> {
    /// How many.
    pub count: WorkerCount,
    /// The directive that says it; none for one worker, the default.
    pub directive: Option<Directive<'m>>,
}

impl<'t> Model<'t> {
    /// How many connections a worker may hold; none when that is not known.
    pub fn worker_connections(&self) -> Option<WorkerConnections<'_>> {
        let block = self.main().directives("events").find_map(|events| events.block())?;
        let events = block.head().filter(|_| block.is(Context::Events))?;
        let directive = block.directive("worker_connections");
        let count = match directive {
            Some(set) => set.argument(0).and_then(parse_number).filter(|_| set.is_read())?,
            None if block.is_unseen() => return None,
            None => DEFAULT_CONNECTIONS,
        };
        Some(WorkerConnections { count, directive, events })
    }

    /// How many worker processes there are; none when that is not known.
    pub fn worker_processes(&self) -> Option<WorkerProcesses<'_>> {
        match self.main().effective("worker_processes") {
            Effective::Set(directive) => {
                let text = directive.argument(0).filter(|_| directive.is_read())?;
                let count = if text == "auto" { WorkerCount::Auto } else { WorkerCount::Number(parse_number(text)?) };
                Some(WorkerProcesses { count, directive: Some(directive) })
            }
            Effective::Default => Some(WorkerProcesses { count: WorkerCount::Number(1), directive: None }),
            Effective::Unseen => None,
        }
    }

    /// How many sockets nginx certainly listens on. A worker holds one
    /// connection for each of them; of the sockets that `reuseport` makes, it
    /// has only its own.
    pub fn known_sockets(&self) -> usize {
        let families = [Family::Http, Family::Stream, Family::Mail];
        let known = families.iter().filter(|family| self.knows_all_listeners(**family));
        known.map(|family| self.sockets_of(*family)).sum()
    }

    /// No more sockets than this are listened on by what was seen; cheaper than
    /// [`Model::known_sockets`].
    pub fn most_sockets(&self) -> usize {
        let families = [Family::Http, Family::Stream, Family::Mail];
        families.iter().map(|family| self.listeners(*family).count()).sum()
    }

    /// Where nginx listens on every address of a port, it opens other sockets
    /// only for addresses that ask for one of their own.
    fn sockets_of(&self, family: Family) -> usize {
        #[derive(Default)]
        struct Port {
            wildcard: bool,
            own: usize,
            shared: usize,
        }
        let mut ports: FxHashMap<(u8, u16, bool), Port> = FxHashMap::default();
        for listener in self.listeners(family) {
            let port = ports.entry(listener.port()).or_default();
            if listener.is_wildcard() {
                port.wildcard = true;
            } else if listener.has_own_socket() {
                port.own += 1;
            } else {
                port.shared += 1;
            }
        }
        ports.values().map(|port| if port.wildcard { port.own + 1 } else { port.own + port.shared }).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Profile;
    use super::*;
    use crate::tree::{self, Memory, Places};

    #[test]
    fn what_workers_have() {
        use WorkerCount::{Auto, Number};
        let table = [
            ("events {}", Some(512), Some(Number(1)), 0),
            ("worker_processes auto; events { worker_connections 64; }", Some(64), Some(Auto), 0),
            ("worker_processes 4; events { worker_connections ${MANY}; }", None, Some(Number(4)), 0),
            ("worker_processes ${MANY}; events {}", Some(512), None, 0),
            ("http { server { listen 80; listen 127.0.0.1:80; } }", None, Some(Number(1)), 1),
            (
                "events {} http { server { listen 80; listen 127.0.0.1:80 bind; listen [::]:80; } }",
                Some(512),
                Some(Number(1)),
                3,
            ),
            (
                "events {} http { server { listen 80 reuseport; } } stream { server { listen 1-9; } }",
                Some(512),
                Some(Number(1)),
                10,
            ),
            (
                "events {} http { server { listen ${PORT}; } } stream { server { listen 1; } }",
                Some(512),
                Some(Number(1)),
                1,
            ),
        ];
        for (text, connections, processes, sockets) in table {
            let entry = Path::new("/etc/nginx/nginx.conf");
            let files: Memory = [(entry, text.as_bytes().to_vec())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let model = Model::new(&tree, Context::Main, Profile::default());
            assert_eq!(model.worker_connections().map(|found| found.count), connections, "{text}");
            assert_eq!(model.worker_processes().map(|found| found.count), processes, "{text}");
            assert_eq!(model.known_sockets(), sockets, "{text}");
        }
    }
}
