//! Every message with which nginx refuses a configuration for what it says,
//! and the rule that says it first.
//!
//! `fixtures/nginx-t/refusals/RULE.toml` has small configurations:
//!
//! ```toml
//! [[refused]]                  # or [[warned]]: nginx takes it and warns
//! says = 'invalid port in upstream "a:0"'    # nginx's message, without level and place
//! in = "upstream"              # what the text stands in: main (left out), events, http, server,
//!                              # location, upstream, stream, stream-server, stream-upstream, mail,
//!                              # mail-server
//! configuration = 'server a:0;'
//! nginx-version = "1.27.3"     # the release it is judged for; the installed one when left out
//! nginx-modules = []           # the modules it has; any when left out
//! also = ["invalid-value"]     # rules that rightly speak too
//!
//! [[accepted]]                 # looks alike, and nginx takes it
//! configuration = '…'
//! ```
//!
//! For each of them nginx-lint has a finding of that rule, on the line that
//! nginx names or with that line in its note, and no refusal of another rule.
//! The installed nginx is asked too, unless a newer release is meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use nginx_lint::catalog::{Context, Version};
use nginx_lint::engine::{self, Finding};
use nginx_lint::model::{Model, Profile};
use nginx_lint::rules;
use nginx_lint::tree::{self, Memory, Places, Tree};
use rayon::prelude::*;
use serde::Deserialize;

/// The release that Debian has, and the tests ask.
const INSTALLED: Version = Version::new(1, 22, 1);

/// Where Debian puts the modules that are not built in.
const MODULES: &str = "/usr/lib/nginx/modules";

/// Texts that no configuration can bring out of an nginx like Debian's.
const OUT_OF_REACH: [(&str, &str); 12] = [
    ("block directives are not supported in -g option", "only about the command line"),
    ("unexpected end of parameter, expecting \";\"", "only about the command line"),
    ("value must be equal to or greater than %i", "no directive has a lower bound alone"),
    ("conflicting variable name \"%V\"", "a name that is taken is found before, and called a duplicate"),
    ("duplicate perl handler \"%V\"", "needs the perl module, which is a package of its own"),
    ("invalid setfib \"%V\"", "setfib= is for FreeBSD: on Linux it is an unknown parameter"),
    (
        "\u{2026} \"accept_filter\" parameter is incompatible with \"quic\"",
        "accept_filter= is for BSD: Linux ignores it",
    ),
    (
        "\u{2026} \"accept_filter\" parameter is incompatible with \"udp\"",
        "accept_filter= is for BSD: Linux ignores it",
    ),
    (
        "load balancing method does not support resolving names at run time in upstream \"%V\" in %s:%ui",
        "all methods of nginx do; those of other modules may not",
    ),
    (
        "invalid URL prefix in OCSP responder \"%V\" in \"ssl_ocsp_responder\"",
        "comes when certificates are loaded: they have to be there",
    ),
    (
        "the default path name \"%V\" has the same name as another default path, but the different levels, you need to redefine one of them in http section",
        "the default paths are compiled in, and differ",
    ),
    (
        "the path name \"%V\" in %s:%ui has the same name as default path, but the different levels, you need to define default path in http section",
        "the default paths are compiled in: the text alone does not say what they are",
    ),
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    #[serde(default)]
    refused: Vec<Example>,
    #[serde(default)]
    warned: Vec<Example>,
    #[serde(default)]
    accepted: Vec<Example>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Example {
    #[serde(default)]
    says: String,
    #[serde(default = "main", rename = "in")]
    within: String,
    configuration: String,
    nginx_version: Option<String>,
    nginx_modules: Option<Vec<String>>,
    #[serde(default)]
    also: Vec<String>,
}

fn main() -> String {
    "main".to_owned()
}

impl Example {
    /// A whole configuration; what is added around it adds no lines.
    fn text(&self) -> String {
        let inner = &self.configuration;
        let http = |before: &str, after: &str| format!("events {{}} http {{ {before}{inner}{after}\n}}\n");
        let stream = |before: &str, after: &str| format!("events {{}} stream {{ {before}{inner}{after}\n}}\n");
        let mail = |before: &str, after: &str| format!("events {{}} mail {{ {before}{inner}{after}\n}}\n");
        match self.within.as_str() {
            "main" => format!("{inner}\n"),
            "events" => format!("events {{ {inner}\n}}\n"),
            "http" => http("", ""),
            "server" => http("server { listen 127.0.0.1:8080; ", "\n}"),
            "location" => http("server { listen 127.0.0.1:8080; location /here/ { ", "\n} }"),
            "upstream" => http("upstream group { ", "\n}"),
            "stream" => stream("", ""),
            "stream-server" => stream("server { listen 127.0.0.1:8080; ", "\n}"),
            "stream-upstream" => stream("upstream group { ", "\n}"),
            "mail" => mail("", ""),
            "mail-server" => mail("server { ", "\n}"),
            other => panic!("\"{other}\" is no place of an example"),
        }
    }

    fn version(&self) -> Version {
        self.nginx_version.as_ref().map_or(INSTALLED, |version| version.parse().expect("a version"))
    }
}

/// The examples of each rule, by its name.
fn examples() -> BTreeMap<String, Examples> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nginx-t/refusals");
    let paths = std::fs::read_dir(directory).expect("the examples").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a file");
        let examples = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), examples)
    };
    paths.map(read).collect()
}

fn check(example: &Example) -> (Tree, Vec<Finding>) {
    let entry = Path::new("/etc/nginx/nginx.conf");
    let files: Memory = [(entry, example.text().into_bytes())].into_iter().collect();
    let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
    let modules = example.nginx_modules.clone();
    let profile = Profile { modules, ..Profile::of_version(Some(example.version())) };
    let model = Model::new(&tree, Context::Main, profile);
    let findings = engine::run(&model, rules::ALL, engine::Severity::Info);
    (tree, findings)
}

/// The lines of a finding: its own, and one that its note says nginx names.
fn lines(tree: &Tree, finding: &Finding) -> Vec<u32> {
    let source = &tree.file(finding.place.location.file).source;
    let note = finding.note.as_deref().unwrap_or_default();
    let named = note
        .split("line ")
        .skip(1)
        .filter_map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok());
    [source.line(finding.place.location.span.start)].into_iter().chain(named).collect()
}

/// What nginx writes: its messages of a level, and the line each names.
fn nginx_t(example: &Example, level: &str) -> (bool, Vec<(String, Option<u32>)>) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(directory.path().join("logs")).expect("created");
    let configuration = directory.path().join("nginx.conf");
    let mut text = example.text();
    if !text.contains("load_module") {
        for (family, module) in [("stream {", "ngx_stream_module"), ("mail {", "ngx_mail_module")] {
            if text.contains(family) {
                text = format!("load_module {MODULES}/{module}.so; {text}");
            }
        }
    }
    std::fs::write(&configuration, text).expect("written");
    let output = Command::new("nginx")
        .args(["-t", "-e", "stderr", "-g", "pid nginx.pid;", "-p"])
        .arg(directory.path())
        .arg("-c")
        .arg(&configuration)
        .output()
        .expect("these tests need nginx: apt-get install nginx libnginx-mod-stream libnginx-mod-mail");
    let answer = String::from_utf8_lossy(&output.stderr).replace(&configuration.display().to_string(), "nginx.conf");
    let suffix = " in nginx.conf:";
    let mark = format!("[{level}] ");
    let messages = answer.lines().filter_map(|line| {
        let (_, message) = line.split_once(&mark)?;
        // nginx writes "4242#4242: " in front of a message of a log it has opened.
        let message = message.split_once("#").map_or(message, |(head, rest)| match rest.split_once(": ") {
            Some((id, text)) if [head, id].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) => text,
            _ => message,
        });
        match message.rsplit_once(suffix) {
            Some((text, line)) => Some((text.to_owned(), line.trim().parse().ok())),
            None => Some((message.to_owned(), None)),
        }
    });
    (output.status.success(), messages.collect())
}

/// What is wrong with an example that nginx refuses or warns about.
fn judge(rule: &str, example: &Example, refused: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let (tree, findings) = check(example);
    let own: Vec<&Finding> =
        findings.iter().filter(|finding| finding.rule.name == rule && finding.refused == refused).collect();
    if own.is_empty() {
        let found: Vec<_> = findings.iter().map(|finding| (finding.rule.name, &finding.message)).collect();
        wrong.push(format!("no such finding, but {found:?}"));
    }
    for other in findings.iter().filter(|finding| finding.refused && finding.rule.name != rule) {
        if !example.also.iter().any(|name| name == other.rule.name) {
            wrong.push(format!("also found: {}: {}", other.rule.name, other.message));
        }
    }
    if example.version() > INSTALLED {
        return wrong;
    }
    let (accepted, messages) = nginx_t(example, if refused { "emerg" } else { "warn" });
    if accepted == refused {
        wrong.push(format!("nginx says accepted = {accepted}: {messages:?}"));
    }
    match messages.iter().find(|(text, _)| *text == example.says) {
        None => wrong.push(format!("nginx says {messages:?}")),
        Some((_, Some(line))) if !own.iter().any(|finding| lines(&tree, finding).contains(line)) => {
            let named: Vec<_> = own.iter().map(|finding| lines(&tree, finding)).collect();
            wrong.push(format!("nginx names line {line}, the findings {named:?}"));
        }
        Some(_) => {}
    }
    wrong
}

fn judge_accepted(example: &Example) -> Vec<String> {
    let (_, findings) = check(example);
    let refused = findings.iter().filter(|finding| finding.refused);
    let mut wrong: Vec<String> = refused.map(|finding| format!("{}: {}", finding.rule.name, finding.message)).collect();
    if example.version() <= INSTALLED {
        let (accepted, messages) = nginx_t(example, "emerg");
        if !accepted {
            wrong.push(format!("nginx says {messages:?}"));
        }
    }
    wrong
}

/// Runs one function over many examples and gathers what is wrong.
fn all_wrong<'e>(
    rule: &str,
    examples: &'e [Example],
    judge: impl Fn(&'e Example) -> Vec<String> + Sync,
) -> Vec<String> {
    let with_place = |example: &'e Example| -> Vec<String> {
        judge(example)
            .into_iter()
            .map(|message| format!("{rule}: {}: {message}", example.configuration.trim()))
            .collect()
    };
    examples.par_iter().flat_map_iter(with_place).collect()
}

#[test]
fn what_nginx_refuses_is_found_and_what_it_accepts_is_not() {
    let mut wrong = Vec::new();
    for (name, examples) in &examples() {
        if rules::find(name).is_none() {
            wrong.push(format!("{name}: there is no such rule"));
            continue;
        }
        wrong.extend(all_wrong(name, &examples.refused, |example| judge(name, example, true)));
        wrong.extend(all_wrong(name, &examples.warned, |example| judge(name, example, false)));
        wrong.extend(all_wrong(name, &examples.accepted, judge_accepted));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The texts in `fixtures/nginx-t/messages.txt`.
fn texts() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nginx-t/messages.txt");
    let text = std::fs::read_to_string(path).expect("the texts");
    text.lines().filter(|line| !line.starts_with(['#', ' '])).map(str::to_owned).collect()
}

/// Whether nginx's text, with `%V` and the like, can have become this message.
fn is_text_of(text: &str, message: &str) -> bool {
    // The place at the end is no part of a message here.
    // A place that is part of the text is left out of the examples.
    let text = text.strip_suffix(" in %s:%ui").unwrap_or(text);
    let text = text.replace("%%", "\u{1}").replace("<where>", "%V");
    let text = text.strip_prefix('…').map_or(text.clone(), |end| format!("\"%s\" directive{end}"));
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().replace('\u{1}', "%");
    let Some(mut rest) = message.strip_prefix(first.as_str()) else { return false };
    let mut open_end = false;
    for part in parts {
        let format =
            ["uz", "ui", "ud", "*s", "V", "s", "d", "i", "c", "v"].into_iter().find(|format| part.starts_with(format));
        let literal = part[format.map_or(0, str::len)..].replace('\u{1}', "%");
        open_end = literal.is_empty();
        match rest.find(literal.as_str()) {
            Some(at) => rest = &rest[at + literal.len()..],
            None => return false,
        }
    }
    rest.is_empty() || open_end
}

#[test]
fn every_message_of_nginx_has_a_rule_that_says_it() {
    let examples = examples();
    let said: Vec<&str> = examples
        .values()
        .flat_map(|examples| examples.refused.iter().chain(&examples.warned))
        .map(|example| example.says.as_str())
        .collect();
    let missing: Vec<String> = texts()
        .into_iter()
        .filter(|text| !said.iter().any(|message| is_text_of(text, message)))
        .filter(|text| !OUT_OF_REACH.iter().any(|(out, _)| out == text))
        .collect();
    assert!(missing.is_empty(), "{} texts without an example:\n{}", missing.len(), missing.join("\n"));
}
