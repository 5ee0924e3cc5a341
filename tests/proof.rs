//! Every proof block on the page of a rule holds on a real nginx.
//!
//! A page says what happens at run time; a proof block shows it. It is a
//! fenced block ```` ```proof ```` in TOML, on any page under `rules/`:
//!
//! ```toml
//! [backends]
//! app = "http"
//!
//! [[case]]
//! shows = "bad"
//! config = '''
//! upstream group { server {{app}} down; }
//! server { listen {{listen}}; location / { proxy_pass http://group; } }
//! '''
//! status = 502
//! log = "no live upstreams while connecting to upstream"
//!
//! [[case]]
//! shows = "good"
//! config = '''
//! upstream group { server {{app}}; }
//! server { listen {{listen}}; location / { proxy_pass http://group; } }
//! '''
//! status = 200
//! ```
//!
//! For each case the test starts the backends and an nginx of its own on
//! 127.0.0.1, sends the requests, stops everything and compares. Nothing but
//! loopback is used and no name is looked up but `localhost` and those that a
//! `"dns …"` backend is asked for. Without nginx the test fails;
//! `NGINX_LINT_NGINX` names one that is not in the usual places.
//!
//! While a page is being written, `NGINX_LINT_PROOFS` may name a directory (or
//! a file): then the blocks in there are run and not those under `rules/`.
//!
//! # Backends
//!
//! `[backends]` gives each a name and a behaviour. The system gives the ports.
//!
//! | behaviour | |
//! |---|---|
//! | `"http"` | answers 200; the body is the head of the request, each line after the backend's name: `app: GET / HTTP/1.0`; keeps the connection when asked to |
//! | `"slow 300ms"` | the same, after that time |
//! | `"fastcgi"` | answers 200 to a FastCGI request; the body is its parameters: `app: SCRIPT_NAME=/a.php` |
//! | `"one worker"` | as `"http"`, but works on one connection at a time, until it is closed, as a process of a server does; others wait |
//! | `"fastcgi one worker"` | the same for FastCGI |
//! | `"silent"` | accepts, reads, and never answers |
//! | `"hang up"` | accepts and ends the connection at once |
//! | `"sends TEXT"` | answers whatever comes with this text, escapes of TOML in it, and ends the connection |
//! | `"closed"` | nothing listens on the port |
//! | `"dns a.example=127.0.0.1 b.example=::1"` | a name server (UDP) that knows these names, one with several addresses written several times, and says of every other that there is none; `"dns"` knows no name |
//! | `"dns silent"` | a name server that never answers |
//!
//! # The configuration of a case
//!
//! | key | |
//! |---|---|
//! | `shows` | `"bad"` or `"good"`: which side of the page this is |
//! | `config` | text inside `http {}` |
//! | `stream` | text inside `stream {}` |
//! | `main` | text outside of both; unless it gives them, there are `worker_processes 1;` and `events {}` |
//! | `files` | a table of further files: paths relative to nginx.conf, and what is in them |
//! | `open_files` | how many files nginx may have open when it starts |
//! | `since`, `before` | such as `"1.29.7"`: the case is about these releases and is not run on others |
//!
//! In every text `{{listen}}` is the address and port where requests go,
//! `{{NAME}}` those of a backend, and `{{listen.port}}`, `{{NAME.port}}` the
//! port alone. nginx itself can be a backend: a server of `config` may listen
//! on a backend that is `"closed"`. Beside nginx.conf lie `backend.pem` and
//! `backend.key`, a certificate that its own key signed, for backend.example.
//!
//! # What is asked
//!
//! | key | |
//! |---|---|
//! | `requests` | how many `GET /`, one after another, or a list such as `["GET /a", "POST /b"]`; without it one `GET /` |
//! | `parallel` | `true` sends them at once, each on a connection of its own |
//! | `headers` | a table of headers for every request, such as `{ Host = "a.example" }` |
//! | `send_bytes` | a body of that length in every request |
//!
//! # What must come of it
//!
//! | key | |
//! |---|---|
//! | `status` | of every answer; or a list, in order; or a table such as `{ 200 = 1, 502 = "at least 1" }`, in which every status that comes must be. `"none"` is a connection that ended without an answer |
//! | `answer`, `no_answer` | text that every answer, head or body, has; that none has |
//! | `log`, `no_log` | text that the error log has; does not have |
//! | `recognised` | a list of messages that the logs room finds in the error log, such as `["upstream-refused"]` |
//! | `faster_than`, `slower_than` | seconds that every answer took |
//! | `connections` | how many each backend accepted, such as `{ app = 1 }` |
//! | `received` | how many requests each backend read; of a name server, how many questions |
//! | `at_once` | the most requests each backend had at the same time |
//! | `nginx_t` | `"accepted"` or `"refused"`: what `nginx -t` must decide. When nothing else is expected, nginx is not started |
//! | `says` | text that `nginx -t` writes |
//!
//! A text may be a list of texts, all of which must hold. A number may be
//! `"at least 2"` or `"at most 2"`.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use support::case::{self, Failure};
use support::nginx::{self, Installed};
use support::page::{ProofBlock, blocks_of, proof_blocks};
use support::parallel::in_parallel;
use support::schema::{Case, Proof};

#[test]
fn every_proof_holds() {
    let installed = nginx::installed().unwrap_or_else(|problem| panic!("{problem}"));
    let blocks = proof_blocks(&place()).unwrap_or_else(|problem| panic!("{problem}"));
    assert!(!blocks.is_empty(), "there is no proof block under {}", place().display());
    let failures = run(installed, &blocks);
    assert!(failures.is_empty(), "{} do not hold:\n\n{}\n", failures.len(), failures.join("\n\n"));
}

/// What the proofs build on is true itself.
#[test]
fn backends_behave_as_described() {
    let installed = nginx::installed().unwrap_or_else(|problem| panic!("{problem}"));
    let page = blocks_of("tests/support/backends.md", include_str!("support/backends.md"));
    let failures = run(installed, &page.unwrap_or_else(|problem| panic!("{problem}")));
    assert!(failures.is_empty(), "{} do not hold:\n\n{}\n", failures.len(), failures.join("\n\n"));
}

/// The tests above would pass if nothing were ever compared. So here is a page
/// on which nothing is true.
#[test]
fn what_is_not_true_is_reported() {
    let installed = nginx::installed().unwrap_or_else(|problem| panic!("{problem}"));
    let blocks = blocks_of("page.md", UNTRUE).unwrap_or_else(|problem| panic!("{problem}"));
    let report = run(installed, &blocks).join("\n");
    let expected = [
        "page.md:7 (bad)",
        "status: expected 502 every time, was 200 x 2",
        "answer: expected \"other\", was",
        "no_answer: expected no \"app: GET / HTTP/1.0\", was",
        "log: expected \"no such text\", was not there",
        "faster_than: expected less than 0 s, was",
        "slower_than: expected more than 60 s, was",
        "connections of app: expected 7, was 2",
        "received of app: expected at least 3, was 2",
        "at_once of app: expected at most 0, was 1",
        "page.md:21 (good)",
        "nginx_t: expected accepted, was not",
        "says: expected \"is ok\", was not there",
        "page.md:27 (bad): nginx did not start",
        "page.md:32 (bad): {{other}} names no backend",
        "page.md:37 (good): the case expects nothing",
        "page.md:44: unknown field `confgi`",
    ];
    let absent: Vec<&str> = expected.into_iter().filter(|text| !report.contains(text)).collect();
    assert!(absent.is_empty(), "not reported: {absent:#?}\n\nreported:\n{report}");
}

const UNTRUE: &str = r#"# A page

```proof
[backends]
app = "http"
[[case]]
shows = "bad"
config = 'server { listen {{listen}}; location / { proxy_pass http://{{app}}; } }'
requests = 2
status = 502
answer = "other"
no_answer = "app: GET / HTTP/1.0"
log = "no such text"
faster_than = 0
slower_than = 60
connections.app = 7
received.app = "at least 3"
at_once.app = "at most 0"

[[case]]
shows = "good"
config = "nonsense;"
nginx_t = "accepted"
says = "is ok"

[[case]]
shows = "bad"
config = "nonsense;"
status = 200

[[case]]
shows = "bad"
config = "server { listen {{other}}; }"
status = 200

[[case]]
shows = "good"
config = ""
```

```proof
[[case]]
shows = "good"
confgi = ""
```
"#;

fn place() -> PathBuf {
    let named = std::env::var_os("NGINX_LINT_PROOFS").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"))
}

/// Runs every case of the blocks, a few at a time, and returns a text for each
/// that does not hold.
fn run(installed: &Installed, blocks: &[ProofBlock]) -> Vec<String> {
    let mut failures = Vec::new();
    let mut proofs = Vec::new();
    for block in blocks {
        match Proof::parse(&block.text) {
            Ok(proof) => proofs.push((block, proof)),
            Err((offset, problem)) => failures.push(format!("{}: {problem}", place_in(block, offset))),
        }
    }
    let cases: Vec<(&ProofBlock, &Proof, &Case)> =
        proofs.iter().flat_map(|(block, proof)| proof.cases.iter().map(move |case| (*block, proof, case))).collect();
    failures.extend(in_parallel(THREADS, &cases, |(block, proof, case)| {
        let failure = run_case(installed, proof, case).err()?;
        Some(describe(block, case, &failure))
    }));
    failures
}

/// A panic in one case is that case's failure and hides no other.
fn run_case(installed: &Installed, proof: &Proof, case: &Case) -> Result<(), Failure> {
    let run = AssertUnwindSafe(|| case::run(installed, proof, case));
    catch_unwind(run).unwrap_or_else(|_| Err(Failure::from("the test itself panicked".to_owned())))
}

/// How many cases run at a time. Most of a case is waiting.
const THREADS: usize = 4;

/// Page and line of a byte of a block.
fn place_in(block: &ProofBlock, offset: usize) -> String {
    let line = block.line + block.text[..offset].matches('\n').count();
    format!("{}:{line}", block.page)
}

fn describe(block: &ProofBlock, case: &Case, failure: &Failure) -> String {
    let place = place_in(block, case.shows.span().start);
    let mut text = format!("{place} ({}): {}", case.shows.get_ref(), failure.complaints.join("\n  "));
    if !failure.log.is_empty() {
        text.push_str(&format!("\n  nginx said:\n    {}", failure.log.replace('\n', "\n    ")));
    }
    text
}
