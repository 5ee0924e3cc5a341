//! What `doctor` saved is judged again by `check --facts`, anywhere; and what
//! `doctor` itself promises of its output, whatever it saw. The failures it
//! finds on a machine are staged in `tests/doctor.rs`. Facts may come from
//! anybody: whatever is in them, nothing breaks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nginx_lint::facts::{
    Certificate, CertificateFile, Connection, Conversation, Evidence, Facts, FileFact, FileKind, Heard, KeyPair,
    ListeningSocket, Log, Outcome, Process, Question, QuestionFailure, Resolution, SCHEMA, Said, Selinux, Signature,
    Tally, TlsHeard, Unit,
};
use serde_json::Value;
use tempfile::TempDir;

/// Nothing of this takes so long.
const LIMIT: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = "error_log error.log;
events {}
http {
    server {
        listen 127.0.0.1:9080;
        server_name www.example.com;
        location / {
            proxy_pass http://127.0.0.1:1;
        }
    }
}
";

/// One connection that is refused, and two messages of the log.
const FACTS: &str = r#"{
    "schema": 1,
    "connections": {"127.0.0.1:1": {"outcome": "refused"}},
    "log": {"seen": [
        {"signature": "too-big-header", "peer": "127.0.0.1:1", "scheme": "http", "server": "www.example.com", "count": 2,
         "first": "2026-11-21 10:00:00", "last": "2026-11-21 10:00:09",
         "clients": [{"value": "203.0.113.7", "count": 2}], "requests": [{"value": "GET www.example.com/", "count": 2}]}
    ]}
}"#;

const REFUSED: &str = "2026/11/21 10:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to \
    upstream, client: 203.0.113.7, server: www.example.com, request: \"GET /cart HTTP/1.1\", upstream: \
    \"http://127.0.0.1:1/cart\", host: \"www.example.com\"\n";

/// The rules about a connection that is refused, the second one in containers.
const REFUSING: [&str; 2] = ["live-upstream-refused", "live-container-loopback"];

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let command = Command::new(env!("CARGO_BIN_EXE_nginx-lint")).args(arguments).current_dir(directory).output();
    let output = command.expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { status: output.status.code().expect("a status"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn site(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (path, text) in [("nginx.conf", CONFIGURATION)].iter().chain(files) {
        std::fs::write(directory.path().join(path), text).expect("written");
    }
    directory
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn rules(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["rule"].as_str().expect("a rule")).collect()
}

#[test]
fn saved_facts_are_judged_again() {
    let site = site(&[("facts.json", FACTS)]);
    let without = run(site.path(), &["nginx.conf"]);
    assert_eq!(without.status, 0, "nobody looked: {}{}", without.stdout, without.stderr);
    let with = run(site.path(), &["nginx.conf", "--facts", "facts.json", "--format", "json"]);
    let document = document(&with);
    assert_eq!((with.status, rules(&document)), (1, vec!["live-upstream-refused", "log-too-big-header"]));
    let evidence = &document["findings"][1]["evidence"];
    assert_eq!(evidence["count"], 2);
    assert_eq!(evidence["first"], "2026-11-21 10:00:00");
    assert_eq!(evidence["clients"][0]["value"], "203.0.113.7");
    assert_eq!(evidence["requests"][0]["value"], "GET www.example.com/");
    assert!(document["findings"][0].get("evidence").is_none(), "the log has nothing of it");
}

#[test]
fn facts_that_cannot_be_used_are_said_to_be_so() {
    let table = [
        ("missing.json", "No such file"),
        ("broken.json", "these are no facts"),
        ("other.json", "these are no facts"),
        ("newer.json", "the facts have form 99"),
    ];
    let files = [("broken.json", "{"), ("other.json", "{\"connexions\": {}}"), ("newer.json", "{\"schema\": 99}")];
    let site = site(&files);
    for (file, reason) in table {
        let ran = run(site.path(), &["nginx.conf", "--facts", file]);
        assert!(ran.status == 2 && ran.stderr.contains(reason), "{file}: {} {}", ran.status, ran.stderr);
    }
}

#[test]
fn a_comment_about_the_machine_is_not_unused_where_nobody_looked() {
    let ignored =
        CONFIGURATION.replace("127.0.0.1:1;", "127.0.0.1:1; # nginx-lint: ignore[live-upstream-refused] seldom up");
    let site = site(&[("facts.json", FACTS)]);
    std::fs::write(site.path().join("nginx.conf"), ignored).expect("written");
    let without = run(site.path(), &["nginx.conf"]);
    assert_eq!(without.status, 0, "{}", without.stdout);
    let with = run(site.path(), &["nginx.conf", "--facts", "facts.json", "--format", "json"]);
    assert_eq!(rules(&document(&with)), ["log-too-big-header"]);
}

#[test]
fn doctor_reads_the_logs_it_is_given_and_ties_them_to_the_line() {
    let site = site(&[("error.log", &REFUSED.repeat(3))]);
    let ran = run(site.path(), &["doctor", "nginx.conf", "--log", "error.log", "--format", "json"]);
    let document = document(&ran);
    let first = &document["findings"][0];
    assert!(ran.stdout.contains(REFUSING[0]) || ran.stdout.contains(REFUSING[1]), "{}", ran.stdout);
    assert_eq!((&first["line"], &first["severity"]), (&8.into(), &"error".into()));
    assert_eq!(first["evidence"]["count"], 3);
    assert_eq!(document["examined"]["counts"]["logs"], 1);
    assert_eq!(document["examined"]["counts"]["log lines"], 3);
    assert_eq!(ran.status, 1);
}

/// A log of another machine: what is so on this one is nothing to it.
#[test]
fn offline_only_the_logs_are_looked_at() {
    let site = site(&[("error.log", REFUSED)]);
    let arguments = ["doctor", "nginx.conf", "--offline", "--log", "error.log", "--format", "json"];
    let document = document(&run(site.path(), &arguments));
    assert_eq!(rules(&document), ["live-upstream-refused"]);
    let counts = &document["examined"]["counts"];
    assert_eq!((&counts["logs"], &counts["addresses"], &counts["files"]), (&1.into(), &0.into(), &0.into()));
}

#[test]
fn where_there_is_no_configuration_nothing_is_looked_at() {
    let directory = tempfile::tempdir().expect("a directory");
    let ran = run(directory.path(), &["doctor", "."]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
}

#[test]
fn what_doctor_saved_says_the_same_again() {
    let site = site(&[("error.log", REFUSED)]);
    let arguments = ["doctor", "nginx.conf", "--log", "error.log", "--facts", "seen.json", "--format", "json"];
    let now = document(&run(site.path(), &arguments));
    let again = document(&run(site.path(), &["nginx.conf", "--facts", "seen.json", "--format", "json"]));
    let by_machine = |document: &Value| {
        let findings = document["findings"].as_array().expect("findings").clone();
        let mut findings: Vec<String> = findings.iter().map(Value::to_string).collect();
        findings.sort();
        findings
    };
    assert_eq!(by_machine(&now), by_machine(&again));
}

#[test]
fn a_log_that_was_asked_for_and_cannot_be_read_is_a_failure() {
    let site = site(&[]);
    let ran = run(site.path(), &["doctor", "nginx.conf", "--log", "gone.log"]);
    assert!(ran.status == 2 && ran.stderr.contains("gone.log"), "{} {}", ran.status, ran.stderr);
    let stdin = run(site.path(), &["doctor", "-"]);
    assert!(stdin.status == 2 && stdin.stderr.contains("standard input"), "{}", stdin.stderr);
}

#[test]
fn every_format_can_carry_what_doctor_found() {
    let site = site(&[("error.log", REFUSED)]);
    for format in ["full", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit", "checkstyle", "rdjson"] {
        let ran = run(site.path(), &["doctor", "nginx.conf", "--log", "error.log", "--format", format]);
        assert_eq!(ran.status, 1, "{format}: {}", ran.stderr);
        let is_there = REFUSING.iter().any(|rule| ran.stdout.contains(rule));
        assert!(is_there, "{format}: {}", ran.stdout);
    }
}

/// It runs until it is ended, so the test reads what it says as it comes.
#[test]
fn following_shows_what_is_new_in_the_log() {
    let site = site(&[("error.log", "")]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_nginx-lint"))
        .args(["doctor", "nginx.conf", "--log", "error.log", "--follow", "--format", "jsonl"])
        .current_dir(site.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let too_big = REFUSED.replace(
        "connect() failed (111: Connection refused) while connecting to",
        "upstream sent too big header while reading response header from",
    );
    let append = |message: &str| {
        let mut log = std::fs::OpenOptions::new().append(true).open(site.path().join("error.log")).expect("the log");
        log.write_all(message.as_bytes()).expect("written");
    };
    // The first may still have been there when it began; the second comes when
    // it certainly follows.
    let shows = |message: &str, what: &str| {
        (0..LIMIT.as_secs() * 2).any(|_| {
            append(message);
            let line = receiver.recv_timeout(Duration::from_millis(500));
            line.is_ok_and(|line| line.contains(what) && line.contains("\"evidence\""))
        })
    };
    let found = (shows(&too_big, "log-too-big-header"), shows(REFUSED, "\"rule\":\"live-"));
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    reader.join().expect("the reader ends");
    assert_eq!(found, (true, true));
}

/// Words as nobody writes them.
const WORDS: [&str; 9] =
    ["", ":", "unix:", "[::1", "127.0.0.1:1", "a b\n\u{1b}[31m", "/\u{202e}", "$x", "127.0.0.1:99999"];

/// Facts of every kind, all with this number and this word.
fn wild(number: u64, word: &str) -> Facts {
    let signed = number as i64;
    let text = || Some(word.to_owned());
    let certificate = || Certificate {
        names: vec![word.to_owned()],
        not_before: signed,
        not_after: -signed,
        ..Certificate::default()
    };
    let addresses = ["127.0.0.1:1", "10.0.0.41:8080", word].map(str::to_owned);
    let mut facts = Facts { schema: SCHEMA, taken_at: signed, ..Facts::default() };
    let machine = &mut facts.machine;
    machine.cpus = Some(number);
    machine.usable_cpus = Some(number / 2);
    machine.cpu_quota_thousandths = Some(number);
    machine.file_max = Some(number);
    machine.nr_open = Some(number);
    machine.local_ports = Some((number as u16, 1));
    machine.somaxconn = Some(number);
    machine.container = text();
    machine.addresses = Some(vec![word.to_owned()]);
    machine.outgoing = addresses.iter().map(|address| (address.clone(), number)).collect();
    machine.selinux = Some(Selinux { enforcing: true, network_connect: Some(false), ..Selinux::default() });
    machine.limits_conf = vec![word.to_owned()];
    let process = || Process {
        started_at: Some(signed),
        open_files_soft: Some(number),
        open_files_hard: Some(number),
        files_open: Some(number),
        version: text(),
        ..Process::default()
    };
    facts.nginx.runs = Some(number.is_multiple_of(2));
    facts.nginx.master = Some(process());
    facts.nginx.workers = vec![process(), process()];
    facts.nginx.unit = Some(Unit { limit_nofile: Some(number), name: word.to_owned(), ..Unit::default() });
    facts.names.insert("localhost".to_owned(), Resolution { addresses: vec![word.to_owned()], error: text() });
    facts.questions =
        vec![Question { name: word.to_owned(), failure: Some(QuestionFailure::Other), ..Question::default() }];
    let outcomes = [Outcome::Refused, Outcome::TimedOut, Outcome::Denied];
    for (address, outcome) in addresses.iter().zip(outcomes) {
        let connection = Connection { outcome, milliseconds: number, error: text() };
        facts.connections.insert(address.clone(), connection);
    }
    for said in [Said::Tls, Said::Request, Said::Nothing] {
        let tls = TlsHeard { chain: vec![certificate()], problem: text(), distrust: text(), ..TlsHeard::default() };
        facts.conversations.extend(addresses.iter().map(|address| Conversation {
            address: address.clone(),
            said,
            heard: if number.is_multiple_of(2) { Heard::TlsFailed } else { Heard::Other },
            text: text(),
            tls: Some(tls.clone()),
            idle_milliseconds: Some(number),
            ..Conversation::default()
        }));
    }
    let socket = |address: &String| ListeningSocket {
        address: address.clone(),
        process: text(),
        waiting: Some(number),
        backlog: Some(number),
        ..ListeningSocket::default()
    };
    facts.listening = Some(addresses.iter().map(socket).collect());
    for path in ["/", "/var/lib/nginx/proxy", "/run/php/php8.2-fpm.sock", word] {
        let file = FileFact {
            kind: FileKind::Directory,
            mode: Some(number as u32),
            modified: Some(signed),
            worker_writes: Some(false),
            worker_stops_at: text(),
            free_bytes: Some(number),
            total_bytes: Some(1),
            free_files: Some(0),
            ..FileFact::default()
        };
        facts.files.insert(path.to_owned(), file);
    }
    facts.certificates.insert(word.to_owned(), CertificateFile { chain: vec![certificate()], problem: text() });
    facts.key_pairs = vec![KeyPair { certificate: word.to_owned(), key: word.to_owned(), problem: text() }];
    let seen = Signature::ALL.into_iter().flat_map(|signature| {
        addresses.clone().map(|peer| Evidence {
            signature,
            peer: Some(peer),
            scheme: Some("http".to_owned()),
            server: text(),
            detail: text(),
            count: number,
            first: word.to_owned(),
            last: word.to_owned(),
            clients: vec![Tally { value: word.to_owned(), count: number }; 3],
            requests: vec![Tally { value: format!("GET {word}/{word}"), count: number }; 3],
            ..Evidence::default()
        })
    });
    facts.log = Some(Log { seen: seen.collect(), unknown: number, ..Log::default() });
    facts
}

#[test]
fn no_facts_break_anything() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("facts.json").to_string_lossy().into_owned();
    for configuration in ["fixtures/doctor", "fixtures/502"] {
        for (number, word) in [0, 1, 2, i64::MAX as u64, u64::MAX].iter().flat_map(|n| WORDS.map(|word| (*n, word))) {
            let text = serde_json::to_string(&wild(number, word)).expect("plain data");
            std::fs::write(&path, text).expect("written");
            let arguments = [configuration, "--facts", &path, "--min-severity", "info", "--format", "json"];
            let ran = run(repository, &arguments);
            assert!(ran.status < 2 && ran.stderr.is_empty(), "{configuration} {number} {word:?}: {}", ran.stderr);
            let is_harmless = |text: &str| !text.contains(['\u{1b}', '\u{202e}']);
            assert!(is_harmless(&ran.stdout), "{configuration} {number} {word:?}");
        }
    }
}
