//! Runs one case of a proof and says what did not hold.

use super::backends::{Backend, Seen};
use super::client::{Answer, ask_at_once, ask_in_order};
use super::nginx::{Installed, Prepared, Setup, numbers};
use super::port::Port;
use super::schema::{Case, Count, Kind, Proof, Requests, Status, Statuses, Verdict};
use nginx_lint::facts::Signature;
use nginx_lint::logs::Gatherer;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How many lines of the error log a failure shows.
const LOG_LINES: usize = 12;

/// Why a case does not hold.
pub struct Failure {
    /// What was expected and what was seen, one line each.
    pub complaints: Vec<String>,
    /// The end of what nginx said.
    pub log: String,
}

/// All that is known when nginx has stopped.
struct Outcome {
    answers: Vec<Answer>,
    log: String,
    seen: BTreeMap<String, Seen>,
}

/// Where everything is: by name, and "listen" for nginx itself.
pub type Addresses = BTreeMap<String, SocketAddr>;

/// Runs one case. A case about other releases than the installed one holds.
pub fn run(installed: &Installed, proof: &Proof, case: &Case) -> Result<(), Failure> {
    case.check(proof)?;
    if !is_about(case, installed)? {
        return Ok(());
    }
    let backends = start_backends(proof)?;
    let port = Port::reserve().map_err(|error| format!("no port: {error}"))?;
    let mut addresses: Addresses = backends.iter().map(|(name, backend)| (name.clone(), backend.address())).collect();
    addresses.insert("listen".to_owned(), port.address());
    test(case, &prepare(installed, case, &addresses)?)?;
    if !case.runs() {
        return Ok(());
    }
    // Not the directory that was tested: testing may leave something in it.
    let outcome = observe(case, prepare(installed, case, &addresses)?, port.address(), backends)?;
    judge(case, &outcome)
}

impl From<String> for Failure {
    fn from(complaint: String) -> Failure {
        Failure { complaints: vec![complaint], log: String::new() }
    }
}

impl Failure {
    fn new(complaints: Vec<String>, log: &str) -> Failure {
        // What nginx tells of itself when all is well explains nothing.
        let telling = log.lines().filter(|line| !line.contains("[notice]") && !line.contains("[info]"));
        let telling: Vec<&str> = telling.collect();
        let end = &telling[telling.len().saturating_sub(LOG_LINES)..];
        Failure { complaints, log: end.join("\n") }
    }
}

fn is_about(case: &Case, installed: &Installed) -> Result<bool, String> {
    let since = case.since.as_deref().map(numbers).transpose()?;
    let before = case.before.as_deref().map(numbers).transpose()?;
    let reached = since.is_none_or(|since| installed.version >= since);
    let passed = before.is_some_and(|before| installed.version >= before);
    Ok(reached && !passed)
}

fn start_backends(proof: &Proof) -> Result<BTreeMap<String, Backend>, String> {
    let start = |(name, kind): (&String, &Kind)| {
        let backend =
            Backend::start(name, kind.clone()).map_err(|error| format!("cannot start backend {name}: {error}"))?;
        Ok((name.clone(), backend))
    };
    proof.backends.iter().map(start).collect()
}

fn prepare(installed: &Installed, case: &Case, addresses: &Addresses) -> Result<Prepared, String> {
    let main = fill_in(&case.main, addresses)?;
    let http = case.config.as_ref().map(|text| fill_in(text, addresses)).transpose()?;
    let stream = case.stream.as_ref().map(|text| fill_in(text, addresses)).transpose()?;
    let files: Result<Vec<_>, String> =
        case.files.iter().map(|(path, text)| Ok((path.as_str(), fill_in(text, addresses)?))).collect();
    let setup = Setup {
        main: &main,
        http: http.as_deref(),
        stream: stream.as_deref(),
        files: files?,
        open_files: case.open_files,
    };
    installed.prepare(&setup).map_err(|error| format!("cannot write the configuration: {error}"))
}

/// Replaces `{{name}}` by an address and `{{name.port}}` by its port.
pub fn fill_in(text: &str, addresses: &Addresses) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) = after.split_once("}}").ok_or("a {{ without }}".to_owned())?;
        let (name, only_port) = match placeholder.strip_suffix(".port") {
            Some(name) => (name, true),
            None => (placeholder, false),
        };
        let address = addresses.get(name).ok_or(format!("{{{{{placeholder}}}}} names no backend"))?;
        filled.push_str(before);
        filled.push_str(&if only_port { address.port().to_string() } else { address.to_string() });
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn test(case: &Case, prepared: &Prepared) -> Result<(), Failure> {
    let Some(expected) = case.nginx_t else { return Ok(()) };
    let verdict = prepared.test()?;
    let mut complaints = Vec::new();
    if verdict.accepted != (expected == Verdict::Accepted) {
        complaints.push(format!("nginx_t: expected {expected}, was not"));
    }
    complaints.extend(missing("says", case.says.all(), &verdict.output));
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints, &verdict.output)) }
}

/// Starts nginx, asks, and stops everything, so that all is counted and the
/// log complete when it is judged.
fn observe(
    case: &Case,
    prepared: Prepared,
    address: SocketAddr,
    backends: BTreeMap<String, Backend>,
) -> Result<Outcome, Failure> {
    let start_failed = |log: String| Failure::new(vec!["nginx did not start".to_owned()], &log);
    let running = prepared.start().map_err(start_failed)?;
    let requests = requests(case)?;
    let answers = if case.parallel { ask_at_once(address, &requests) } else { ask_in_order(address, &requests) };
    let log = running.stop()?;
    let seen = backends.into_iter().map(|(name, backend)| (name, backend.stop())).collect();
    match answers {
        Ok(answers) => Ok(Outcome { answers, log, seen }),
        Err(complaint) => Err(Failure::new(vec![complaint], &log)),
    }
}

fn requests(case: &Case) -> Result<Vec<Vec<u8>>, String> {
    match &case.requests {
        None => Ok(vec![request("GET /", case)?]),
        Some(Requests::Times(times)) => Ok(vec![request("GET /", case)?; *times]),
        Some(Requests::Lines(lines)) => lines.iter().map(|line| request(line, case)).collect(),
    }
}

fn request(line: &str, case: &Case) -> Result<Vec<u8>, String> {
    if line.split(' ').count() != 2 {
        return Err(format!("\"{line}\" is no request such as \"GET /\""));
    }
    let mut text = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    if !case.headers.keys().any(|name| name.eq_ignore_ascii_case("host")) {
        text.push_str("Host: localhost\r\n");
    }
    case.headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    if let Some(length) = case.send_bytes {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(&"x".repeat(case.send_bytes.unwrap_or(0)));
    Ok(text.into_bytes())
}

fn judge(case: &Case, outcome: &Outcome) -> Result<(), Failure> {
    let mut complaints = Vec::new();
    complaints.extend(case.status.as_ref().and_then(|expected| judge_statuses(expected, &outcome.answers)));
    // The first answer that is wrong: the others tend to be wrong alike.
    let mut judged = outcome.answers.iter().map(|answer| judge_answer(case, answer));
    complaints.extend(judged.find(|complaints| !complaints.is_empty()).unwrap_or_default());
    complaints.extend(missing("log", case.log.all(), &outcome.log));
    complaints.extend(present("no_log", case.no_log.all(), &outcome.log));
    complaints.extend(unrecognised(case, &outcome.log));
    complaints.extend(judge_counts(case, &outcome.seen));
    if complaints.is_empty() { Ok(()) } else { Err(Failure::new(complaints, &outcome.log)) }
}

/// The messages that the log room should find in the log, and does not.
fn unrecognised(case: &Case, log: &str) -> Vec<String> {
    let mut gatherer = Gatherer::default();
    log.lines().for_each(|line| gatherer.add_line(line.as_bytes()));
    let found: Vec<Signature> = gatherer.finish().seen.iter().map(|evidence| evidence.signature).collect();
    let missing = case.recognised.iter().filter(|signature| !found.contains(signature));
    missing.map(|signature| format!("recognised: expected {signature:?}, was {found:?}")).collect()
}

fn judge_answer(case: &Case, answer: &Answer) -> Vec<String> {
    let mut complaints = missing("answer", case.answer.all(), &answer.text);
    complaints.extend(present("no_answer", case.no_answer.all(), &answer.text));
    let took = answer.took.as_secs_f64();
    if let Some(limit) = case.faster_than.filter(|limit| took >= *limit) {
        complaints.push(format!("faster_than: expected less than {limit} s, was {took:.2} s"));
    }
    if let Some(limit) = case.slower_than.filter(|limit| took <= *limit) {
        complaints.push(format!("slower_than: expected more than {limit} s, was {took:.2} s"));
    }
    complaints
}

fn judge_statuses(expected: &Statuses, answers: &[Answer]) -> Option<String> {
    let actual: Vec<Status> = answers.iter().map(|answer| Status(answer.status)).collect();
    let (holds, expected) = match expected {
        Statuses::Every(status) => (actual.iter().all(|one| one == status), format!("{status} every time")),
        Statuses::InOrder(statuses) => (actual == *statuses, in_words(statuses)),
        Statuses::Counted(counts) => (counted(counts, &actual), table(counts)),
    };
    (!holds).then(|| format!("status: expected {expected}, was {}", in_words(&actual)))
}

/// Every status is there as often as it must be, and no other is.
fn counted(counts: &BTreeMap<Status, Count>, actual: &[Status]) -> bool {
    let number = |status: &Status| actual.iter().filter(|one| *one == status).count();
    counts.iter().all(|(status, count)| count.allows(number(status)))
        && actual.iter().all(|status| counts.contains_key(status))
}

fn table(counts: &BTreeMap<Status, Count>) -> String {
    let entries: Vec<String> = counts.iter().map(|(status, count)| format!("{status} = {count}")).collect();
    entries.join(", ")
}

/// Statuses in their order; runs of the same one as `502 x 20`.
fn in_words(statuses: &[Status]) -> String {
    let runs = statuses.chunk_by(|one, next| one == next);
    let words = runs.map(|run| match run.len() {
        1 => run[0].to_string(),
        length => format!("{} x {length}", run[0]),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn judge_counts(case: &Case, seen: &BTreeMap<String, Seen>) -> Vec<String> {
    let complaint = |(what, name, expected): (&str, &str, Count)| {
        let seen = seen.get(name).copied().unwrap_or_default();
        let actual = match what {
            "connections" => seen.connections,
            "received" => seen.received,
            _ => seen.at_once,
        };
        (!expected.allows(actual)).then(|| format!("{what} of {name}: expected {expected}, was {actual}"))
    };
    case.backend_counts().filter_map(complaint).collect()
}

fn missing(key: &str, texts: &[String], actual: &str) -> Vec<String> {
    let missing = texts.iter().filter(|text| !actual.contains(text.as_str()));
    missing.map(|text| format!("{key}: expected \"{text}\", was{}", shown(key, actual))).collect()
}

fn present(key: &str, texts: &[String], actual: &str) -> Vec<String> {
    let present = texts.iter().filter(|text| actual.contains(text.as_str()));
    present.map(|text| format!("{key}: expected no \"{text}\", was{}", shown(key, actual))).collect()
}

/// An answer is shown here; what nginx said is shown once, below.
fn shown(key: &str, actual: &str) -> String {
    match key {
        "answer" | "no_answer" => format!("\n{}", actual.trim_end()),
        "no_log" => " there".to_owned(),
        _ => " not there".to_owned(),
    }
}
