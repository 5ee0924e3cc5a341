//! The timeouts and retries that each module which passes requests on has under
//! its own prefix, and their values.

use super::{Effective, Target, parse_milliseconds, parse_number};

/// How long connecting may take; in stream too.
pub const CONNECT_TIMEOUTS: &[&str] = &[
    "proxy_connect_timeout",
    "fastcgi_connect_timeout",
    "uwsgi_connect_timeout",
    "scgi_connect_timeout",
    "grpc_connect_timeout",
    "memcached_connect_timeout",
];

/// How long a server may be silent.
pub const READ_TIMEOUTS: &[&str] = &[
    "proxy_read_timeout",
    "fastcgi_read_timeout",
    "uwsgi_read_timeout",
    "scgi_read_timeout",
    "grpc_read_timeout",
    "memcached_read_timeout",
];

/// When the next server is asked.
pub const NEXT_UPSTREAMS: &[&str] = &[
    "proxy_next_upstream",
    "fastcgi_next_upstream",
    "uwsgi_next_upstream",
    "scgi_next_upstream",
    "grpc_next_upstream",
    "memcached_next_upstream",
];

/// What is in force for the settings above unless they are set, in
/// milliseconds.
pub const DEFAULT_TIMEOUT: u64 = 60_000;

/// The time in force, in milliseconds; none when it is not known.
pub fn time_in_force(value: Effective<'_>, default: u64) -> Option<u64> {
    match value {
        Effective::Set(directive) => parse_milliseconds(directive.argument(0)?),
        Effective::Default => Some(default),
        Effective::Unseen => None,
    }
}

/// A time in words that can be written as a value too.
pub fn time_in_words(milliseconds: u64) -> String {
    if milliseconds.is_multiple_of(1_000) { format!("{}s", milliseconds / 1_000) } else { format!("{milliseconds}ms") }
}

/// How many servers are tried at most; 0 is no limit, and none is not known.
pub fn tries_in_force(target: Target<'_>) -> Option<u64> {
    match target.effective("next_upstream_tries") {
        Effective::Set(directive) => parse_number(directive.argument(0)?),
        Effective::Default => Some(0),
        Effective::Unseen => None,
    }
}

/// Whether a time without a unit is so long that milliseconds were meant.
pub fn looks_like_milliseconds(text: &str) -> bool {
    let is_too_long = |number: u64| {
        // Up to two days, whole hours are meant as they are.
        let is_hours = number.is_multiple_of(3_600) && number <= 48 * 3_600;
        number >= 5_000 && number.is_multiple_of(1_000) && !is_hours
    };
    parse_number(text).is_some_and(is_too_long)
}

#[cfg(test)]
mod tests {
    use super::{looks_like_milliseconds, time_in_words};

    #[test]
    fn a_long_time_without_a_unit_is_of_milliseconds_unless_it_is_whole_hours() {
        let table = [
            ("300000", true),
            ("60000", true),
            ("5000", true),
            ("1000000", true),
            ("3600000", true),
            ("180000", true),
            ("36000", false),
            ("18000", false),
            ("86400", false),
            ("3600", false),
            ("7200", false),
            ("4000", false),
            ("300000ms", false),
            ("300000s", false),
            ("5m", false),
            ("", false),
            ("$time", false),
        ];
        for (text, expected) in table {
            assert_eq!(looks_like_milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn times_are_said_as_they_can_be_written() {
        for (time, expected) in [(60_000, "60s"), (1_500, "1500ms"), (0, "0s")] {
            assert_eq!(time_in_words(time), expected);
        }
    }
}
