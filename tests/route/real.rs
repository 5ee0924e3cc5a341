//! A real nginx with echoing backends, and what it answers.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use super::generator::Asked;
use super::support::backends::Backend;
use super::support::client::ask_in_order;
use super::support::nginx::{Running, Setup, installed};
use super::support::port::Port;
use super::support::schema::Kind;

/// Backends and files that configurations are about.
pub struct World {
    one: Backend,
    two: Backend,
    three: Backend,
    files: TempDir,
}

/// An answer as far as it is compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// None when nginx closed the connection.
    pub status: Option<u16>,
    /// The mark of the block in force.
    pub mark: Option<String>,
    /// `Location`
    pub location: Option<String>,
    /// What a backend got: its name, the request line, and then its headers,
    /// sorted.
    pub upstream: Vec<String>,
    /// The body of an answer without backend, where it is known.
    pub body: Option<String>,
}

impl Answer {
    /// Status, mark, `Location`, and the request line of the upstream or a
    /// body that is no page of nginx or file.
    pub fn in_short(&self) -> String {
        let status = self.status.map_or("closed".to_owned(), |status| status.to_string());
        let body = self
            .body
            .as_ref()
            .filter(|body| !body.starts_with('<') && !body.bytes().all(|byte| byte.is_ascii_uppercase()));
        let parts = [self.mark.as_ref(), self.location.as_ref(), self.upstream.first(), body];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.fold(status, |text, part| format!("{text} {part}"))
    }
}

impl World {
    pub fn new() -> World {
        let files = TempDir::new().expect("a directory");
        for (path, text) in [
            ("a.html", "A"),
            ("b.html", "B"),
            ("index.html", "I"),
            ("dir/index.html", "D"),
            ("dir/a", "DA"),
            ("b/c", "BC"),
            ("img/d", "ID"),
        ] {
            let path = files.path().join(path);
            fs::create_dir_all(path.parent().expect("below")).expect("created");
            fs::write(path, text).expect("written");
        }
        let start = |name, kind| Backend::start(name, kind).expect("a backend");
        let (one, two) = (start("one", Kind::Http), start("two", Kind::Http));
        World { one, two, three: start("three", Kind::FastCgi), files }
    }

    /// A configuration with the addresses filled in.
    pub fn fill(&self, configuration: &str, listen: SocketAddr) -> String {
        configuration
            .replace("{{listen}}", &listen.to_string())
            .replace("{{one}}", &self.one.address().to_string())
            .replace("{{two}}", &self.two.address().to_string())
            .replace("{{three}}", &self.three.address().to_string())
            .replace("{{root}}", &self.files.path().display().to_string())
    }

    /// The name of the backend at an address, or the group.
    pub fn name_of(&self, address: &str) -> &'static str {
        let one = self.one.address().to_string();
        if address.eq_ignore_ascii_case("group") || address == one { "one" } else { "two" }
    }
}

/// Starts an nginx. The port stays reserved as long as it is kept.
pub fn start(world: &World, configuration: &str) -> Result<(Running, Port, String), String> {
    let port = Port::reserve().map_err(|error| error.to_string())?;
    let text = world.fill(configuration, port.address());
    let setup = Setup { http: Some(&text), ..Setup::default() };
    let prepared = installed()?.prepare(&setup).map_err(|error| error.to_string())?;
    let running = prepared.start().map_err(|log| format!("nginx does not start:\n{log}\n{text}"))?;
    Ok((running, port, text))
}

/// What nginx answers.
pub fn ask(address: SocketAddr, requests: &[Asked]) -> Result<Vec<Answer>, String> {
    let lines: Vec<Vec<u8>> = requests.iter().map(on_the_wire).collect();
    Ok(ask_in_order(address, &lines)?.iter().map(|answer| read(&answer.text)).collect())
}

fn on_the_wire(asked: &Asked) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", asked.method, asked.target);
    for (name, value) in &asked.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let header = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let is_chunked = header("Transfer-Encoding").is_some();
    let body = if is_chunked { body.split_once("\r\n").map_or(body, |(_, chunk)| chunk) } else { body };
    let from_backend = ["one: ", "two: ", "three: "].iter().any(|name| body.starts_with(name));
    let mut upstream: Vec<String> = Vec::new();
    if from_backend {
        // What is sent in chunks has lines of its own between.
        let lines = body.lines().filter(|line| line.contains(": ") || line.ends_with(':'));
        upstream = lines.map(|line| line.trim_end().to_owned()).collect();
        // Of FastCGI all are parameters, and some come from headers.
        let first = usize::from(!body.starts_with("three: "));
        upstream.retain(|line| !line.starts_with("three: HTTP_"));
        upstream[first..].sort();
    }
    Answer {
        status: head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok()),
        mark: header("X-Where"),
        location: header("Location"),
        upstream,
        body: (!from_backend).then(|| body.trim_end().to_owned()),
    }
}

/// Whether a path is a file, a directory, or not there.
pub fn is_file(path: &str) -> bool {
    Path::new(path).is_file()
}

pub fn is_directory(path: &str) -> bool {
    Path::new(path).is_dir()
}
