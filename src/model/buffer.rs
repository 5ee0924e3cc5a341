//! The buffers that answers of upstreams go through: which directives say how
//! large they are.

use super::Protocol;

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
    use super::*;

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
