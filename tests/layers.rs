//! Who may know whom: the rooms and what each of them uses.

use std::path::{Path, PathBuf};

/// A room, and the rooms of this crate that it may use.
const ROOMS: [(&str, &[&str]); 16] = [
    ("src/source", &[]),
    ("src/catalog", &[]),
    ("src/facts", &[]),
    ("src/logs", &["facts"]),
    ("src/syntax", &["source"]),
    ("src/tree", &["source", "syntax"]),
    ("src/model", &["source", "syntax", "tree", "catalog", "facts"]),
    // Findings carry places and spans, the walk goes over the tree's nodes,
    // and rules about syntax are handed what the syntax room found.
    ("src/engine", &["source", "syntax", "tree", "catalog", "model", "facts"]),
    ("rules", &["source", "syntax", "catalog", "model", "engine", "facts"]),
    // Times and sizes are read as nginx reads them.
    ("src/config", &["catalog", "model"]),
    // It asks the model what to look at.
    ("src/probe", &["source", "catalog", "model", "facts"]),
    ("src/fix", &["source", "engine"]),
    ("src/triage", &["source", "syntax", "tree", "catalog", "model", "engine", "config"]),
    // Of the facts only what findings carry.
    ("src/report", &["source", "tree", "engine", "facts"]),
    (
        "src/cli",
        &[
            "source", "syntax", "tree", "catalog", "model", "engine", "report", "fix", "config", "rules", "triage",
            "facts", "logs", "probe",
        ],
    ),
    ("src/main.rs", &["cli"]),
];

/// Crates, and the rooms that may use them.
const CRATES: [(&str, &[&str]); 22] = [
    ("dns_lookup", &["src/probe"]),
    ("hickory_proto", &["src/probe"]),
    ("nix", &["src/probe"]),
    ("rustix", &["src/probe"]),
    ("rustls", &["src/probe"]),
    ("x509_parser", &["src/probe"]),
    ("flate2", &["src/logs"]),
    ("chrono", &["src/logs", "src/triage"]),
    ("globset", &["src/config"]),
    ("schemars", &["src/config"]),
    ("semver", &["src/config"]),
    ("quick_junit", &["src/report"]),
    ("quick_xml", &["src/report"]),
    ("serde_sarif", &["src/report"]),
    ("sha2", &["src/triage"]),
    ("toml", &["src/config"]),
    ("pcre2", &["src/model"]),
    ("pest", &["src/syntax"]),
    ("miette", &["src/report"]),
    ("clap", &["src/cli"]),
    ("walkdir", &["src/tree"]),
    ("terminal_size", &["src/cli"]),
];

/// What rules must not touch: they judge, and do nothing else.
const NOT_IN_RULES: [&str; 7] =
    ["std::fs", "std::net", "std::env", "std::process", "std::time", "std::io", "crate::rules"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let files = walkdir::WalkDir::new(root().join(room)).into_iter().filter_map(Result::ok);
    files
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).expect("a source file");
            (entry.path().strip_prefix(root()).expect("below the root").to_path_buf(), text)
        })
        .collect()
}

/// Code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that a file names as `crate::room` or `nginx_lint::room`.
fn rooms_used(code: &str) -> Vec<String> {
    let mentions = ["crate::", "nginx_lint::"].into_iter().flat_map(|prefix| code.split(prefix).skip(1));
    mentions
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>())
        .filter(|name| ROOMS.iter().any(|(room, _)| room.trim_start_matches("src/") == name))
        .collect()
}

#[test]
fn each_room_knows_only_whom_it_may() {
    let mut wrong = Vec::new();
    for (room, allowed) in ROOMS {
        let own = room.trim_start_matches("src/");
        let files = sources(room);
        assert!(!files.is_empty(), "{room} has no files");
        for (path, text) in files {
            for used in rooms_used(&code(&text)) {
                if used != own && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} uses {used}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether code names a crate, and not one whose name ends in its name.
fn names_crate(code: &str, name: &str) -> bool {
    let paths = code.match_indices(&format!("{name}::")).map(|(at, _)| at).collect::<Vec<_>>();
    let is_own = |at: &usize| !code[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    code.contains(&format!("use {name};")) || paths.iter().any(is_own)
}

#[test]
fn some_crates_are_known_to_few_rooms() {
    let mut wrong = Vec::new();
    for (name, owners) in CRATES {
        for (room, _) in ROOMS.iter().filter(|(room, _)| !owners.contains(room)) {
            for (path, text) in sources(room) {
                let code = code(&text);
                if names_crate(&code, name) {
                    wrong.push(format!("{} uses {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_do_nothing_but_judge() {
    let mut wrong = Vec::new();
    for (path, text) in sources("rules").iter().filter(|(path, _)| !path.ends_with("mod.rs")) {
        let code = code(text);
        let touched = NOT_IN_RULES.iter().filter(|name| code.contains(**name));
        wrong.extend(touched.map(|name| format!("{} uses {name}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// See `src/model/parallel.rs`: rayon inside of a `OnceLock` can wait for itself.
#[test]
fn what_the_model_computes_when_asked_does_not_use_rayon() {
    let model = sources("src/model").into_iter().filter(|(path, _)| !path.ends_with("build.rs"));
    let wrong: Vec<String> = model
        .filter(|(_, text)| code(text).contains("rayon"))
        .map(|(path, _)| format!("{} uses rayon", path.display()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
