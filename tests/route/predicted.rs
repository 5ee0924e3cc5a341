//! What `route` says of a request, in the shape of an answer: where files
//! decide, the files that are there do.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use nginx_lint::catalog::{Context, Version};
use nginx_lint::model::route::{Assumption, End, Pass, Request, Route, Text};
use nginx_lint::model::{Model, Profile, Protocol, SocketAddress, parse_address};
use nginx_lint::tree::{self, Disk, Memory, Places, Tree};

use super::generator::Asked;
use super::real::{Answer, World, is_directory, is_file};
use super::support::nginx::installed;

impl Answer {
    /// Whether nginx's answer is this prediction. A body that is not
    /// predicted may be any.
    pub fn agrees_with(&self, answer: &Answer) -> bool {
        let same_body = self.body.is_none() || answer.body.as_ref().is_none_or(|body| Some(body) == self.body.as_ref());
        self.status == answer.status
            && self.mark == answer.mark
            && self.location == answer.location
            && self.upstream == answer.upstream
            && same_body
    }
}

/// Predictions, and the way in words.
pub fn predict(world: &World, http: &str, listen: SocketAddr, requests: &[Asked]) -> Vec<(Option<Answer>, String)> {
    let mut files = Memory::default();
    files.insert("/nginx.conf", format!("events {{}} http {{\n{http}\n}}\n"));
    let entry = Path::new("/nginx.conf");
    let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
    let version = installed().expect("nginx").version.clone();
    let version = Version::new(version[0] as u16, version[1] as u16, version[2] as u16);
    let model = Model::new(&tree, Context::Main, Profile::of_version(Some(version)));
    requests.iter().map(|asked| predict_one(world, &model, listen, asked)).collect()
}

/// A file, with what it includes.
pub fn load(path: &Path) -> Tree {
    tree::load(&Disk, path, &Places::of_entry(path, path)).expect("the file can be read")
}

fn predict_one(world: &World, model: &Model<'_>, listen: SocketAddr, asked: &Asked) -> (Option<Answer>, String) {
    let address = listen.to_string();
    let address = parse_address(&address, Default::default()).ok().and_then(|address| address.socket(listen.port()));
    let known = |assumption: &Assumption| known_file(assumption);
    let route = model.route_with_files(&request(asked, address), &known);
    let mut way = String::new();
    let answer = follow(world, &route, &asked.method, &mut way);
    (answer, way)
}

pub fn request(asked: &Asked, address: Option<SocketAddress>) -> Request {
    Request {
        method: asked.method.clone(),
        target: asked.target.clone().into_bytes(),
        headers: asked.headers.clone(),
        secure: false,
        address,
        port: None,
    }
}

fn known_file(assumption: &Assumption) -> Option<bool> {
    match assumption {
        Assumption::IsFile(path) => Some(is_file(&path.to_string())),
        Assumption::IsDirectory(path) => Some(is_directory(&path.to_string())),
        Assumption::Exists(path) => Some(is_file(&path.to_string()) || is_directory(&path.to_string())),
        Assumption::IsExecutable(_) | Assumption::Holds(_) => None,
        Assumption::Otherwise => Some(true),
    }
}

fn follow(world: &World, route: &Route<'_>, method: &str, way: &mut String) -> Option<Answer> {
    for step in &route.steps {
        let line = step.directive.map(|directive| {
            let place = directive.place().location;
            directive.model().source(place.file).line(place.span.start)
        });
        let text = format!("{:?}", step.what);
        let short: String = text.split("Model {").next().unwrap_or_default().chars().take(200).collect();
        let text = step.directive.map(|directive| {
            let place = directive.place().location;
            directive.model().source(place.file).slice(place.span).to_owned()
        });
        let _ = writeln!(way, "    {line:?} {text:?} {short}");
    }
    let mark = route.block.and_then(|block| {
        let header = block.effective("add_header").directive()?;
        header.argument(1).map(str::to_owned)
    });
    let base = Answer { mark, location: route.location.as_ref().map(seen), ..Answer::default() };
    let has_body = method != "HEAD";
    match &route.end {
        End::Answer(answer) => Some(Answer {
            status: Some(answer.status),
            body: answer.body.as_ref().filter(|_| has_body && answer.status != 204).map(seen),
            ..base
        }),
        End::Closed(_) => Some(Answer::default()),
        End::Pass(pass) => Some(Answer {
            status: Some(pass.status.unwrap_or(200)),
            upstream: if has_body && pass_has_body(pass) { upstream(world, pass) } else { Vec::new() },
            ..base
        }),
        End::File { path, status, directory, .. } => {
            let path = path.to_string();
            if is_directory(&path) {
                let location = seen(directory);
                return Some(Answer { status: Some(301), location: Some(location), ..base });
            }
            let usual = if is_file(&path) { 200 } else { 404 };
            Some(Answer { status: Some(status.filter(|_| usual == 200).unwrap_or(usual)), ..base })
        }
        End::Fork(ways) => {
            let holds = |assumption: &Assumption| known_file(assumption) == Some(true);
            let chosen = ways.iter().find(|way| holds(&way.assumption))?;
            follow(world, &chosen.route, method, way)
        }
        other => {
            let _ = writeln!(way, "    {}", format!("{other:?}").chars().take(80).collect::<String>());
            None
        }
    }
}

/// A backend sends no body to a HEAD.
fn pass_has_body(pass: &Pass<'_>) -> bool {
    pass.method.as_ref().is_none_or(|method| method.bytes() != Some(b"HEAD"))
}

fn upstream(world: &World, pass: &Pass<'_>) -> Vec<String> {
    if pass.protocol == Protocol::Fastcgi {
        let parameters =
            pass.parameters.iter().map(|parameter| format!("three: {}={}", parameter.name, seen(&parameter.value)));
        let mut lines: Vec<String> = parameters.collect();
        lines.sort();
        return lines;
    }
    let address = pass.address.to_string();
    let name = world.name_of(&address);
    let method = pass.method.as_ref().map(ToString::to_string).unwrap_or_default();
    let uri = pass.uri.as_ref().map(seen).unwrap_or_default();
    let version = pass.version.as_deref().unwrap_or_default();
    let mut lines = vec![format!("{name}: {method} {uri} HTTP/{version}")];
    let headers = pass.headers.iter().map(|header| format!("{name}: {}: {}", header.name, seen(&header.value)));
    lines.extend(headers.map(|line| line.trim_end().to_owned()));
    lines[1..].sort();
    lines
}

/// A text as the client reads it.
fn seen(text: &Text) -> String {
    text.bytes()
        .map_or_else(|| text.to_string(), |bytes| String::from_utf8_lossy(bytes).into_owned())
        .trim_end()
        .to_owned()
}
