//! `nginx-lint route [METHOD] URL [PATH]`: which listener, server, location
//! and target answer a request, and why.

mod json;
mod text;
mod words;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::catalog::Family;
use crate::model::route::{End, Request, Route, Unknown};
use crate::model::{Model, SocketAddress, listen_form, parse_address};
use crate::tree::Overlay;

use super::arguments::{InputArguments, ListFormat, RouteArguments};
use super::input;
use super::project::Project;
use super::{Failure, Outcome};

/// Methods that a first word can be; every other word in capital letters is
/// one, too.
const DEFAULT_METHOD: &str = "GET";

/// The host of a path without one.
const DEFAULT_HOST: &str = "localhost";

pub fn run(arguments: &RouteArguments) -> Result<Outcome, Failure> {
    let (request, inputs) = request(arguments)?;
    let project = Project::of(&inputs)?;
    let input = input::gather(&inputs, &project, &Overlay::new())?;
    let profile = project.profile;
    input.tell();
    let models = input.jobs.iter().map(|job| Model::new(&job.tree, job.outermost, profile.clone()));
    let mut models: Vec<Model<'_>> = models.collect();
    // Of several configurations those that could answer.
    if models.iter().any(|model| model.listeners(Family::Http).next().is_some()) {
        models.retain(|model| model.listeners(Family::Http).next().is_some());
    }
    if models.is_empty() {
        return Err(Failure::Message("there is no configuration to look at".to_owned()));
    }
    let routes: Vec<(&Model<'_>, Route<'_>)> = models.iter().map(|model| (model, model.route(&request))).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.format {
        ListFormat::Text => text::write(&request, &routes, &mut out)?,
        ListFormat::Json => json::write(&request, &routes, &mut out)?,
    }
    out.flush()?;
    let leads_somewhere =
        |(_, route): &(&Model<'_>, Route<'_>)| !matches!(route.end, End::Unknown(Unknown::NoListener | Unknown::NoTls));
    Ok(if input.is_complete() && routes.iter().any(leads_somewhere) { Outcome::Clean } else { Outcome::Failed })
}

/// The request, and what to read: a method may stand in front of the URL.
fn request(arguments: &RouteArguments) -> Result<(Request, InputArguments), Failure> {
    let mut inputs = arguments.input.clone();
    let is_method = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'));
    let (method, url) = if is_method(&arguments.url) {
        if inputs.paths.is_empty() {
            return Err(Failure::Message(format!("after the method {} comes the URL", arguments.url)));
        }
        (arguments.url.clone(), inputs.paths.remove(0).to_string_lossy().into_owned())
    } else {
        (DEFAULT_METHOD.to_owned(), arguments.url.clone())
    };
    let url = Url::parse(&url)?;
    let mut headers = arguments.header.clone();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        headers.insert(0, ("Host".to_owned(), url.host.clone().unwrap_or(DEFAULT_HOST.to_owned())));
    }
    let (address, listen_port) = match &arguments.listen {
        Some(text) => listen(text)?,
        None => (None, None),
    };
    let request =
        Request { method, target: url.target, headers, secure: url.secure, address, port: listen_port.or(url.port) };
    Ok((request, inputs))
}

/// The address of `--listen`, or the port when it is nothing else.
fn listen(text: &str) -> Result<(Option<SocketAddress>, Option<u16>), Failure> {
    let problem = |what: &str| {
        Failure::Message(format!("--listen {text}: {what}; write an address and port such as 10.0.0.1:80"))
    };
    if let Ok(port) = text.parse::<u16>() {
        return Ok((None, Some(port)));
    }
    let address = parse_address(text, listen_form(Family::Http)).map_err(|error| problem(&error.to_string()))?;
    let socket = address.socket(address.port).ok_or_else(|| problem("this is a name"))?;
    Ok((Some(socket), None))
}

/// What a browser makes of a URL.
struct Url {
    secure: bool,
    /// With a port that is not the usual one.
    host: Option<String>,
    port: Option<u16>,
    target: Vec<u8>,
}

impl Url {
    fn parse(text: &str) -> Result<Url, Failure> {
        let text = text.split('#').next().unwrap_or_default();
        let (secure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, Some(rest)),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, Some(rest)),
            _ if text.starts_with('/') => (false, None),
            _ => (false, Some(text)),
        };
        let Some(rest) = rest else {
            return Ok(Url { secure, host: None, port: None, target: encode(text) });
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let usual = if secure { 443 } else { 80 };
        let port = match host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((_, port)) => port.parse().ok(),
            None => Some(usual),
        };
        let Some(port) = port.filter(|_| !host.is_empty()) else {
            return Err(Failure::Message(format!("\"{text}\" is no URL such as http://www.example.com/path")));
        };
        let written = host.strip_suffix(&format!(":{usual}")).unwrap_or(host);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Url { secure, host: Some(written.to_owned()), port: Some(port), target: encode(&path) })
    }
}

/// What cannot stand in a request line, encoded as browsers do.
fn encode(text: &str) -> Vec<u8> {
    let mut target = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            target.push(byte);
        } else {
            target.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    target
}

/// A header on the command line.
pub fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("it takes the form 'Name: value'")?;
    if name.trim().is_empty() {
        return Err("a header has a name".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// The file that stands for a configuration.
fn entry(model: &Model<'_>) -> PathBuf {
    model.files().first().map(|file| file.source.path().to_path_buf()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn urls_become_requests_as_in_a_browser() {
        let table = [
            ("http://a.example/b?c#d", (false, Some("a.example"), Some(80), "/b?c")),
            ("https://a.example", (true, Some("a.example"), Some(443), "/")),
            ("https://a.example:443/", (true, Some("a.example"), Some(443), "/")),
            ("http://a.example:8080?x", (false, Some("a.example:8080"), Some(8080), "/?x")),
            ("http://[::1]/x", (false, Some("[::1]"), Some(80), "/x")),
            ("a.example/x y", (false, Some("a.example"), Some(80), "/x%20y")),
            ("/x/\u{e9}", (false, None, None, "/x/%C3%A9")),
        ];
        for (text, expected) in table {
            let Ok(url) = Url::parse(text) else { panic!("{text} is a URL") };
            let target = String::from_utf8_lossy(&url.target).into_owned();
            assert_eq!((url.secure, url.host.as_deref(), url.port, target.as_str()), expected, "{text}");
        }
        assert!(Url::parse("http:///x").is_err() && Url::parse("http://a:x/").is_err());
    }
}
