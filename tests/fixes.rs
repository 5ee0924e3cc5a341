//! Fixes on real configurations: what nginx accepts it still accepts, a second
//! run changes nothing, and nothing becomes unreadable. `make fixes` prints
//! the numbers.

use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;
use serde_json::Value;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus")
}

/// A real file that nginx accepts, and the context it was accepted in.
struct Sample {
    name: String,
    bytes: Vec<u8>,
    wrap: String,
}

fn samples() -> Vec<Sample> {
    let index = std::fs::read_to_string(corpus().join("index.jsonl")).expect("the index");
    let records = index.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let accepted = records.filter(|record| !record["accepted_by"].is_null());
    accepted
        .map(|record| {
            let name = record["file"].as_str().expect("a name").to_owned();
            let bytes = std::fs::read(corpus().join(&name)).expect("a file of the index");
            let trials = ["nginx_t_stub", "nginx_t_1_31", "nginx_t_1_31_sans"];
            let wrap = trials.iter().find_map(|trial| record[trial]["wrap"].as_str()).unwrap_or("full").to_owned();
            Sample { name, bytes, wrap }
        })
        .collect()
}

/// What came of the fixes of one file.
#[derive(Default)]
struct Outcome {
    mended: bool,
    mended_unsafely: bool,
    asked: bool,
    wrong: Vec<String>,
}

#[test]
#[allow(clippy::print_stdout)]
fn fixes_leave_real_configurations_whole() {
    let samples = samples();
    let outcomes: Vec<Outcome> = samples.par_iter().map(try_fixes).collect();
    let count = |pick: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| pick(outcome)).count();
    println!(
        "{} files: safe fixes change {}, unsafe ones {}; nginx was asked about {}",
        samples.len(),
        count(|outcome| outcome.mended),
        count(|outcome| outcome.mended_unsafely),
        count(|outcome| outcome.asked)
    );
    let wrong: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        count(|outcome| outcome.mended) > 5
            && count(|outcome| outcome.mended_unsafely) > 20
            && count(|outcome| outcome.asked) > 10
    );
}

fn try_fixes(sample: &Sample) -> Outcome {
    let mut outcome = Outcome::default();
    let safe = fixed(&sample.bytes, &["--fix", "--min-severity", "info"]);
    outcome.mended = safe != sample.bytes;
    if outcome.mended {
        check(sample, &safe, "safe", &["--fix", "--min-severity", "info"], &mut outcome);
    }
    let every = fixed(&sample.bytes, &["--fix", "--unsafe-fixes", "--min-severity", "info"]);
    outcome.mended_unsafely = every != safe;
    if outcome.mended_unsafely {
        check(sample, &every, "unsafe", &["--fix", "--unsafe-fixes", "--min-severity", "info"], &mut outcome);
    }
    outcome
}

fn check(sample: &Sample, fixed_bytes: &[u8], kind: &str, arguments: &[&str], outcome: &mut Outcome) {
    let mut complain = |what: &str| outcome.wrong.push(format!("{} ({kind}): {what}", sample.name));
    if fixed(fixed_bytes, arguments) != fixed_bytes {
        complain("a second run changes something");
    }
    if refused(fixed_bytes) > refused(&sample.bytes) {
        complain("more is refused, in our view");
    }
    if nginx_accepts(&sample.bytes, &sample.wrap) {
        outcome.asked = true;
        if !nginx_accepts(fixed_bytes, &sample.wrap) {
            outcome.wrong.push(format!("{} ({kind}): nginx refuses it", sample.name));
        }
    }
}

fn lint(directory: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nginx-lint"));
    command.arg("part.conf").args(arguments).current_dir(directory).output().expect("it runs")
}

fn with_file<T>(bytes: &[u8], act: impl FnOnce(&Path) -> T) -> T {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("part.conf"), bytes).expect("written");
    act(directory.path())
}

fn fixed(bytes: &[u8], arguments: &[&str]) -> Vec<u8> {
    with_file(bytes, |directory| {
        lint(directory, arguments);
        std::fs::read(directory.join("part.conf")).expect("read")
    })
}

/// How many findings say that nginx would not load it; syntax errors are
/// among them.
fn refused(bytes: &[u8]) -> usize {
    let output = with_file(bytes, |directory| lint(directory, &["--format", "jsonl"]));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter(|line| line.contains("\"refused\":true")).count()
}

fn nginx_accepts(bytes: &[u8], wrap: &str) -> bool {
    let part = "include part.conf;";
    let main = match wrap {
        "http" => format!("events {{}} http {{ {part} }}"),
        "server" => format!("events {{}} http {{ server {{ {part} }} }}"),
        "location" => format!("events {{}} http {{ server {{ location / {{ {part} }} }} }}"),
        "main" => format!("{part} events {{}}"),
        _ => part.to_owned(),
    };
    with_file(bytes, |directory| {
        std::fs::create_dir_all(directory.join("logs")).expect("made");
        std::fs::write(directory.join("nginx.conf"), main).expect("written");
        let mut command = Command::new("nginx");
        command.args(["-t", "-q", "-e", "stderr", "-g", "pid nginx.pid;", "-p"]).arg(directory).arg("-c");
        let output = command.arg(directory.join("nginx.conf")).output().expect("these tests need nginx");
        // What it says of the syntax counts; files and users of the machine do not.
        output.status.success()
    })
}
