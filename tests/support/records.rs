//! Recorded answers of `nginx -t`: the cases of `fixtures/nginx-t`.

use std::path::{Path, PathBuf};

use nginx_lint::catalog::Version;
use nginx_lint::tree::Memory;
use serde_json::Value;

use super::answer::{Answer, Message};

/// The releases that were asked.
pub const RELEASES: [Version; 2] = [Version::new(1, 22, 1), Version::new(1, 31, 5)];

/// The files with cases.
pub const FILES: [&str; 2] = ["cases.json", "disagreements.json"];

/// A configuration and what was answered.
pub struct Case {
    /// Its group and name.
    pub name: String,
    /// The main file.
    pub text: Vec<u8>,
    answers: Vec<(Version, Answer)>,
}

impl Case {
    /// The answer of a release, if it was asked.
    pub fn answer(&self, release: Version) -> Option<&Answer> {
        self.answers.iter().find(|(version, _)| *version == release).map(|(_, answer)| answer)
    }

    /// The configuration as `/etc/nginx/nginx.conf`, and beside it the files that
    /// cases include.
    pub fn files(&self, others: &Memory) -> Memory {
        let mut files = others.clone();
        files.insert(entry(), self.text.clone());
        files
    }
}

/// Where the main file is thought to stand.
pub fn entry() -> &'static Path {
    Path::new("/etc/nginx/nginx.conf")
}

/// The files that cases include.
pub fn included_files() -> Memory {
    let root = fixture("files");
    let entries = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.path().is_file()).map(|entry| {
        let path = entry.path().strip_prefix(&root).expect("below the root");
        (Path::new("/etc/nginx").join(path), std::fs::read(entry.path()).expect("a file"))
    });
    files.collect()
}

/// All cases.
pub fn cases() -> Vec<Case> {
    FILES.iter().flat_map(|file| cases_of(file)).collect()
}

/// The cases of one file.
pub fn cases_of(file: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(fixture(file)).expect("recorded cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    cases.iter().map(case).collect()
}

/// A path below `fixtures/nginx-t`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/nginx-t").join(path)
}

fn case(value: &Value) -> Case {
    let text = match value["conf"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => base64(value["conf_base64"].as_str().expect("conf or conf_base64")),
    };
    let [older, newer] = RELEASES.map(|release| &value[format!("nginx-{release}")]);
    // "same" stands for what the other one answered.
    let newer = if newer == "same" { older } else { newer };
    let answered = RELEASES.into_iter().zip([older, newer]).filter(|(_, answer)| answer.is_object());
    Case {
        name: format!("{}: {}", value["group"].as_str().expect("a group"), value["name"].as_str().expect("a name")),
        text,
        answers: answered.map(|(release, value)| (release, answer(value))).collect(),
    }
}

fn answer(value: &Value) -> Answer {
    let messages = value["messages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Answer { accepted: value["result"] == "ok", messages: messages.filter_map(read).collect() }
}

/// The records call the main file `t.conf`; a main file has another name.
fn read(line: &str) -> Option<Message> {
    Message::read(&line.replace(" t.conf:", " nginx.conf:"))
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
