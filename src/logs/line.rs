//! A line of an error log taken apart.
//!
//! `2026/11/21 23:46:01 [error] 7#8: *9 message, client: 1.2.3.4, server: a,
//! request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "a"`,
//! as ngx_log_error_core and the log handlers of `http {}`, `stream {}` and
//! `mail {}` write it: the fields come in a fixed order.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::time::{self, Time};

/// What a line says; all but the time borrowed from the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Line<'l> {
    /// As bytes of `2026-11-21 23:46:01`.
    pub time: [u8; 19],
    /// Such as `error`.
    pub level: &'l [u8],
    /// The message, up to the fields.
    pub message: &'l [u8],
    /// `client:`
    pub client: Option<&'l [u8]>,
    /// `server:`
    pub server: Option<&'l [u8]>,
    /// `request:`, without quotes.
    pub request: Option<&'l [u8]>,
    /// `subrequest:`, without quotes: the path of it.
    pub subrequest: Option<&'l [u8]>,
    /// `upstream:`, without quotes.
    pub upstream: Option<&'l [u8]>,
    /// `host:`, without quotes.
    pub host: Option<&'l [u8]>,
}

/// The time is looked for in so many bytes: syslog, the journal and container
/// runtimes write something in front of it.
const PREFIX: usize = 120;

/// What levels are called.
const LEVELS: [&[u8]; 8] = [b"emerg", b"alert", b"crit", b"error", b"warn", b"notice", b"info", b"debug"];

/// Where the fields begin: `, client: `, or `, udp client: `.
static CLIENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("client: "));

/// What may follow a value in quotes.
const AFTER_QUOTE: [&[u8]; 5] = [b", upstream: \"", b", host: \"", b", referrer: \"", b", subrequest: \"", b", bytes "];

impl<'l> Line<'l> {
    /// Takes a line apart; none if it is no line of an error log.
    pub fn parse(line: &'l [u8]) -> Option<Line<'l>> {
        let (time, rest) = time_and_rest(line)?;
        let end = memchr::memchr(b']', &rest[..rest.len().min(PREFIX)])?;
        let level = &rest[..end];
        if !LEVELS.contains(&level) {
            return None;
        }
        let rest = rest[end + 1..].strip_prefix(b" ")?;
        // Process and thread, and the connection if there is one.
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'#').count();
        let mut message = rest[digits..].strip_prefix(b": ")?;
        if let Some(number) = message.strip_prefix(b"*") {
            let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
            message = number[digits..].strip_prefix(b" ").unwrap_or(message);
        }
        let mut found = Line { time, level, message, ..Line::default() };
        found.read_fields();
        Some(found)
    }

    /// Splits the fields from the message.
    fn read_fields(&mut self) {
        let whole = self.message;
        let Some((end, client)) = CLIENT.find_iter(whole).find_map(|at| {
            let before = &whole[..at];
            let message = before.strip_suffix(b", ").or_else(|| before.strip_suffix(b", udp "))?;
            Some((message.len(), at + CLIENT.needle().len()))
        }) else {
            return;
        };
        self.message = &whole[..end];
        let mut rest = &whole[client..];
        self.client = Some(until(&mut rest, |byte| byte == b',' || byte == b' '));
        // Of `mail {}`.
        rest = rest.strip_prefix(b" using starttls").unwrap_or(rest);
        if let Some(server) = rest.strip_prefix(b", server: ") {
            rest = server;
            self.server = Some(until(&mut rest, |byte| byte == b',')).filter(|name| !name.is_empty());
        }
        // A name that a client logs in with ends before the next field.
        if rest.starts_with(b", login: \"") {
            rest = memchr::memmem::find(rest, b"\", upstream: ").map_or(&[], |at| &rest[at + 1..]);
        }
        self.request = request(&mut rest);
        self.subrequest = quoted(&mut rest, b", subrequest: \"");
        self.upstream = quoted(&mut rest, b", upstream: \"").or_else(|| rest.strip_prefix(b", upstream: "));
        self.host = quoted(&mut rest, b", host: \"");
    }
}

/// The time, and what follows the `[` behind it.
pub(super) fn time_and_rest(line: &[u8]) -> Option<(Time, &[u8])> {
    let at = |start: usize| {
        let rest = line.get(start..)?;
        let time = time::of_error_log(rest)?;
        Some((time, rest[time::LENGTH..].strip_prefix(b" [")?))
    };
    at(0).or_else(|| {
        let slashes = memchr::memchr_iter(b'/', &line[..line.len().min(PREFIX)]);
        slashes.filter_map(|slash| slash.checked_sub(b"2026".len())).find_map(at)
    })
}

fn until<'l>(rest: &mut &'l [u8], is_end: impl Fn(u8) -> bool) -> &'l [u8] {
    let end = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
    let (value, after) = rest.split_at(end);
    *rest = after;
    value
}

/// The places of quotes that may end a value: nginx escapes none in it.
fn ends(rest: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memchr_iter(b'"', rest).filter(|at| {
        let after = &rest[at + 1..];
        after.is_empty() || AFTER_QUOTE.iter().any(|next| after.starts_with(next))
    })
}

fn quoted<'l>(rest: &mut &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let value = rest.strip_prefix(name)?;
    // A line that is too long for nginx ends somewhere.
    let end = ends(value).next().unwrap_or(value.len());
    *rest = value.get(end + 1..).unwrap_or_default();
    Some(&value[..end])
}

/// A request ends with the version of the protocol: what a client wrote into
/// its path is not taken for the next field.
fn request<'l>(rest: &mut &'l [u8]) -> Option<&'l [u8]> {
    let value = rest.strip_prefix(b", request: \"")?;
    let has_version = |end: &usize| {
        let before = value[..*end].rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        before.starts_with(b"HTTP/")
    };
    let end = ends(value).find(has_version).or_else(|| ends(value).next()).unwrap_or(value.len());
    *rest = value.get(end + 1..).unwrap_or_default();
    Some(&value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    const FIELDS: &str = "client: 203.0.113.7, server: www.example.com, request: \"GET /a, b HTTP/1.1\", upstream: \
        \"http://127.0.0.1:3000/a\", host: \"www.example.com\"";

    #[test]
    fn a_line_is_message_and_fields() {
        let line = format!(
            "2026/11/21 23:46:01 [error] 7#8: *9 connect() failed (111: Connection refused) while connecting to \
             upstream, {FIELDS}"
        );
        let line = Line::parse(line.as_bytes()).expect("a line of an error log");
        assert_eq!(text(&line.time), "2026-11-21 23:46:01");
        assert_eq!(text(line.level), "error");
        assert_eq!(text(line.message), "connect() failed (111: Connection refused) while connecting to upstream");
        assert_eq!(line.client.map(text).as_deref(), Some("203.0.113.7"));
        assert_eq!(line.server.map(text).as_deref(), Some("www.example.com"));
        assert_eq!(line.request.map(text).as_deref(), Some("GET /a, b HTTP/1.1"));
        assert_eq!(line.upstream.map(text).as_deref(), Some("http://127.0.0.1:3000/a"));
        assert_eq!(line.host.map(text).as_deref(), Some("www.example.com"));
    }

    #[test]
    fn others_may_write_in_front_of_a_line() {
        let prefixes = [
            "",
            "Nov 21 23:46:01 web1 nginx: ",
            "<187>Nov 21 23:46:01 web1 nginx: ",
            "2026-11-21T23:46:01+0000 web1 nginx[7]: ",
            "2026-11-21T23:46:01.123456789Z stderr F ",
            "web/app/1 | ",
        ];
        for prefix in prefixes {
            let line = format!("{prefix}2026/11/21 23:46:01 [error] 7#8: *9 message, {FIELDS}");
            let line = Line::parse(line.as_bytes()).unwrap_or_else(|| panic!("{prefix}"));
            assert_eq!(text(line.message), "message", "{prefix}");
            assert_eq!(text(&line.time), "2026-11-21 23:46:01");
        }
    }

    /// Text in quotes is as clients sent it.
    #[test]
    fn what_clients_write_is_not_taken_for_fields() {
        let evil = "\", upstream: \"http://192.0.2.9:1/";
        let line = format!(
            "2026/11/21 23:46:01 [error] 7#8: *9 message, client: 203.0.113.7, server: a, request: \"GET /{evil} \
             HTTP/1.1\", upstream: \"http://127.0.0.1:3000/\", host: \"a\", referrer: \"{evil}, client: 1\""
        );
        let line = Line::parse(line.as_bytes()).expect("a line of an error log");
        assert_eq!(line.upstream.map(text).as_deref(), Some("http://127.0.0.1:3000/"));
        assert_eq!(line.client.map(text).as_deref(), Some("203.0.113.7"));
        assert_eq!(line.host.map(text).as_deref(), Some("a"));
    }

    #[test]
    fn lines_of_stream_and_mail_have_other_fields() {
        let line = b"2026/11/21 23:46:01 [error] 7#8: *9 message, udp client: 203.0.113.7, server: 0.0.0.0:53, \
            upstream: \"127.0.0.1:1\", bytes from/to client:0/0, bytes from/to upstream:0/0";
        let line = Line::parse(line).expect("a line of an error log");
        assert_eq!(line.client.map(text).as_deref(), Some("203.0.113.7"));
        assert_eq!(line.server.map(text).as_deref(), Some("0.0.0.0:53"));
        assert_eq!(line.upstream.map(text).as_deref(), Some("127.0.0.1:1"));
        let line = b"2026/11/21 23:46:01 [error] 7#8: *9 message, client: 203.0.113.7 using starttls, server: \
            0.0.0.0:143, login: \"a, b\", upstream: 127.0.0.1:1143";
        let line = Line::parse(line).expect("a line of an error log");
        assert_eq!(line.client.map(text).as_deref(), Some("203.0.113.7"));
        assert_eq!(line.server.map(text).as_deref(), Some("0.0.0.0:143"));
        assert_eq!(line.upstream.map(text).as_deref(), Some("127.0.0.1:1143"));
    }

    #[test]
    fn what_is_no_line_is_none() {
        let texts = [
            "",
            "x",
            "2026/11/21 23:46:01",
            "2026/11/21 23:46:01 [error",
            "2026/11/21 23:46:01 [error] 7#8",
            "2026/11/21 23:46:01 [other] 7#8: message",
            "2026/11/21 23:46:01 [error] message",
        ];
        for text in texts {
            assert_eq!(Line::parse(text.as_bytes()), None, "{text}");
        }
    }
}
