//! Requests that the log names, followed through the configuration again: which
//! location they came to, and which line sent them round in circles.

use super::evidence::path_of;
use super::route::{Answer, End, Reason, Request, Route, Step, Text, What};
use super::{Block, Directive, Listener, Seen};

/// Where a request was sent elsewhere inside of nginx.
#[derive(Clone, PartialEq, Debug)]
pub struct Turn<'m> {
    /// The line that did it: `try_files`, `rewrite`, `error_page`, `index`.
    pub directive: Directive<'m>,
    /// The path or name that it led to, as far as it is known.
    pub to: String,
}

impl<'m> Seen<'m> {
    /// The location of its server that its requests came to first, before
    /// anything sent them elsewhere; the server where none fits. None when
    /// they came to several, or that is not known.
    pub fn came_to(&self) -> Option<Block<'m>> {
        let server = self.server?;
        let paths = self.requests.iter().filter_map(|request| path_of(&request.value));
        let mut locations = paths.map(|path| server.location_of_path(path));
        let first = locations.next()??;
        locations.all(|location| location == Some(first)).then_some(first)
    }

    /// The last turn that one of its requests took before nginx gave up with
    /// 500 for having taken too many; none where the way cannot be told.
    pub fn last_turn_of_a_cycle(&self) -> Option<Turn<'m>> {
        let server = self.server?;
        let listener = server.model().listeners_of_server(server)?.into_iter().next()?;
        self.requests.iter().find_map(|request| {
            let request = request_of(&request.value, server, listener)?;
            turn_before_cycle(server.model().route(&request), None)
        })
    }
}

/// The request of `GET www.example.com/path` at one of the addresses of its
/// server; none if another server would get it.
fn request_of(text: &str, server: Block<'_>, listener: Listener<'_>) -> Option<Request> {
    let (method, rest) = text.split_once(' ')?;
    let (host, _) = rest.split_once('/')?;
    let names = server.directives("server_name").flat_map(|directive| directive.arguments());
    let gets = |host: &&str| listener.server_for(without_port(host)) == Some(server);
    // A client that sends no host gets the server of the address.
    let host = std::iter::once(host).chain(names).find(gets)?;
    Some(Request {
        method: method.to_owned(),
        target: path_of(text)?.as_bytes().to_vec(),
        headers: vec![("Host".to_owned(), host.to_owned())],
        secure: listener.speaks_tls() == Some(true),
        address: Some(listener.socket().clone()),
        port: None,
    })
}

fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    }
}

/// Of all ways that a request may go, the last turn of one that ends in a
/// cycle, after what happened on the way there.
fn turn_before_cycle<'m>(route: Route<'m>, earlier: Option<Turn<'m>>) -> Option<Turn<'m>> {
    let last = route.steps.into_iter().rev().find_map(turn_of).or(earlier);
    match route.end {
        End::Answer(Answer { reason: Reason::Cycle, .. }) => last,
        End::Fork(ways) => ways.into_iter().find_map(|way| turn_before_cycle(way.route, last.clone())),
        _ => None,
    }
}

fn turn_of(step: Step<'_>) -> Option<Turn<'_>> {
    let to = match step.what {
        What::TryFiles { to } | What::ErrorPage { to, .. } | What::Index { to } => to,
        What::Rewrite { path, .. } => path,
        _ => return None,
    };
    Some(Turn { directive: step.directive?, to: in_words(&to) })
}

fn in_words(text: &Text) -> String {
    text.bytes().map_or_else(|| text.to_parts(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::catalog::Context;
    use crate::facts::{Evidence, Facts, Log, Signature, Tally};
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};

    const TEXT: &str = "events {}
http {
    server {
        listen 127.0.0.1:80;
        server_name a.example b.example;
        root /srv;
        location / { try_files $uri $uri/ /index.html; }
        location /old/ { rewrite ^/old/(.*)$ /old/new/$1 last; }
        location /ends/ { try_files $uri =404; }
        location /turns/ { rewrite ^ /; }
        location /named/ { try_files $uri @named; }
        location @named { rewrite ^ /named/; }
    }
}
";

    /// The line that they came to, and line and goal of the last turn.
    fn retraced(requests: &[&str]) -> String {
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, TEXT.as_bytes().to_vec())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("there");
        let requests = requests.iter().map(|value| Tally { value: (*value).to_owned(), count: 1 }).collect();
        let server = Some("a.example".to_owned());
        let evidence =
            Evidence { signature: Signature::RedirectionCycle, server, requests, count: 1, ..Evidence::default() };
        let log = Some(Log { seen: vec![evidence], ..Log::default() });
        let facts = Some(Arc::new(Facts { log, ..Facts::default() }));
        let model = Model::new(&tree, Context::Main, Profile { facts, ..Profile::default() });
        let seen = model.seen(&[Signature::RedirectionCycle]).remove(0);
        let line = |place: crate::model::Place| model.source(place.location.file).line(place.location.span.start);
        let came_to = seen.came_to().and_then(|block| block.head()).map_or(0, |head| line(head.place()));
        let turn = seen.last_turn_of_a_cycle();
        let turn = turn.map(|turn| format!(", {} to {}", line(turn.directive.place()), turn.to));
        format!("{came_to}{}", turn.unwrap_or_default())
    }

    #[test]
    fn the_line_that_closes_the_circle_is_found() {
        let table: [(&[&str], &str); 9] = [
            (&["GET a.example/x"], "7, 7 to /index.html"),
            (&["GET -/x"], "7, 7 to /index.html"),
            (&["GET b.example:8080/x"], "7, 7 to /index.html"),
            (&["GET a.example/old/x"], "8, 8 to /old/new/new/new/new/new/new/new/new/new/new/new/x"),
            (&["GET a.example/ends/x"], "9"),
            (&["GET a.example/turns/x"], "10, 7 to /index.html"),
            // From two locations.
            (&["GET a.example/ends/x", "GET a.example/x"], "0, 7 to /index.html"),
            (&["GET a.example/named/x"], "11, 11 to @named"),
            (&["nonsense"], "0"),
        ];
        for (requests, expected) in table {
            assert_eq!(retraced(requests), expected, "{requests:?}");
        }
    }
}
