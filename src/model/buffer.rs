//! The buffers that answers of upstreams go through: which directives say how
//! large they are.

use super::{Directive, Effective, Protocol, Target, parse_number, parse_size};

/// The size of a page of memory that nginx is judged for: the default of many
/// sizes.
pub const PAGE: u64 = 4_096;

/// The directives of one kind of upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// The module.
    pub protocol: Protocol,
    /// The first buffer: the header of an answer must fit into it.
    pub buffer_size: &'static str,
    /// The others.
    pub buffers: &'static str,
    /// How many may be on their way to the client.
    pub busy: &'static str,
    /// How much goes into a temporary file at a time.
    pub write: &'static str,
    /// How large that may become.
    pub max: &'static str,
}

const ALL: [Sizes; 4] = [
    Sizes {
        protocol: Protocol::Proxy,
        buffer_size: "proxy_buffer_size",
        buffers: "proxy_buffers",
        busy: "proxy_busy_buffers_size",
        write: "proxy_temp_file_write_size",
        max: "proxy_max_temp_file_size",
    },
    Sizes {
        protocol: Protocol::Fastcgi,
        buffer_size: "fastcgi_buffer_size",
        buffers: "fastcgi_buffers",
        busy: "fastcgi_busy_buffers_size",
        write: "fastcgi_temp_file_write_size",
        max: "fastcgi_max_temp_file_size",
    },
    Sizes {
        protocol: Protocol::Uwsgi,
        buffer_size: "uwsgi_buffer_size",
        buffers: "uwsgi_buffers",
        busy: "uwsgi_busy_buffers_size",
        write: "uwsgi_temp_file_write_size",
        max: "uwsgi_max_temp_file_size",
    },
    Sizes {
        protocol: Protocol::Scgi,
        buffer_size: "scgi_buffer_size",
        buffers: "scgi_buffers",
        busy: "scgi_busy_buffers_size",
        write: "scgi_temp_file_write_size",
        max: "scgi_max_temp_file_size",
    },
];

impl Sizes {
    /// Those that one of these directives belongs to.
    pub fn of(name: &str) -> Option<&'static Sizes> {
        ALL.iter().find(|sizes| sizes.names().contains(&name))
    }

    /// Those of a module; none for one without such buffers.
    pub fn of_protocol(protocol: Protocol) -> Option<&'static Sizes> {
        ALL.iter().find(|sizes| sizes.protocol == protocol)
    }

    /// The names of all.
    pub fn names(&self) -> [&'static str; 5] {
        [self.buffer_size, self.buffers, self.busy, self.write, self.max]
    }
}

/// How many buffers for bodies there are by default.
const BUFFERS: u64 = 8;

impl Target<'_> {
    /// What else has to be written, names and values, so that nginx takes a
    /// buffer for headers of so many bytes here.
    pub fn needed_beside_header(self, bytes: u64) -> Vec<(&'static str, String)> {
        let Some(sizes) = Sizes::of_protocol(self.protocol) else { return Vec::new() };
        let block = self.block();
        let said = |name| match block.effective(name) {
            Effective::Set(directive) => Some(directive),
            Effective::Default | Effective::Unseen => None,
        };
        let size = |directive: Directive<'_>, index| directive.argument(index).and_then(parse_size);
        let buffers = said(sizes.buffers);
        let count = buffers.and_then(|buffers| buffers.argument(0).and_then(parse_number)).unwrap_or(BUFFERS);
        let one = buffers.and_then(|buffers| size(buffers, 1)).unwrap_or(PAGE);
        let busy = said(sizes.busy).and_then(|busy| size(busy, 0));
        let mut needed = Vec::new();
        if busy.unwrap_or(2 * bytes.max(one)).max(bytes) > count.saturating_sub(1).saturating_mul(one) {
            needed.push((sizes.buffers, format!("{BUFFERS} {}", written_size(bytes))));
        }
        let too_small = |name| said(name).and_then(|directive| size(directive, 0)).filter(|size| *size < bytes);
        for name in [sizes.busy, sizes.write, sizes.max] {
            // A temporary file of no size is none.
            if too_small(name).is_some_and(|size| name != sizes.max || size > 0) {
                needed.push((name, written_size(bytes)));
            }
        }
        needed
    }
}

/// A size as it would be written in a configuration.
pub fn written_size(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}m", bytes >> 20),
        _ if bytes.is_multiple_of(1_024) => format!("{}k", bytes / 1_024),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::Context;
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    #[test]
    fn a_buffer_for_headers_needs_others_of_its_size() {
        let table = [
            ("proxy_pass http://127.0.0.1:1;", 8, ""),
            ("proxy_pass http://127.0.0.1:1;", 14, ""),
            ("proxy_pass http://127.0.0.1:1;", 16, "proxy_buffers 8 16k"),
            ("proxy_pass http://127.0.0.1:1; proxy_buffers 8 16k;", 32, ""),
            ("proxy_pass http://127.0.0.1:1; proxy_buffers 4 8k;", 16, "proxy_buffers 8 16k"),
            ("proxy_pass http://127.0.0.1:1; proxy_busy_buffers_size 8k;", 16, "proxy_busy_buffers_size 16k"),
            (
                "fastcgi_pass 127.0.0.1:1; fastcgi_busy_buffers_size 8k; fastcgi_temp_file_write_size 8k; fastcgi_max_temp_file_size 0;",
                32,
                "fastcgi_buffers 8 32k, fastcgi_busy_buffers_size 32k, fastcgi_temp_file_write_size 32k",
            ),
            ("uwsgi_pass 127.0.0.1:1; uwsgi_max_temp_file_size 8k;", 14, "uwsgi_max_temp_file_size 14k"),
            ("grpc_pass 127.0.0.1:1;", 16, ""),
        ];
        for (location, kilobytes, expected) in table {
            let text = format!("events {{}} http {{ server {{ location / {{ {location} }} }} }}");
            let entry = Path::new("/nginx.conf");
            let files: Memory = [(entry, text.into_bytes())].into_iter().collect();
            let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
            let model = Model::new(&tree, Context::Main, Profile::default());
            let needed = model.targets().next().expect("the target").needed_beside_header(kilobytes << 10);
            let needed: Vec<String> = needed.iter().map(|(name, value)| format!("{name} {value}")).collect();
            assert_eq!(needed.join(", "), expected, "{location}");
        }
    }

    #[test]
    fn sizes_are_those_of_their_module() {
        let table = [
            ("proxy_buffers", Some(Protocol::Proxy)),
            ("scgi_max_temp_file_size", Some(Protocol::Scgi)),
            ("grpc_buffer_size", None),
            ("gzip_buffers", None),
        ];
        for (name, expected) in table {
            assert_eq!(Sizes::of(name).map(|sizes| sizes.protocol), expected, "{name}");
        }
        assert_eq!(Sizes::of_protocol(Protocol::Grpc), None);
        let table = [(0, "0"), (1, "1"), (4_096, "4k"), (1 << 20, "1m"), (3 << 19, "1536k")];
        for (bytes, expected) in table {
            assert_eq!(written_size(bytes), expected);
        }
    }
}
