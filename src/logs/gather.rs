//! Many lines, and what they come to, in bounded memory.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::facts::{Evidence, Log, LogFile, Signature};

use super::access::AccessFormat;
use super::lines::unwrapped;
use super::memo::Memo;
use super::tally::Counter;
use super::time::{self, Time};
use super::{Line, php_fpm};

/// So many different messages are kept apart.
const GROUPS: usize = 4096;

/// From so many on, new ones are told apart by less: no longer by the place
/// of the request, then by the detail, then by the address.
const GROUPS_BY_PLACE: usize = 3072;
const GROUPS_BY_DETAIL: usize = 3584;
const GROUPS_BY_PEER: usize = 3840;

/// When all together count so many clients and requests, each that is new
/// gets few.
const TALLIES: usize = 64 * 1024;

/// So many bytes of a line are shown.
const SAMPLE: usize = 400;

/// So many bytes of a detail, an address or a name are kept.
const VALUE: usize = 256;

/// So many lines that are not known are shown.
const UNKNOWN_SAMPLES: usize = 5;

/// Reads lines one after another and keeps what they come to.
#[derive(Clone, Debug, Default)]
pub struct Gatherer {
    groups: Vec<Group>,
    /// Their places by what makes events the same.
    by_key: HashMap<Vec<u8>, usize>,
    tallies: usize,
    memo: Memo,
    unknown: u64,
    /// With the words that tell them apart.
    unknown_samples: Vec<(Vec<u8>, String)>,
    left_out: u64,
    pub(super) files: Vec<LogFile>,
    /// Lines before this are not taken.
    pub(super) since: Option<Time>,
    /// Used again for each line.
    key: Vec<u8>,
    request: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Group {
    evidence: Evidence,
    first: Time,
    last: Time,
    clients: Counter,
    requests: Counter,
}

/// What was recognised in one line.
#[derive(Clone, Copy)]
pub(super) struct Event<'l> {
    pub(super) signature: Signature,
    pub(super) time: Time,
    pub(super) peer: Option<&'l [u8]>,
    pub(super) scheme: Option<&'l [u8]>,
    pub(super) server: Option<&'l [u8]>,
    pub(super) detail: Option<&'l [u8]>,
    pub(super) client: Option<&'l [u8]>,
    pub(super) request: Option<Request<'l>>,
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Request<'l> {
    pub(super) method: &'l [u8],
    pub(super) host: Option<&'l [u8]>,
    /// Without what follows `?`.
    pub(super) path: &'l [u8],
}

impl<'l> Request<'l> {
    /// Of `GET /path?a HTTP/1.1`.
    pub(super) fn of_line(line: &'l [u8], host: Option<&'l [u8]>) -> Request<'l> {
        let end = memchr::memchr(b' ', line).unwrap_or(line.len());
        let (method, target) = line.split_at(end);
        let target = target.strip_prefix(b" ").unwrap_or(target);
        // Before nginx 1.21.1 there might be spaces in it.
        let end = memchr::memmem::rfind(target, b" HTTP/").unwrap_or(target.len());
        Request { method, host, path: path_of(&target[..end]) }
    }
}

/// The path of a target, which may be a whole URL.
pub(super) fn path_of(target: &[u8]) -> &[u8] {
    let target = match memchr::memmem::find(target, b"://") {
        Some(at) if !target.starts_with(b"/") => {
            let rest = &target[at + 3..];
            &rest[memchr::memchr(b'/', rest).unwrap_or(rest.len())..]
        }
        _ => target,
    };
    &target[..memchr::memchr2(b'?', b'#', target).unwrap_or(target.len())]
}

/// By how much events are told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    Server,
    Peer,
    Detail,
    Place,
}

impl Gatherer {
    /// Takes one line of an error log, or of the log of php-fpm, without its
    /// end.
    pub fn add_line(&mut self, bytes: &[u8]) {
        self.take_line(bytes);
    }

    /// Takes one line of an access log of this format, without its end.
    pub fn add_access_line(&mut self, format: &AccessFormat, bytes: &[u8]) {
        self.take_access_line(format, bytes);
    }

    /// As [`Gatherer::add_line`], and says the time of the line if it was
    /// taken.
    pub(super) fn take_line(&mut self, bytes: &[u8]) -> Option<Time> {
        let bytes = &*unwrapped(bytes);
        let Some(line) = Line::parse(bytes) else {
            let (time, pool) = php_fpm::parse(bytes)?;
            if self.is_too_old(&time) {
                return None;
            }
            if pool.is_some() {
                self.add(&Event { detail: pool, ..Event::new(Signature::PhpFpmPoolExhausted, time) }, bytes);
            }
            return Some(time);
        };
        if self.is_too_old(&line.time) {
            return None;
        }
        match self.memo.recognise(&line) {
            Some(known) => {
                let (scheme, peer) = line.upstream.map(split_upstream).unwrap_or_default();
                let mut request = line.request.map(|request| Request::of_line(request, line.host));
                // What is passed on is the subrequest: the location is its.
                if let (Some(request), Some(path)) = (&mut request, line.subrequest) {
                    request.path = path;
                }
                let Line { time, server, client, .. } = line;
                let (signature, detail) = (known.signature, known.detail);
                self.add(&Event { signature, time, peer, scheme, server, detail, client, request }, bytes);
            }
            None if matches!(line.level, b"error" | b"crit" | b"alert" | b"emerg") => {
                self.unknown += 1;
                self.keep_unknown(line.message, bytes);
            }
            None => {}
        }
        Some(line.time)
    }

    /// As [`Gatherer::add_access_line`], and says the time of the line if it
    /// was taken and has one.
    pub(super) fn take_access_line(&mut self, format: &AccessFormat, bytes: &[u8]) -> Option<Time> {
        let bytes = &*unwrapped(bytes);
        let time = format.time_of(bytes);
        if time.is_some_and(|time| self.is_too_old(&time)) {
            return None;
        }
        if let Some(own) = format.own_failure(bytes) {
            self.add(&own.event(), bytes);
        }
        time
    }

    fn is_too_old(&self, time: &Time) -> bool {
        self.since.is_some_and(|since| *time < since)
    }

    fn add(&mut self, event: &Event<'_>, line: &[u8]) {
        let Some(place) = self.group_of(event, line) else {
            self.left_out += 1;
            return;
        };
        let group = &mut self.groups[place];
        let is_crowded = self.tallies >= TALLIES;
        group.evidence.count += 1;
        // Workers write at the same time, and files come in any order.
        group.first = group.first.min(event.time);
        group.last = group.last.max(event.time);
        if let Some(client) = event.client {
            self.tallies += usize::from(group.clients.add(client, is_crowded));
        }
        if let Some(request) = event.request {
            self.request.clear();
            let host = request.host.unwrap_or(b"-");
            for part in [request.method, b" ", host, request.path] {
                self.request.extend_from_slice(part);
            }
            self.tallies += usize::from(group.requests.add(&self.request, is_crowded));
        }
    }

    /// The place of the group of an event: one that is there, or a new one, told apart by
    /// as much as there is room for.
    fn group_of(&mut self, event: &Event<'_>, line: &[u8]) -> Option<usize> {
        let steps = [
            (Apart::Place, GROUPS_BY_PLACE),
            (Apart::Detail, GROUPS_BY_DETAIL),
            (Apart::Peer, GROUPS_BY_PEER),
            (Apart::Server, GROUPS),
        ];
        for (apart, room) in steps {
            write_key(&mut self.key, event, apart);
            if let Some(place) = self.by_key.get(&self.key) {
                return Some(*place);
            }
            if self.groups.len() < room {
                self.by_key.insert(self.key.clone(), self.groups.len());
                self.groups.push(Group::new(event, line, apart));
                return Some(self.groups.len() - 1);
            }
        }
        None
    }

    fn keep_unknown(&mut self, message: &[u8], line: &[u8]) {
        if self.unknown_samples.len() == UNKNOWN_SAMPLES {
            return;
        }
        // What is in quotes, and numbers, do not make another message.
        let words = message.split(|byte| *byte == b'"').next().unwrap_or_default();
        let words: Vec<u8> = words.iter().copied().filter(|byte| !byte.is_ascii_digit()).take(VALUE).collect();
        if !self.unknown_samples.iter().any(|(other, _)| *other == words) {
            self.unknown_samples.push((words, cut_text(line, SAMPLE)));
        }
    }

    /// What it came to, what was seen most often first.
    pub fn finish(self) -> Log {
        let mut seen: Vec<Evidence> = self.groups.into_iter().map(Group::finish).collect();
        seen.sort_by(|a, b| order(a).cmp(&order(b)));
        Log {
            files: self.files,
            seen,
            unknown: self.unknown,
            unknown_samples: self.unknown_samples.into_iter().map(|(_, sample)| sample).collect(),
            left_out: self.left_out,
        }
    }
}

/// The same order for the same lines.
fn order(evidence: &Evidence) -> impl Ord + '_ {
    let Evidence { signature, peer, scheme, server, detail, first, sample, .. } = evidence;
    (Reverse(evidence.count), signature, peer, scheme, server, (detail, first, sample))
}

impl Event<'_> {
    pub(super) fn new(signature: Signature, time: Time) -> Self {
        Event { signature, time, peer: None, scheme: None, server: None, detail: None, client: None, request: None }
    }
}

impl Group {
    fn new(event: &Event<'_>, line: &[u8], apart: Apart) -> Group {
        let keep = |value: Option<&[u8]>, least: Apart| value.filter(|_| apart >= least).map(value_text);
        let evidence = Evidence {
            signature: event.signature,
            peer: keep(event.peer, Apart::Peer),
            scheme: keep(event.scheme, Apart::Peer),
            server: event.server.map(value_text),
            detail: keep(event.detail, Apart::Detail),
            sample: cut_text(line, SAMPLE),
            ..Evidence::default()
        };
        let (clients, requests) = (Counter::default(), Counter::default());
        Group { evidence, first: event.time, last: event.time, clients, requests }
    }

    fn finish(self) -> Evidence {
        Evidence {
            first: time::to_text(&self.first),
            last: time::to_text(&self.last),
            clients: self.clients.finish(),
            requests: self.requests.finish(),
            ..self.evidence
        }
    }
}

/// What makes events the same. Requests to different locations should stay
/// apart, so the first part of the path counts.
fn write_key(key: &mut Vec<u8>, event: &Event<'_>, apart: Apart) {
    key.clear();
    // So that no key is that of another step.
    key.push(apart as u8);
    key.push(event.signature as u8);
    let mut part = |value: Option<&[u8]>, least: Apart| {
        let value = value.filter(|_| apart >= least);
        let value = value.map(|value| &value[..value.len().min(VALUE)]);
        key.extend_from_slice(&value.map_or(u16::MAX, |value| value.len() as u16).to_le_bytes());
        key.extend_from_slice(value.unwrap_or_default());
    };
    part(event.server, Apart::Server);
    part(event.peer, Apart::Peer);
    part(event.scheme, Apart::Peer);
    part(event.detail, Apart::Detail);
    part(event.request.map(|request| request.method), Apart::Place);
    part(event.request.and_then(|request| request.host), Apart::Place);
    part(event.request.map(|request| first_segment(request.path)), Apart::Place);
}

fn first_segment(path: &[u8]) -> &[u8] {
    let inner = path.get(1..).unwrap_or_default();
    &inner[..memchr::memchr(b'/', inner).unwrap_or(inner.len())]
}

fn value_text(bytes: &[u8]) -> String {
    cut_text(bytes, VALUE)
}

/// At most so many bytes of a text.
fn cut_text(bytes: &[u8], most: usize) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned();
    // Bytes that are no text become longer.
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

/// `http://127.0.0.1:80/path` as scheme and address.
fn split_upstream(upstream: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let (scheme, rest) = match memchr::memmem::find(upstream, b"://") {
        Some(at) => (Some(&upstream[..at]), &upstream[at + 3..]),
        None => (None, upstream),
    };
    let end = match rest.strip_prefix(b"unix:") {
        Some(path) => memchr::memchr(b':', path).map(|end| end + b"unix:".len()),
        None => memchr::memchr(b'/', rest),
    };
    let peer = &rest[..end.unwrap_or(rest.len())];
    (scheme, Some(peer).filter(|peer| !peer.is_empty()))
}
