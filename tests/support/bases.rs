//! Accepted configurations to break, made such that anybody can ask nginx about
//! them: they listen on loopback, write below their own directory, and load the
//! modules they need.

use std::path::Path;
use std::sync::OnceLock;

use nginx_lint::catalog::{Context, Version};
use nginx_lint::engine::BlockKind;
use nginx_lint::model::outermost_context;
use nginx_lint::rules;
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::{NO_STATEMENT, ParsedFile, StatementId};
use serde_json::Value;

use super::nginx::installed;
use super::oracle::{Oracle, Reply};
use super::page::without_names;
use super::records::cases_of;

/// Where accepted configurations come from.
pub struct Source {
    /// How many of a hundred come from there.
    pub share: usize,
    /// All of them.
    pub bases: fn() -> Vec<Base>,
}

const fn source(share: usize, bases: fn() -> Vec<Base>) -> Source {
    Source { share, bases }
}

/// All sources; their shares make a hundred.
pub const SOURCES: [Source; 6] = [
    source(45, written),
    source(5, stock),
    source(20, corpus),
    source(10, pages),
    source(12, examples),
    source(8, recorded),
];

/// A configuration, and whether nginx accepts it here.
pub struct Base {
    /// Where it comes from.
    pub name: String,
    /// All of it.
    pub text: String,
    accepted: OnceLock<bool>,
}

impl Base {
    fn new(name: impl Into<String>, text: impl Into<String>) -> Base {
        Base { name: name.into(), text: local(&text.into()), accepted: OnceLock::new() }
    }

    /// Whether the installed nginx accepts it; files of this machine are left
    /// out.
    pub fn is_accepted(&self, oracle: &Oracle) -> bool {
        let accepted = || matches!(oracle.ask(&self.text), Reply::Answer(answer) if answer.accepted);
        *self.accepted.get_or_init(|| !includes(&self.text) && accepted())
    }
}

fn includes(text: &str) -> bool {
    let file = ParsedFile::new(SourceFile::new("base", text.as_bytes().to_vec()));
    (0..file.syntax.statements.len()).any(|id| file.name(id as StatementId) == "include")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned()
}

/// Those written for this.
pub fn written() -> Vec<Base> {
    let files = walkdir::WalkDir::new(root().join("fixtures/mutants")).sort_by_file_name();
    let paths = files.into_iter().map(|entry| entry.expect("an entry").into_path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.map(|path| Base::new(path.file_name().expect("a name").to_string_lossy(), read(&path))).collect()
}

/// Debian's `nginx.conf` with all that it includes in place.
pub fn stock() -> Vec<Base> {
    let directory = root().join("fixtures/stock/debian/etc/nginx");
    let mut text = read(&directory.join("nginx.conf"));
    let included = [
        ("include /etc/nginx/mime.types;", "mime.types"),
        ("include /etc/nginx/conf.d/*.conf;", "proxy_params"),
        ("include /etc/nginx/sites-enabled/*;", "sites-enabled/default"),
    ];
    for (include, path) in included {
        assert!(text.contains(include), "{include}");
        text = text.replace(include, &read(&directory.join(path)));
    }
    text = text.replace("include /etc/nginx/modules-enabled/*.conf;", "");
    vec![Base::new("debian", text)]
}

fn corpus() -> Vec<Base> {
    let directory = root().join("fixtures/corpus");
    let index = read(&directory.join("index.jsonl"));
    let records = index.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let accepted = records.filter(|record| record["accepted_by"] == "nginx");
    let base = |record: Value| {
        let file = record["file"].as_str()?;
        let text = String::from_utf8(std::fs::read(directory.join(file)).expect("a file")).ok()?;
        let around = match record["nginx_t_stub"]["wrap"].as_str()? {
            "full" | "main" => Context::Main,
            "http" => Context::Http,
            "server" => Context::Server,
            "location" => Context::Location,
            _ => return None,
        };
        Some(Base::new(file, surrounded(&text, around)))
    };
    accepted.filter_map(base).collect()
}

/// The good blocks of the rules' pages that are one file.
fn pages() -> Vec<Base> {
    let mut bases = Vec::new();
    for rule in rules::ALL {
        for block in rule.page().blocks.iter().filter(|block| block.kind == BlockKind::Good) {
            let mut files = block.files();
            if files.len() == 1 && block.nginx_version().is_none() {
                let text = without_names(&files.remove(0).1);
                let context = outermost_context(&ParsedFile::new(SourceFile::new("block", text.clone().into_bytes())));
                bases.push(Base::new(format!("{}.md:{}", rule.name, block.line), surrounded(&text, context)));
            }
        }
    }
    bases
}

/// What nginx accepts in the examples of refusals.
fn examples() -> Vec<Base> {
    let files = walkdir::WalkDir::new(root().join("fixtures/nginx-t/refusals")).sort_by_file_name();
    let paths = files.into_iter().map(|entry| entry.expect("an entry").into_path()).filter(|path| path.is_file());
    let mut bases = Vec::new();
    for path in paths {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let examples: toml::Table = toml::from_str(&read(&path)).expect("TOML");
        let accepted = examples.get("accepted").and_then(toml::Value::as_array).into_iter().flatten();
        for (number, example) in accepted.enumerate() {
            let text = |key: &str| example.get(key).and_then(toml::Value::as_str);
            let around = match text("in").unwrap_or("main") {
                "main" => Context::Main,
                "events" => Context::Events,
                "http" => Context::Http,
                "server" => Context::Server,
                "location" => Context::Location,
                "upstream" => Context::Upstream,
                "stream" => Context::Stream,
                "stream-server" => Context::StreamServer,
                "stream-upstream" => Context::StreamUpstream,
                "mail" => Context::Mail,
                _ => Context::MailServer,
            };
            if example.get("nginx-version").is_none() {
                let configuration = text("configuration").expect("a configuration");
                bases.push(Base::new(format!("{name} {number}"), surrounded(configuration, around)));
            }
        }
    }
    bases
}

fn recorded() -> Vec<Base> {
    let accepted = cases_of("cases.json").into_iter().filter(|case| {
        let older = case.answer(Version::new(1, 22, 1));
        older.is_some_and(|answer| answer.accepted) && !case.text.windows(7).any(|word| word == b"include")
    });
    accepted.filter_map(|case| Some(Base::new(case.name, String::from_utf8(case.text).ok()?))).collect()
}

/// A whole configuration around a part of one.
fn surrounded(text: &str, context: Context) -> String {
    match context {
        Context::Main => text.to_owned(),
        Context::Events => format!("events {{\n{text}\n}}\n"),
        Context::Http => format!("events {{\n}}\nhttp {{\n{text}\n}}\n"),
        Context::Server => format!("events {{\n}}\nhttp {{\nserver {{\n{text}\n}}\n}}\n"),
        Context::Location => format!("events {{\n}}\nhttp {{\nserver {{\nlocation / {{\n{text}\n}}\n}}\n}}\n"),
        Context::Upstream => format!("events {{\n}}\nhttp {{\nupstream group {{\n{text}\n}}\n}}\n"),
        Context::Stream => format!("events {{\n}}\nstream {{\n{text}\n}}\n"),
        Context::StreamServer => {
            format!("events {{\n}}\nstream {{\nserver {{\nlisten 127.0.0.1:18080;\n{text}\n}}\n}}\n")
        }
        Context::StreamUpstream => format!("events {{\n}}\nstream {{\nupstream group {{\n{text}\n}}\n}}\n"),
        Context::Mail => format!("events {{\n}}\nmail {{\n{text}\n}}\n"),
        Context::MailServer => format!("events {{\n}}\nmail {{\nserver {{\n{text}\n}}\n}}\n"),
        _ => text.to_owned(),
    }
}

/// The same, able to run as anybody and anywhere: it listens on loopback,
/// writes below its own directory, and loads the modules it needs.
fn local(text: &str) -> String {
    let nginx = installed().unwrap_or_else(|error| panic!("{error}"));
    let file = ParsedFile::new(SourceFile::new("base", text.as_bytes().to_vec()));
    let ids = || 0..file.syntax.statements.len() as StatementId;
    let top = |name: &str| ids().find(|id| file.statement(*id).parent == NO_STATEMENT && file.name(*id) == name);
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    for id in ids() {
        let words = file.words(id);
        if file.name(id) == "user" {
            let whole = file.whole_span(id).range();
            edits.push((whole.start, whole.end, String::new()));
            continue;
        }
        let Some(first) = words.get(1) else { continue };
        let (range, value) = (first.span.range(), file.value(first));
        if file.name(id) == "listen"
            && let Some(address) = on_loopback(value)
        {
            edits.push((range.start, range.end, address));
        } else if writes(file.name(id)) && value.starts_with('/') {
            let name = value.rsplit('/').find(|part| !part.is_empty()).unwrap_or("x");
            edits.push((range.start, range.end, format!("tmp/{name}")));
        }
    }
    if let Some(http) = top("http")
        && !ids().any(|id| file.statement(id).parent == http && file.name(id) == "access_log")
    {
        let behind = file.statement(http).terminator as usize + 1;
        edits.push((behind, behind, "\naccess_log off;".to_owned()));
    }
    let mut head = String::new();
    if top("load_module").is_none() {
        for family in ["stream", "mail"].into_iter().filter(|family| top(family).is_some()) {
            head.push_str(&nginx.load(family));
        }
    }
    if top("pid").is_none() {
        // In front of the modules it would be too early for none of them.
        head.push_str("pid nginx.pid;\n");
    }
    edits.push((0, 0, head));
    if top("events").is_none() {
        edits.push((text.len(), text.len(), "\nevents {\n}\n".to_owned()));
    }
    edits.sort();
    let mut result = String::new();
    let mut done = 0;
    for (start, end, replacement) in edits {
        result.push_str(&text[done..start]);
        result.push_str(&replacement);
        done = end;
    }
    result.push_str(&text[done..]);
    for directory in ["/dev/shm/", "/var/tmp/", "/tmp/"] {
        result = result.replace(directory, "tmp/");
    }
    result
}

/// Whether nginx makes or opens for writing what the first argument names.
fn writes(directive: &str) -> bool {
    let names = ["access_log", "error_log", "pid", "lock_file"];
    names.contains(&directive) || directive.ends_with("_temp_path") || directive.ends_with("_cache_path")
}

/// The address on loopback, with a port that anybody may use, in the place of
/// one that a server listens on.
fn on_loopback(address: &str) -> Option<String> {
    let local = |host: &str, port: &str| {
        let port: usize = port.parse().ok()?;
        Some(format!("{host}:{}", if port < 10_000 { port + 10_000 } else { port }))
    };
    if address.starts_with("127.0.0.1:1") && address.len() == 15 || address.starts_with("[::1]:1") {
        return None;
    }
    if address.bytes().all(|byte| byte.is_ascii_digit()) {
        return local("127.0.0.1", address);
    }
    match address.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') => local("[::1]", port),
        Some((host, port)) if !host.contains("unix") => local("127.0.0.1", port),
        _ => None,
    }
}
