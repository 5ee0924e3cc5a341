//! Many lines, and what they come to.

use std::collections::BTreeMap;

use crate::facts::{Evidence, Log, Signature, Tally};

use super::{Line, recognise};

/// Reads lines one after another and keeps what they come to.
#[derive(Clone, Debug, Default)]
pub struct Gatherer {
    seen: BTreeMap<Key, Evidence>,
    unknown: u64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    signature: Signature,
    peer: Option<String>,
    scheme: Option<String>,
    server: Option<String>,
    detail: Option<String>,
}

impl Gatherer {
    /// Takes one line of an error log, without its end.
    pub fn add_line(&mut self, bytes: &[u8]) {
        let Some(line) = Line::parse(bytes) else { return };
        let Some(known) = recognise(&line) else {
            self.unknown += u64::from(matches!(line.level, b"error" | b"crit" | b"alert" | b"emerg"));
            return;
        };
        let (scheme, peer) = line.upstream.map(split_upstream).unwrap_or_default();
        let detail = known.detail.map(text);
        let key = Key { signature: known.signature, peer, scheme, server: line.server.map(text), detail };
        let time = text(line.time).replacen('/', "-", 2);
        let evidence = self.seen.entry(key.clone()).or_insert_with(|| Evidence {
            signature: key.signature,
            peer: key.peer,
            scheme: key.scheme,
            server: key.server,
            detail: key.detail,
            first: time.clone(),
            sample: text(bytes),
            ..Evidence::default()
        });
        evidence.count += 1;
        evidence.last = time;
        if let Some(client) = line.client {
            tally(&mut evidence.clients, text(client));
        }
        if let Some(request) = line.request {
            tally(&mut evidence.requests, request_of(request, line.host));
        }
    }

    /// What it came to, what was seen most often first.
    pub fn finish(self) -> Log {
        let mut seen: Vec<Evidence> = self.seen.into_values().collect();
        seen.sort_by_key(|evidence| std::cmp::Reverse(evidence.count));
        Log { seen, unknown: self.unknown, ..Log::default() }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tally(tallies: &mut Vec<Tally>, value: String) {
    match tallies.iter_mut().find(|tally| tally.value == value) {
        Some(tally) => tally.count += 1,
        None => tallies.push(Tally { value, count: 1 }),
    }
}

/// `http://127.0.0.1:80/path` as scheme and address.
fn split_upstream(upstream: &[u8]) -> (Option<String>, Option<String>) {
    let upstream = text(upstream);
    let (scheme, rest) = match upstream.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_owned()), rest),
        None => (None, upstream.as_str()),
    };
    let peer = match rest.strip_prefix("unix:") {
        Some(path) => format!("unix:{}", path.split(':').next().unwrap_or_default()),
        None => rest.split('/').next().unwrap_or_default().to_owned(),
    };
    (scheme, Some(peer))
}

/// `GET /path?a HTTP/1.1` and a host as `GET host/path`.
fn request_of(request: &[u8], host: Option<&[u8]>) -> String {
    let request = text(request);
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    format!("{method} {}{path}", host.map_or_else(|| "-".to_owned(), text))
}
