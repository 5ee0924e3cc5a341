//! Runs the binary with limits on time and memory, and says what was wrong
//! with the run.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const BINARY: &str = env!("CARGO_BIN_EXE_nginx-lint");

/// Far more than any case needs; what grows with the square of its input does
/// not make it.
const TIME_LIMIT: Duration = Duration::from_secs(30);

const MEMORY_LIMIT: u64 = 1024 * MB as u64;

pub const MB: usize = 1024 * 1024;

/// What is said to be large is not quite as large without optimisation.
pub const LARGE: usize = if cfg!(debug_assertions) { 20 * MB } else { 100 * MB };

pub const FORMATS: [&str; 3] = ["full", "concise", "json"];

/// Exit codes of what can be read, whatever there is to say about it.
pub const READ: &[i32] = &[0, 1];
/// Of what nginx refuses.
pub const FINDINGS: &[i32] = &[1];
/// Of what cannot be read.
pub const FAILED: &[i32] = &[2];
/// Of either.
pub const NOT_CLEAN: &[i32] = &[1, 2];

/// How a run went.
pub struct Outcome {
    /// None when it was ended by a signal.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The most memory it had, in bytes, as far as that was seen.
    pub peak: u64,
    pub took: Duration,
    /// Why it was killed.
    pub killed: Option<&'static str>,
}

impl Outcome {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Runs a command with limits. Its output goes to files, so that no full pipe
/// can make it wait.
pub fn run(mut command: Command) -> Outcome {
    let output = tempfile::tempdir().expect("a temporary directory");
    let (out, err) = (output.path().join("stdout"), output.path().join("stderr"));
    command.stdout(File::create(&out).expect("a file for stdout"));
    command.stderr(File::create(&err).expect("a file for stderr"));
    let begin = Instant::now();
    let child = command.spawn().expect("the binary starts");
    let (code, peak, killed) = watch(child, begin);
    Outcome {
        code,
        stdout: fs::read(out).expect("stdout"),
        stderr: fs::read(err).expect("stderr"),
        peak,
        took: begin.elapsed(),
        killed,
    }
}

fn watch(mut child: Child, begin: Instant) -> (Option<i32>, u64, Option<&'static str>) {
    let mut peak = 0;
    let mut killed = None;
    loop {
        if let Some(status) = child.try_wait().expect("the state of the child") {
            return (status.code(), peak, killed);
        }
        peak = peak.max(peak_memory(child.id()));
        if killed.is_none() {
            killed = match (begin.elapsed() > TIME_LIMIT, peak > MEMORY_LIMIT) {
                (true, _) => Some("it took too long"),
                (_, true) => Some("it took too much memory"),
                _ => None,
            };
            if killed.is_some() {
                child.kill().expect("the child can be killed");
            }
        }
        std::thread::sleep(Duration::from_millis(4));
    }
}

/// What Linux remembers of a process; 0 elsewhere, and when it is gone.
fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The command, in a directory, with nothing on standard input.
pub fn command(directory: &Path, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(directory).args(arguments).stdin(Stdio::null());
    command
}

/// One thing to try.
pub struct Case {
    pub name: String,
    pub files: Vec<(PathBuf, Vec<u8>)>,
    pub arguments: Vec<OsString>,
    /// A file of the case to give on standard input.
    pub stdin: Option<&'static str>,
    /// The exit codes that are right.
    pub codes: &'static [i32],
    /// Something that stdout or stderr must hold.
    pub says: &'static str,
}

impl Case {
    /// A directory of files; `nginx.conf` is checked.
    pub fn new<P: Into<PathBuf>, B: Into<Vec<u8>>>(
        name: &str,
        files: impl IntoIterator<Item = (P, B)>,
        codes: &'static [i32],
    ) -> Case {
        Case {
            name: name.to_owned(),
            files: files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect(),
            arguments: vec!["nginx.conf".into()],
            stdin: None,
            codes,
            says: "",
        }
    }

    /// One file.
    pub fn file(name: &str, bytes: impl Into<Vec<u8>>, codes: &'static [i32]) -> Case {
        Case::new(name, [("nginx.conf", bytes.into())], codes)
    }

    /// Standard input.
    pub fn stdin(name: &str, bytes: impl Into<Vec<u8>>, codes: &'static [i32]) -> Case {
        let case = Case::new(name, [("stdin", bytes.into())], codes);
        Case { stdin: Some("stdin"), ..case.with_arguments(&["-"]) }
    }

    pub fn with_arguments(mut self, arguments: &[&str]) -> Case {
        self.arguments = arguments.iter().map(OsString::from).collect();
        self
    }

    pub fn saying(self, says: &'static str) -> Case {
        Case { says, ..self }
    }

    /// Writes its files and runs it; `prepare` adds what is not a file.
    pub fn run(&self, format: &str, prepare: impl FnOnce(&Path)) -> Outcome {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (path, bytes) in &self.files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, bytes).expect("a file");
        }
        prepare(directory.path());
        let mut command = command(directory.path(), &self.arguments);
        command.args(["--format", format]);
        if let Some(stdin) = self.stdin {
            command.stdin(File::open(directory.path().join(stdin)).expect("standard input"));
        }
        run(command)
    }
}

/// What is wrong with a run.
pub fn complaints(case: &Case, format: &str, outcome: &Outcome) -> Vec<String> {
    let mut complaints = unsound(outcome);
    if outcome.killed.is_none() {
        let right = outcome.code.is_some_and(|code| case.codes.contains(&code));
        if !right {
            complaints.push(format!("exit code {:?} instead of {:?}", outcome.code, case.codes));
        }
        if !outcome.stdout().contains(case.says) && !outcome.stderr().contains(case.says) {
            complaints.push(format!("it does not say {:?}", case.says));
        }
    }
    let shown = |text: String| text.chars().take(600).collect::<String>();
    let seen = format!("stdout: {}\nstderr: {}", shown(outcome.stdout()), shown(outcome.stderr()));
    complaints.into_iter().map(|complaint| format!("{} ({format}): {complaint}\n{seen}", case.name)).collect()
}

/// What no run may do.
pub fn unsound(outcome: &Outcome) -> Vec<String> {
    let mut complaints = Vec::new();
    if let Some(why) = outcome.killed {
        complaints.push(format!("{why}: {:.1?}, {} MB", outcome.took, outcome.peak / MB as u64));
    } else if !matches!(outcome.code, Some(0..=2)) {
        complaints.push(format!("it ended with {:?}", outcome.code));
    }
    if outcome.stderr().contains("panicked") {
        complaints.push("it panicked".to_owned());
    }
    for (stream, bytes) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        if let Some(character) = steers_a_terminal(bytes) {
            complaints.push(format!("{character} on {stream}"));
        }
    }
    complaints
}

/// A control character, or an override of the direction of writing.
fn steers_a_terminal(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some("bytes that are not UTF-8".to_owned()) };
    let harmful = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || ('\u{202a}'..='\u{202e}').contains(c);
    text.chars().find(harmful).map(|character| format!("{character:?}"))
}

/// Runs every case in every format and fails with all complaints at once.
pub fn run_all(cases: &[Case], formats: &[&str]) {
    let mut all = Vec::new();
    for case in cases {
        for format in formats {
            let outcome = case.run(format, |_| {});
            all.extend(complaints(case, format, &outcome));
        }
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n\n"));
}

pub fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

/// A configuration that is right, around some directives of `http`.
pub fn http(inside: &str) -> String {
    format!("events {{\n}}\n\nhttp {{\n{inside}\n}}\n")
}
