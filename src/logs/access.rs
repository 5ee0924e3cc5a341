//! Access logs: failures that the server behind nginx answered itself. They
//! leave nothing in the error log.
//!
//! nginx writes 502 into `$upstream_status` also where it could not connect,
//! or had no header in time. An answer of the server itself is one whose
//! header came: then `$upstream_header_time` is a number and not `-`. A body
//! of some length, `$upstream_response_length`, shows it as well.

use std::borrow::Cow;

use crate::facts::Signature;

use super::gather::{Event, Request, path_of};
use super::lines::unescaped;
use super::time::{self, Time};

/// How lines of an access log are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessFormat {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(Vec<u8>),
    Variable(Variable),
}

/// The variables that matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Variable {
    Status,
    UpstreamStatus,
    UpstreamAddr,
    UpstreamHeaderTime,
    UpstreamResponseLength,
    Request,
    RequestMethod,
    Path,
    Host,
    ServerName,
    RemoteAddr,
    TimeLocal,
    TimeIso8601,
    /// One value for each server that was tried.
    OtherList,
    Other,
}

const VARIABLES: usize = Variable::Other as usize + 1;

const NAMES: [(&str, Variable); 20] = [
    ("status", Variable::Status),
    ("upstream_status", Variable::UpstreamStatus),
    ("upstream_addr", Variable::UpstreamAddr),
    ("upstream_header_time", Variable::UpstreamHeaderTime),
    ("upstream_response_length", Variable::UpstreamResponseLength),
    ("upstream_response_time", Variable::OtherList),
    ("upstream_connect_time", Variable::OtherList),
    ("upstream_bytes_received", Variable::OtherList),
    ("upstream_bytes_sent", Variable::OtherList),
    ("request", Variable::Request),
    ("request_method", Variable::RequestMethod),
    ("request_uri", Variable::Path),
    ("uri", Variable::Path),
    ("document_uri", Variable::Path),
    ("host", Variable::Host),
    ("http_host", Variable::Host),
    ("server_name", Variable::ServerName),
    ("remote_addr", Variable::RemoteAddr),
    ("time_local", Variable::TimeLocal),
    ("time_iso8601", Variable::TimeIso8601),
];

/// Answers that a server behind nginx gives itself and that look like those
/// of nginx.
const FAILURES: [&[u8]; 4] = [b"500", b"502", b"503", b"504"];

/// What others write in front of a line has at most so many bytes.
const PREFIX: usize = 120;

/// The values of a line, by variable.
type Values<'l> = [Option<&'l [u8]>; VARIABLES];

/// A failure that the server behind nginx answered itself.
#[derive(Debug)]
pub(super) struct OwnFailure<'l> {
    time: Time,
    status: Cow<'l, [u8]>,
    peer: Option<Cow<'l, [u8]>>,
    server: Option<Cow<'l, [u8]>>,
    client: Option<Cow<'l, [u8]>>,
    host: Option<Cow<'l, [u8]>>,
    request: Option<Cow<'l, [u8]>>,
    method: Option<Cow<'l, [u8]>>,
    path: Option<Cow<'l, [u8]>>,
}

impl AccessFormat {
    /// Reads the text of a `log_format`, its strings put together. None if it
    /// has no `$status`, or neither `$upstream_status` nor `$upstream_addr`:
    /// such lines say nothing about the servers behind nginx.
    pub fn parse(text: &str) -> Option<AccessFormat> {
        let mut format = AccessFormat { parts: Vec::new() };
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            format.push_text(&rest[..at]);
            let after = &rest[at + 1..];
            let (name, length) = match after.strip_prefix('{') {
                Some(inner) => {
                    let end = inner.find('}')?;
                    (&inner[..end], end + 2)
                }
                None => {
                    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                    let end = after.find(is_end).unwrap_or(after.len());
                    (&after[..end], end)
                }
            };
            if name.is_empty() {
                format.push_text("$");
            } else {
                format.push_variable(name);
            }
            rest = &after[length..];
        }
        format.push_text(rest);
        let about_upstreams = format.has(Variable::UpstreamStatus) || format.has(Variable::UpstreamAddr);
        (format.has(Variable::Status) && about_upstreams).then_some(format)
    }

    /// Why nothing can be told from lines of this format, if so.
    pub fn problem(&self) -> Option<&'static str> {
        if !self.has(Variable::UpstreamStatus) {
            return Some("its format has no $upstream_status, without which nothing is told");
        }
        let tells = self.has(Variable::UpstreamHeaderTime) || self.has(Variable::UpstreamResponseLength);
        if !tells {
            return Some(
                "its format has no $upstream_header_time, without which answers of nginx cannot be told from those \
                 of the servers behind it",
            );
        }
        let has_time = self.has(Variable::TimeLocal) || self.has(Variable::TimeIso8601);
        (!has_time).then_some("its format has neither $time_local nor $time_iso8601")
    }

    fn has(&self, variable: Variable) -> bool {
        self.parts.contains(&Part::Variable(variable))
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.extend_from_slice(text.as_bytes()),
            _ => self.parts.push(Part::Text(text.as_bytes().to_vec())),
        }
    }

    fn push_variable(&mut self, name: &str) {
        let known = NAMES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable);
        match self.parts.last_mut() {
            // With nothing between them, nobody knows which is which.
            Some(Part::Variable(before)) => *before = Variable::Other,
            _ => self.parts.push(Part::Variable(known.unwrap_or(Variable::Other))),
        }
    }

    /// The values in a line, as they are written; none if it is no line of
    /// this format.
    fn values<'l>(&self, line: &'l [u8]) -> Option<Values<'l>> {
        let mut values: Values<'l> = [None; VARIABLES];
        let mut rest = line;
        let mut parts = self.parts.iter().peekable();
        if let Some(Part::Text(first)) = parts.next_if(|part| matches!(part, Part::Text(_))) {
            // Something may stand in front of a line, such as of syslog.
            let before = &rest[..rest.len().min(PREFIX + first.len())];
            rest = &rest[memchr::memmem::find(before, first)? + first.len()..];
        }
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_slice())?,
                Part::Variable(variable) => {
                    let end = match parts.peek() {
                        Some(Part::Text(next)) => end_of_value(rest, next, variable.is_list())?,
                        _ => rest.len(),
                    };
                    let value = Some(&rest[..end]).filter(|value| !matches!(*value, b"" | b"-"));
                    let place = &mut values[*variable as usize];
                    // $host before $http_host, or whichever comes first.
                    *place = place.or(value);
                    rest = &rest[end..];
                }
            }
        }
        Some(values)
    }

    /// The time of a line.
    pub(super) fn time_of(&self, line: &[u8]) -> Option<Time> {
        time_in(&self.values(line)?)
    }

    /// What a line says if it is about such a failure.
    pub(super) fn own_failure<'l>(&self, line: &'l [u8]) -> Option<OwnFailure<'l>> {
        // Most lines are about no failure, and seen to be so at once.
        memchr::memmem::find(line, b"50")?;
        let values = self.values(line)?;
        let raw = |variable: Variable| values[variable as usize];
        let value = |variable: Variable| raw(variable).map(unescaped);
        let status = raw(Variable::Status).filter(|status| FAILURES.contains(status))?;
        if last_of(raw(Variable::UpstreamStatus)?) != status {
            return None;
        }
        let is_number = |value: &[u8]| value.first().is_some_and(u8::is_ascii_digit);
        let had_header = raw(Variable::UpstreamHeaderTime).map(last_of).is_some_and(is_number);
        let length = raw(Variable::UpstreamResponseLength).map(last_of);
        let had_body = length.is_some_and(|length| is_number(length) && length != b"0");
        if !had_header && !had_body {
            return None;
        }
        Some(OwnFailure {
            time: time_in(&values)?,
            status: Cow::Borrowed(status),
            peer: raw(Variable::UpstreamAddr).map(|all| unescaped(last_of(all))),
            server: value(Variable::ServerName),
            // Behind what syslog writes in front of a line.
            client: raw(Variable::RemoteAddr).map(|value| unescaped(last_of(value))),
            host: value(Variable::Host).or_else(|| value(Variable::ServerName)),
            request: value(Variable::Request),
            method: value(Variable::RequestMethod),
            path: value(Variable::Path),
        })
    }
}

impl Variable {
    fn is_list(self) -> bool {
        matches!(
            self,
            Variable::UpstreamStatus
                | Variable::UpstreamAddr
                | Variable::UpstreamHeaderTime
                | Variable::UpstreamResponseLength
                | Variable::OtherList
        )
    }
}

impl OwnFailure<'_> {
    pub(super) fn event(&self) -> Event<'_> {
        let request = match (&self.request, &self.path) {
            (Some(request), _) => Some(Request::of_line(request, self.host.as_deref())),
            (None, Some(path)) => Some(Request {
                method: self.method.as_deref().unwrap_or(b"-"),
                host: self.host.as_deref(),
                path: path_of(path),
            }),
            (None, None) => None,
        };
        Event {
            peer: self.peer.as_deref(),
            server: self.server.as_deref(),
            detail: Some(&self.status),
            client: self.client.as_deref(),
            request,
            ..Event::new(Signature::OwnBadGateway, self.time)
        }
    }
}

fn time_in(values: &Values<'_>) -> Option<Time> {
    let local = || time::of_time_local(values[Variable::TimeLocal as usize]?);
    let iso8601 = || time::of_time_iso8601(values[Variable::TimeIso8601 as usize]?);
    local().or_else(iso8601)
}

/// Where a value ends: at the text that follows it, unless a backslash stands
/// before that, or it is what separates the values of a list.
fn end_of_value(rest: &[u8], next: &[u8], is_list: bool) -> Option<usize> {
    memchr::memmem::find_iter(rest, next).find(|at| {
        let before = &rest[..*at];
        let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        let separates = is_list
            && next.starts_with(b" ")
            && (before.ends_with(b",") || before.ends_with(b" :") || rest[*at..].starts_with(b" : "));
        backslashes % 2 == 0 && !separates
    })
}

/// The last value of a list, such as `a, b : c`.
fn last_of(list: &[u8]) -> &[u8] {
    list.rsplit(|byte| *byte == b' ').next().unwrap_or(list)
}

#[cfg(test)]
mod tests {
    use super::super::Gatherer;
    use super::*;
    use crate::facts::Evidence;

    const MAIN: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
        \"$http_referer\" \"$upstream_addr\" \"$upstream_status\" \"$upstream_header_time\"";

    fn seen(format: &str, line: &str) -> Vec<Evidence> {
        let format = AccessFormat::parse(format).unwrap_or_else(|| panic!("{format}"));
        let mut gatherer = Gatherer::default();
        gatherer.add_access_line(&format, line.as_bytes());
        gatherer.finish().seen
    }

    #[test]
    fn formats_without_what_matters_are_none() {
        for format in
            ["", "$status", "$upstream_status", "$remote_addr $status", "${status", "$status$upstream_status x"]
        {
            assert_eq!(AccessFormat::parse(format), None, "{format}");
        }
        let tells = |format: &str| AccessFormat::parse(format).is_some_and(|format| format.problem().is_none());
        assert!(tells(MAIN));
        assert!(tells("[$time_iso8601] ${status} $upstream_status $upstream_response_length"));
        assert!(!tells("[$time_local] $status $upstream_status $upstream_bytes_received"));
        assert!(!tells("[$time_local] $status $upstream_addr $upstream_header_time"));
        assert!(!tells("$status $upstream_status $upstream_header_time"));
    }

    /// Lines of nginx 1.22.1 and 1.28.3.
    #[test]
    fn only_answers_of_the_server_itself_are_told() {
        let table = [
            // Its own, the second of two, that of another location.
            (r#""502" "0.000" "127.0.0.1:1" 502"#, Some(("502", "127.0.0.1:1"))),
            (r#""502, 502" "-, 0.001" "127.0.0.1:1, 127.0.0.1:2" 502"#, Some(("502", "127.0.0.1:2"))),
            (r#""502 : 502" "- : 0.001" "127.0.0.1:1 : unix:/run/a.sock" 502"#, Some(("502", "unix:/run/a.sock"))),
            (r#""500" "0.000" "[::1]:80" 500"#, Some(("500", "[::1]:80"))),
            (r#""503" "0.000" "127.0.0.1:1" 503"#, Some(("503", "127.0.0.1:1"))),
            (r#""504" "0.000" "127.0.0.1:1" 504"#, Some(("504", "127.0.0.1:1"))),
            // Refused, hung up, too big a header, no live upstreams: of nginx.
            (r#""502" "-" "127.0.0.1:1" 502"#, None),
            (r#""504" "-" "127.0.0.1:1" 504"#, None),
            (r#""502" "-" "group" 502"#, None),
            (r#""502, 502" "0.001, -" "127.0.0.1:1, 127.0.0.1:2" 502"#, None),
            // No resolver; limited; a page of nginx in its place; no failure.
            (r#""-" "-" "-" 502"#, None),
            (r#""-" "-" "-" 503"#, None),
            (r#""502" "0.000" "127.0.0.1:1" 200"#, None),
            (r#""200" "0.000" "127.0.0.1:1" 502"#, None),
            (r#""404" "0.502" "127.0.0.1:1" 404"#, None),
        ];
        let format = r#"$time_iso8601 "$upstream_status" "$upstream_header_time" "$upstream_addr" $status"#;
        for (line, expected) in table {
            let seen = seen(format, &format!("2026-11-21T23:46:01+00:00 {line}"));
            let found =
                seen.first().map(|one| (one.detail.as_deref().unwrap_or(""), one.peer.as_deref().unwrap_or("")));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn values_are_taken_from_lines_of_any_format() {
        let table = [
            (
                MAIN,
                r#"203.0.113.7 - - [21/Nov/2026:23:46:01 +0000] "GET /a/b?x=\x22 HTTP/1.1" 502 3 "x\x22, 502 \x22" "127.0.0.1:1, 127.0.0.1:2" "502, 502" "-, 0.001""#,
                (Some("203.0.113.7"), "GET -/a/b", None),
            ),
            // JSON, which escapes with a backslash.
            (
                r#"{"t":"$time_iso8601","s":$status,"u":"$upstream_status","h":"$upstream_header_time","a":"$upstream_addr","host":"$host","m":"$request_method","uri":"$request_uri","c":"$remote_addr","n":"$server_name","r":"$http_referer"}"#,
                r#"{"t":"2026-11-21T23:46:01+01:00","s":502,"u":"502","h":"0.000","a":"127.0.0.1:2","host":"www.example.com","m":"POST","uri":"/a\"b\\c?d","c":"203.0.113.7","n":"a.example","r":"x\",\"u\":\"200"}"#,
                (Some("203.0.113.7"), "POST www.example.com/a\"b\\c", Some("a.example")),
            ),
            // Lists without quotes; lines that came by syslog.
            (
                "$remote_addr [$time_local] $status $upstream_addr $upstream_status $upstream_response_length $upstream_connect_time \"$request\" $server_name",
                r#"<190>Nov 21 23:46:01 web nginx: 203.0.113.7 [21/Nov/2026:23:46:01 +0000] 502 127.0.0.1:1, 127.0.0.1:3 : 127.0.0.1:2 502, 502 : 502 0, 0 : 3 -, - : 0.000 "GET http://x/a HTTP/1.1" a.example"#,
                (Some("203.0.113.7"), "GET a.example/a", Some("a.example")),
            ),
        ];
        for (format, line, (client, request, server)) in table {
            let seen = seen(format, line);
            let [one] = seen.as_slice() else { panic!("{line}: {seen:?}") };
            assert_eq!(one.signature, Signature::OwnBadGateway);
            assert_eq!(one.peer.as_deref(), Some("127.0.0.1:2"), "{line}");
            assert_eq!(one.clients.first().map(|tally| tally.value.as_str()), client, "{line}");
            assert_eq!(one.requests.first().map(|tally| tally.value.as_str()), Some(request), "{line}");
            assert_eq!(one.server.as_deref(), server, "{line}");
            assert_eq!(one.first, "2026-11-21 23:46:01");
        }
    }

    #[test]
    fn lines_of_another_format_are_passed_over() {
        for line in ["", "502", "\"502\" 502 502 0.000", "{\"status\":502}", "[21/Nov/2026:23:46:01 +0000] \"\" 502"] {
            assert_eq!(seen(MAIN, line), [], "{line}");
        }
    }
}
