//! A socket of the file system that nginx cannot connect to.

use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::{FileFact, FileKind, ListeningSocket, Outcome, Signature};
use crate::model::{Model, Protocol, SocketUse, Target};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-unix-socket",
    group: Group::Live,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass"],
    equivalents: &[],
    page: include_str!("live_unix_socket.md"),
    check: Check::Configuration(check),
};

/// So many other lines that lead to the same socket are labelled.
const LINES: usize = 3;

/// So many other sockets are named.
const INSTEAD: usize = 3;

/// What is wrong with a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble<'m> {
    /// Nothing is there for nginx, which has a directory of its own.
    Hidden,
    Missing,
    /// Something on its way is no directory.
    Through(&'m str),
    NotASocket(&'static str),
    /// The workers may not enter this directory.
    Stopped(&'m str),
    Forbidden,
    /// A socket, and nobody listens.
    Stale,
    Full,
}

fn check(model: &Model<'_>, findings: &mut Findings) {
    for socket in model.sockets_in_use() {
        match trouble_now(model, &socket) {
            Some(trouble) => say_now(model, &socket, trouble, findings),
            None if !socket.seen.is_empty() => say_then(model, &socket, findings),
            None => {}
        }
    }
}

fn trouble_now<'m>(model: &'m Model<'_>, socket: &SocketUse<'m>) -> Option<Trouble<'m>> {
    let outcome = socket.connection.map(|connection| connection.outcome);
    let kind = socket.file.map(|file| file.kind);
    if socket.is_in_private_directory() {
        // What is missing here may be in that directory.
        let is_there = kind == Some(FileKind::Socket) || outcome == Some(Outcome::Connected);
        let was_missing = socket.seen.iter().any(|seen| seen.signature == Signature::UnixMissing);
        return (is_there || was_missing).then_some(Trouble::Hidden);
    }
    let is_taken = outcome == Some(Outcome::Connected);
    if let Some(file) = socket.file_on_the_way().filter(|_| !is_taken) {
        return Some(Trouble::Through(file));
    }
    match kind.filter(|_| !is_taken) {
        Some(FileKind::Missing) => return Some(Trouble::Missing),
        Some(FileKind::File) => return Some(Trouble::NotASocket("a file")),
        Some(FileKind::Directory) => return Some(Trouble::NotASocket("a directory")),
        Some(FileKind::Other) => return Some(Trouble::NotASocket("a device or a pipe")),
        Some(FileKind::Socket | FileKind::Unknown) | None => {}
    }
    if let Some(directory) = socket.file.and_then(|file| file.worker_stops_at.as_deref()) {
        return Some(Trouble::Stopped(directory));
    }
    if socket.file.is_some_and(|file| file.kind == FileKind::Socket && file.worker_writes == Some(false)) {
        return Some(Trouble::Forbidden);
    }
    match outcome? {
        Outcome::Missing => Some(Trouble::Missing),
        Outcome::Refused => Some(Trouble::Stale),
        Outcome::Full => Some(Trouble::Full),
        // What is denied to somebody else says nothing of the workers.
        Outcome::Denied if is_observed_as_worker(model) => Some(Trouble::Forbidden),
        _ => None,
    }
}

fn is_observed_as_worker(model: &Model<'_>) -> bool {
    let Some(facts) = model.facts() else { return false };
    facts.nginx.user.as_ref().is_some_and(|user| !user.name.is_empty() && *user == facts.observer)
}

fn say_now(model: &Model<'_>, socket: &SocketUse<'_>, trouble: Trouble<'_>, findings: &mut Findings) {
    let path = socket.path;
    let worker = worker(model);
    let message = match trouble {
        Trouble::Hidden => {
            format!("nginx cannot see {path}: its unit has PrivateTmp, and so a directory of its own there")
        }
        Trouble::Missing => format!("there is no socket {path}{}", in_words(&instead(socket))),
        Trouble::Through(file) => format!("{path} is not there: {file} is no directory"),
        Trouble::NotASocket(kind) => format!("{path} is {kind}, and no socket"),
        Trouble::Stopped(directory) => format!("{worker} may not enter {directory}, on the way to the socket {path}"),
        Trouble::Forbidden => format!("{worker} may not connect to {path}{}", permissions(socket.file)),
        Trouble::Stale => {
            format!("nobody listens on the socket {path}: its program is gone{}", in_words(&instead(socket)))
        }
        Trouble::Full => format!("the queue of {path} is full{}", waiting(model, path)),
    };
    let finding = findings.add(socket.place(), message);
    if socket.is_spared() {
        finding.severity(Severity::Warning);
    }
    finding.note(note(socket, outcome_in_words(trouble)));
    finding.help(match trouble {
        Trouble::Hidden => "let the program make its socket below /run, in a directory that both users may enter, and write that path here".to_owned(),
        Trouble::Missing => missing_help(socket, path),
        Trouble::Through(file) => format!("write the path of the socket; if {file} is the one, a colon goes between it and the path of the request"),
        Trouble::NotASocket(_) => "write the path of the socket that the program listens on (ss -lxp shows it)".to_owned(),
        Trouble::Stopped(directory) => format!("let {worker} enter it, with chmod o+x {directory}, or put the socket below /run"),
        Trouble::Forbidden => forbidden_help(model, socket),
        Trouble::Stale => "start the program; when it starts it has to remove the file that is left and make the socket anew".to_owned(),
        Trouble::Full => full_help(socket),
    });
    finish(socket, finding);
}

/// Of what the log has and what is not so now, or was not looked at.
fn say_then(model: &Model<'_>, socket: &SocketUse<'_>, findings: &mut Findings) {
    let Some(most) = socket.seen.iter().max_by_key(|seen| seen.count) else { return };
    let path = socket.path;
    let worker = worker(model);
    let is_back = socket.connection.is_some_and(|connection| connection.outcome == Outcome::Connected);
    let now = if is_back { ", and takes connections now" } else { "" };
    let is_allowed = socket.file.is_some_and(|file| file.worker_writes == Some(true));
    let is_enforcing =
        model.facts().and_then(|facts| facts.machine.selinux.as_ref()).is_some_and(|selinux| selinux.enforcing);
    let (message, help) = match most.signature {
        Signature::UnixMissing => (format!("the socket {path} was missing{now}"), missing_help(socket, path)),
        Signature::UnixDenied if is_allowed && is_enforcing => (
            format!("nginx was not allowed to connect to {path}, though its permissions let {worker}"),
            "ausearch -m avc -ts recent shows what SELinux, which is enforcing, denied; a socket below /run of a confined program has a label that nginx may use".to_owned(),
        ),
        Signature::UnixDenied => (format!("{worker} was not allowed to connect to {path}"), forbidden_help(model, socket)),
        Signature::UnixRefused => (
            format!("nobody listened on {path}{now}"),
            "look at the program's own log for these times; it should go on taking connections while it restarts".to_owned(),
        ),
        Signature::UnixFull => (format!("the queue of {path} was full"), full_help(socket)),
        _ => (
            format!("{path} leads through something that is no directory"),
            "write the path of the socket; a colon goes between it and the path of the request".to_owned(),
        ),
    };
    let outcome = match most.signature {
        Signature::UnixMissing => "failed (2: No such file or directory)",
        Signature::UnixDenied => "failed (13: Permission denied)",
        Signature::UnixRefused => "failed (111: Connection refused)",
        Signature::UnixFull => "failed (11: Resource temporarily unavailable)",
        _ => "failed (20: Not a directory)",
    };
    let finding = findings.add(socket.place(), message);
    finding.severity(Severity::Warning);
    finding.note(note(socket, outcome));
    finding.help(help);
    finish(socket, finding);
}

fn finish(socket: &SocketUse<'_>, finding: &mut Finding) {
    for line in socket.lines.iter().skip(1).take(LINES) {
        finding.label(line.place_of_argument(0), "leads there, too");
    }
    socket.seen.iter().for_each(|seen| {
        finding.seen(seen);
    });
}

fn outcome_in_words(trouble: Trouble<'_>) -> &'static str {
    match trouble {
        Trouble::Hidden | Trouble::Missing => "failed (2: No such file or directory)",
        Trouble::Through(_) => "failed (20: Not a directory)",
        // Of what may not be written that is said before what kind it is.
        Trouble::NotASocket(_) => "failed (111: Connection refused) or (13: Permission denied)",
        Trouble::Stopped(_) | Trouble::Forbidden => "failed (13: Permission denied)",
        Trouble::Stale => "failed (111: Connection refused)",
        Trouble::Full => "failed (11: Resource temporarily unavailable)",
    }
}

fn note(socket: &SocketUse<'_>, outcome: &str) -> String {
    let each =
        if socket.is_of_stream() { "connections passed there are closed" } else { "requests passed there get 502" };
    if socket.is_spared() {
        return format!(
            "requests go on to others that answer; the error log has \"connect() to unix:{} {outcome}\"",
            socket.path
        );
    }
    let unless = if socket.has_alternatives() { " unless another server takes them" } else { "" };
    format!("{each}{unless}: \"connect() to unix:{} {outcome}\"", socket.path)
}

/// The user that the workers run as.
fn worker(model: &Model<'_>) -> String {
    let user = model.facts().and_then(|facts| facts.nginx.user.as_ref()).filter(|user| !user.name.is_empty());
    user.map_or_else(|| "the user of the workers".to_owned(), |user| format!("{} (the workers)", user.name))
}

fn permissions(file: Option<&FileFact>) -> String {
    let Some(file) = file else { return String::new() };
    let mode = file.mode.map(|mode| format!("mode {:04o}", mode & 0o7777));
    let owner = file.owner.as_ref().map(|owner| match &file.group {
        Some(group) => format!("owner {owner}:{group}"),
        None => format!("owner {owner}"),
    });
    let both: Vec<String> = mode.into_iter().chain(owner).collect();
    if both.is_empty() { String::new() } else { format!(": {}", both.join(", ")) }
}

fn instead<'m>(socket: &SocketUse<'m>) -> Vec<&'m str> {
    socket.listening_instead().into_iter().take(INSTEAD).collect()
}

fn in_words(instead: &[&str]) -> String {
    if instead.is_empty() { String::new() } else { format!("; in that directory there is {}", instead.join(", ")) }
}

fn missing_help(socket: &SocketUse<'_>, path: &str) -> String {
    match instead(socket).first() {
        Some(other) => format!("start the program that makes it; if {other} is the one, write unix:{other}"),
        None => format!(
            "start the program that makes it, or write the path it listens on (ss -lxp shows it); of php-fpm that is listen = {path} in its pool"
        ),
    }
}

fn is_of_php(socket: &SocketUse<'_>) -> bool {
    let mut targets = socket.lines.iter().filter_map(|line| Target::of(*line));
    targets.any(|target| target.protocol == Protocol::Fastcgi) || socket.path.contains("php")
}

fn forbidden_help(model: &Model<'_>, socket: &SocketUse<'_>) -> String {
    let user = model.facts().and_then(|facts| facts.nginx.user.as_ref()).map(|user| user.name.as_str());
    let user = user.filter(|name| !name.is_empty()).unwrap_or("USER");
    let group = socket.file.and_then(|file| file.group.as_deref()).filter(|group| *group != "root");
    if is_of_php(socket) {
        return format!(
            "in the pool of php-fpm write listen.owner = {user}, listen.group = {user} and listen.mode = 0660, and restart it"
        );
    }
    match group {
        Some(group) => format!(
            "let the program make it with mode 0660, add the user to its group, usermod -aG {group} {user}, and restart nginx"
        ),
        None => "let the program make it with mode 0660 and a group that the user of the workers is in".to_owned(),
    }
}

fn waiting(model: &Model<'_>, path: &str) -> String {
    let listening = model.facts().and_then(|facts| facts.listening.as_deref()).unwrap_or_default();
    let own = listening.iter().find(|socket: &&ListeningSocket| socket.address.strip_prefix("unix:") == Some(path));
    match own.and_then(|socket| socket.backlog) {
        Some(backlog) => format!(": {backlog} connections may wait to be taken, and do"),
        None => ": its program takes connections slower than they come".to_owned(),
    }
}

fn full_help(socket: &SocketUse<'_>) -> String {
    let who =
        if is_of_php(socket) { "more processes (pm.max_children of php-fpm)" } else { "more workers of that program" };
    let queue = if is_of_php(socket) { "listen.backlog" } else { "the backlog it listens with" };
    format!(
        "find what its requests wait for; then {who}, and a longer queue: {queue}, and net.core.somaxconn, which limits it"
    )
}
