//! Agreement with recorded answers of `nginx -t`: what nginx accepts gives no
//! finding that says it would not, and each message that one of the rules is
//! there for gives a finding of that rule.

use std::path::{Path, PathBuf};

use nginx_lint::catalog::Context;
use nginx_lint::engine::{self, Finding};
use nginx_lint::model::{Model, Profile};
use nginx_lint::rules;
use nginx_lint::tree::{self, Memory, Places, Tree};
use serde_json::Value;

/// Part of a message of nginx, and the rule that says it before nginx does.
const MESSAGES: [(&str, &str); 14] = [
    ("unexpected \"x\"", "syntax-error"),
    ("unexpected \"#\"", "syntax-error"),
    ("unexpected \"}\"", "syntax-error"),
    ("unexpected \"{\" in t.conf:1", "syntax-error"),
    ("unexpected \";\"", "syntax-error"),
    ("unexpected end of file", "syntax-error"),
    ("too long parameter", "syntax-error"),
    ("unknown directive \"\u{feff}", "lookalike-character"),
    ("failed (2: No such file or directory) in", "include-missing"),
    ("Is a directory", "include-missing"),
    ("no servers are inside upstream", "upstream-empty"),
    ("duplicate upstream", "duplicate-upstream"),
    ("invalid URL prefix", "proxy-pass-missing-scheme"),
    ("\"proxy_pass\" cannot have URI part", "proxy-pass-uri-forbidden"),
];

struct Case {
    name: String,
    text: Vec<u8>,
    messages: Vec<String>,
    /// What both releases answer.
    accepted_by_some: bool,
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nginx-t").join(path)
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(fixture("cases.json")).expect("the recorded cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    cases.iter().map(case).collect()
}

fn case(value: &Value) -> Case {
    let older = &value["nginx-1.22.1"];
    let newer = if value["nginx-1.31.5"] == "same" { older } else { &value["nginx-1.31.5"] };
    let text = match value["conf"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => base64(value["conf_base64"].as_str().expect("conf or conf_base64")),
    };
    let messages = older["messages"].as_array().into_iter().flatten();
    Case {
        name: format!("{}: {}", value["group"], value["name"]),
        text,
        messages: messages.filter_map(|message| Some(message.as_str()?.to_owned())).collect(),
        accepted_by_some: older["result"] == "ok" || newer["result"] == "ok",
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: u8| DIGITS.iter().position(|known| *known == byte);
    let (mut bits, mut count, mut bytes) = (0usize, 0, Vec::new());
    for value in text.bytes().filter_map(digit) {
        bits = bits << 6 | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

fn files() -> Memory {
    let root = fixture("files");
    let mut files = Memory::default();
    for entry in walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok).filter(|entry| entry.path().is_file())
    {
        let path = entry.path().strip_prefix(&root).expect("below the root");
        files.insert(Path::new("/etc/nginx").join(path), std::fs::read(entry.path()).expect("a file"));
    }
    files
}

fn check(case: &Case) -> (Tree, Vec<Finding>) {
    let mut files = files();
    let entry = Path::new("/etc/nginx/t.conf");
    files.insert(entry, case.text.clone());
    let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
    let findings = engine::run(&Model::new(&tree, Context::Main, Profile::default()), rules::ALL);
    (tree, findings)
}

#[test]
fn what_nginx_accepts_is_not_said_to_be_refused() {
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case.accepted_by_some) {
        let (_, findings) = check(case);
        let refused = findings.iter().filter(|finding| finding.refused);
        wrong.extend(refused.map(|finding| format!("{}: {}: {}", case.name, finding.rule.name, finding.message)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_nginx_refuses_is_found_by_the_rule_for_its_message() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in cases() {
        let expected = MESSAGES.iter().find(|(part, _)| case.messages.iter().any(|message| message.contains(part)));
        let Some((message, rule)) = expected else { continue };
        checked += 1;
        let (_, findings) = check(&case);
        if !findings.iter().any(|finding| finding.rule.name == *rule && finding.refused) {
            let found: Vec<&str> = findings.iter().map(|finding| finding.rule.name).collect();
            wrong.push(format!("{}: {message} needs {rule}, found {found:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 25, "only {checked} cases were looked at");
}

#[test]
fn syntax_errors_name_the_line_nginx_names() {
    let mut wrong = Vec::new();
    for case in cases() {
        let Some(line) = case.messages.iter().find_map(|message| line_of_syntax_error(message)) else { continue };
        let (tree, findings) = check(&case);
        let lines: Vec<u32> = findings
            .iter()
            .filter(|finding| finding.rule.name == "syntax-error")
            .flat_map(|finding| {
                let source = &tree.file(finding.place.location.file).source;
                let own = source.line(finding.place.location.span.start);
                let note = finding.note.as_deref().unwrap_or_default();
                let named = note.split_once("points at line ").map(|(_, rest)| rest);
                let named = named.and_then(|rest| rest.split(':').next()?.parse().ok());
                [Some(own), named].into_iter().flatten().collect::<Vec<u32>>()
            })
            .collect();
        if !lines.contains(&line) {
            wrong.push(format!("{}: nginx names line {line}, we name {lines:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The line in a message of nginx's reader.
fn line_of_syntax_error(message: &str) -> Option<u32> {
    let parts = ["unexpected end of file", "unexpected \"", "too long parameter"];
    // These two come from blocks with readers of their own.
    let other =
        message.contains("in condition") || message.contains("lua") || message.contains("unexpected \"{\" in t.conf:3");
    let ours = parts.iter().any(|part| message.contains(part)) && !other;
    ours.then(|| message.rsplit_once(':')?.1.trim().parse().ok()).flatten()
}
