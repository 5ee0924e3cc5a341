//! A line of an error log taken apart.
//!
//! `2026/11/21 23:46:01 [error] 7#8: *9 message, client: 1.2.3.4, server: a,
//! request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "a"`,
//! as ngx_log_error_core and ngx_http_log_error_handler write it.

use memchr::memmem;

/// What a line says; all of it borrowed from the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Line<'l> {
    /// As it is written: `2026/11/21 23:46:01`.
    pub time: &'l [u8],
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
    /// `upstream:`, without quotes.
    pub upstream: Option<&'l [u8]>,
    /// `host:`, without quotes.
    pub host: Option<&'l [u8]>,
}

/// Length of `2026/11/21 23:46:01`.
const TIME: usize = 19;

/// Where fields begin in the lines of `http {}`, and of `stream {}`.
const FIELDS: &[u8] = b", client: ";

impl<'l> Line<'l> {
    /// Takes a line apart; none if it is no line of an error log.
    pub fn parse(line: &'l [u8]) -> Option<Line<'l>> {
        let time = line.get(..TIME).filter(|time| time[4] == b'/' && time[7] == b'/' && time[13] == b':')?;
        let rest = line[TIME..].strip_prefix(b" [")?;
        let end = memchr::memchr(b']', rest)?;
        let level = &rest[..end];
        // Process and thread, and the connection if there is one.
        let colon = memmem::find(&rest[end..], b": ")?;
        let mut message = &rest[end + colon + 2..];
        if let Some(number) = message.strip_prefix(b"*") {
            message = &number[memchr::memchr(b' ', number)? + 1..];
        }
        let (message, fields) = match memmem::find(message, FIELDS) {
            Some(at) => message.split_at(at),
            None => (message, &b""[..]),
        };
        Some(Line {
            time,
            level,
            message,
            client: plain(fields, b", client: "),
            server: plain(fields, b", server: "),
            request: quoted(fields, b", request: \""),
            upstream: quoted(fields, b", upstream: \""),
            host: quoted(fields, b", host: \""),
        })
    }
}

/// A value up to the next comma.
fn plain<'l>(fields: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let rest = &fields[memmem::find(fields, name)? + name.len()..];
    Some(&rest[..memmem::find(rest, b", ").unwrap_or(rest.len())])
}

/// A value in quotes. nginx does not escape quotes in it: it ends where the
/// next field, or the line, does.
fn quoted<'l>(fields: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let rest = &fields[memmem::find(fields, name)? + name.len()..];
    let end = memmem::find(rest, b"\", ").or_else(|| memchr::memrchr(b'"', rest)).unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_message_and_fields() {
        let line = b"2026/11/21 23:46:01 [error] 7#8: *9 connect() failed (111: Connection refused) while connecting \
            to upstream, client: 203.0.113.7, server: www.example.com, request: \"GET /a, b HTTP/1.1\", upstream: \
            \"http://127.0.0.1:3000/a\", host: \"www.example.com\"";
        let line = Line::parse(line).expect("a line of an error log");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(line.time), "2026/11/21 23:46:01");
        assert_eq!(text(line.level), "error");
        assert_eq!(text(line.message), "connect() failed (111: Connection refused) while connecting to upstream");
        assert_eq!(line.client.map(text).as_deref(), Some("203.0.113.7"));
        assert_eq!(line.server.map(text).as_deref(), Some("www.example.com"));
        assert_eq!(line.request.map(text).as_deref(), Some("GET /a, b HTTP/1.1"));
        assert_eq!(line.upstream.map(text).as_deref(), Some("http://127.0.0.1:3000/a"));
        assert_eq!(line.host.map(text).as_deref(), Some("www.example.com"));
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in ["", "x", "2026/11/21 23:46:01", "2026/11/21 23:46:01 [error", "2026/11/21 23:46:01 [error] 7#8"] {
            assert_eq!(Line::parse(text.as_bytes()), None, "{text}");
        }
    }
}
