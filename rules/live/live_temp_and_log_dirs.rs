//! Directories that nginx cannot write to.

use std::collections::BTreeSet;

use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{FileKind, Signature};
use crate::model::{Directory, DirectoryPurpose, Model, Seen};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-temp-and-log-dirs",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_temp_path"],
    equivalents: &[],
    page: include_str!("live_temp_and_log_dirs.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    if model.facts().is_none() {
        return;
    }
    let mut seen = model.seen(&[Signature::ProxyTempDenied, Signature::BodyTempDenied]);
    let mut said: BTreeSet<(&str, DirectoryPurpose)> = BTreeSet::new();
    let directories = model.directories();
    for directory in &directories {
        // Many servers may log to one directory.
        if !said.insert((directory.path, directory.purpose)) {
            continue;
        }
        let Some(problem) = problem_of(model, directory) else { continue };
        let finding = say(directory, &problem, findings);
        seen.retain(|seen| {
            let is_its = seen.detail.is_some_and(|path| is_below(path, directory.path));
            if is_its {
                finding.seen(seen);
            }
            !is_its
        });
    }
    seen.iter().for_each(|seen| say_then(model, seen, findings));
}

/// Why nginx cannot write to a directory.
enum Problem<'m> {
    /// It is not there.
    Missing,
    /// It is no directory.
    NoDirectory,
    /// The workers may not enter this one on the way.
    StopsAt(&'m str),
    /// It belongs to somebody else.
    Denied,
}

fn problem_of<'m>(model: &'m Model<'_>, directory: &Directory<'m>) -> Option<Problem<'m>> {
    if directory.purpose == DirectoryPurpose::Logs {
        log_problem(model, directory)
    } else {
        problem_of_workers(model, directory)
    }
}

fn problem_of_workers<'m>(model: &'m Model<'_>, directory: &Directory<'m>) -> Option<Problem<'m>> {
    // What nginx started as root finds amiss with the directory itself it
    // mends when it starts, and when it reads its configuration anew.
    let is_loaded = model.loaded_at().is_some() && model.unloaded_file().is_none();
    let fact = directory.fact;
    match fact.kind {
        FileKind::Missing => is_loaded.then_some(Problem::Missing),
        FileKind::Directory => match fact.worker_stops_at.as_deref() {
            Some(stop) => Some(Problem::StopsAt(stop)),
            None => {
                (fact.worker_writes == Some(false) && (is_loaded || !starts_as_root(model))).then_some(Problem::Denied)
            }
        },
        FileKind::Unknown => None,
        FileKind::File | FileKind::Socket | FileKind::Other => Some(Problem::NoDirectory),
    }
}

/// The master opens the logs, mostly as root; of anybody else it is known that
/// the workers run as the same user.
fn log_problem<'m>(model: &Model<'_>, directory: &Directory<'m>) -> Option<Problem<'m>> {
    let fact = directory.fact;
    match fact.kind {
        FileKind::Missing => Some(Problem::Missing),
        FileKind::Directory if starts_as_root(model) => None,
        FileKind::Directory => (fact.worker_writes == Some(false)).then_some(Problem::Denied),
        FileKind::Unknown => None,
        FileKind::File | FileKind::Socket | FileKind::Other => Some(Problem::NoDirectory),
    }
}

/// Whether the master is root, as far as is known.
fn starts_as_root(model: &Model<'_>) -> bool {
    let uid = model.facts().and_then(|facts| facts.nginx.master.as_ref()).and_then(|master| master.uid);
    uid.is_none_or(|uid| uid == 0)
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

fn say<'f>(directory: &Directory<'_>, problem: &Problem<'_>, findings: &'f mut Findings) -> &'f mut Finding {
    let path = directory.path;
    let name = name_of(directory.purpose);
    let default = if directory.directive.is_none() { " (the default)" } else { "" };
    let what = match problem {
        Problem::Missing => format!("{path}{default} is not there"),
        Problem::NoDirectory => format!("{path}{default} is no directory"),
        Problem::StopsAt(stop) => format!("the workers cannot get to {path}{default}, as they may not enter {stop}"),
        Problem::Denied => format!("the workers may not write to {path}{default}{}", owner(directory)),
    };
    let finding = findings.add(directory.place, format!("{what}: {name}"));
    finding.note(consequence(directory.purpose, problem));
    finding.help(match problem {
        Problem::StopsAt(stop) => format!("let the user of the workers enter it: chmod o+x {stop}"),
        Problem::NoDirectory => "write the path of a directory".to_owned(),
        Problem::Missing if directory.purpose == DirectoryPurpose::Logs => format!("mkdir {path}"),
        Problem::Missing => format!("reload nginx as root, which makes it, or mkdir {path} and give it to the user of the workers"),
        Problem::Denied => format!("reload nginx as root, which gives it to the user of the workers; if that changes nothing, see whether it is mounted read-only: findmnt -T {path}"),
    });
    if directory.purpose == DirectoryPurpose::Logs {
        finding.severity(Severity::Warning);
    }
    finding
}

fn owner(directory: &Directory<'_>) -> String {
    directory.fact.owner.as_ref().map(|owner| format!(", which belongs to {owner}")).unwrap_or_default()
}

fn name_of(purpose: DirectoryPurpose) -> &'static str {
    match purpose {
        DirectoryPurpose::Bodies => "bodies of requests go there",
        DirectoryPurpose::Answers => "answers that are larger than the buffers go there",
        DirectoryPurpose::Cache => "the cache is there",
        DirectoryPurpose::Logs => "a log is to be written there",
    }
}

fn consequence(purpose: DirectoryPurpose, problem: &Problem<'_>) -> String {
    let why = match problem {
        Problem::Missing => "failed (2: No such file or directory)",
        Problem::NoDirectory => "failed (20: Not a directory)",
        Problem::StopsAt(_) | Problem::Denied => "failed (13: Permission denied)",
    };
    match purpose {
        DirectoryPurpose::Bodies => format!(
            "requests with a body that does not fit into client_body_buffer_size get 500: open() {why} in the error log"
        ),
        DirectoryPurpose::Answers | DirectoryPurpose::Cache => {
            format!("answers that go to a file are cut off, with status 200: open() {why} while reading upstream")
        }
        DirectoryPurpose::Logs => {
            "nginx does not start, and refuses a reload: open() of the log fails; nginx -t says so, too".to_owned()
        }
    }
}

/// Of what the log has and is not so now, or was not looked at.
fn say_then(model: &Model<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let is_body = seen.signature == Signature::BodyTempDenied;
    let path = seen.detail.unwrap_or("a temporary file");
    let setting = match seen.target {
        _ if is_body => "client_body_temp_path".to_owned(),
        Some(target) => format!("{}_temp_path", target.protocol.prefix()),
        None => "proxy_temp_path".to_owned(),
    };
    let written = seen.block().unwrap_or(model.main()).effective(&setting).directive();
    let place = written.map_or_else(|| seen.place(), |directive| directive.place());
    let finding = findings.add(place, format!("the workers could not open {path} ({setting}): permission denied"));
    finding.severity(Severity::Warning);
    finding.note(if is_body { "these requests, with a body too large for client_body_buffer_size, got 500" } else { "these answers, larger than the buffers, were cut off with status 200: \"open() failed (13: Permission denied) while reading upstream\"" });
    finding.help(format!("look whether the user of the workers may write there, and enter each directory on the way; reloading as root gives {setting} back to that user"));
    finding.seen(seen);
}
