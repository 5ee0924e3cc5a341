//! Workers that may open fewer files than they are to hold connections.

use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{DEFAULT_CONNECTIONS, KnownFrom, Model, Place, Seen, WorkerFiles};

/// See the page.
pub const RULE: Rule = Rule {
    name: "live-rlimit-vs-connections",
    group: Group::Live,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_nofile"],
    equivalents: &[],
    page: include_str!("live_rlimit_vs_connections.md"),
    check: Check::Configuration(check),
};

/// A worker with so many hundredths of its files open has none left soon.
const FULL: u64 = 95;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let Some(facts) = model.facts() else { return };
    if let (Some(open), Some(most)) = (facts.machine.files_open, facts.machine.file_max)
        && open.saturating_mul(100) >= most.saturating_mul(FULL)
    {
        say_whole_machine(model, open, most, findings);
    }
    let seen = model.seen(&[Signature::SocketTooManyFiles, Signature::AcceptTooManyFiles]);
    let state = State::of(model, !seen.is_empty());
    let refused = refused(model);
    if refused.is_none() && !state.is_worth_saying(model) {
        return;
    }
    let finding = match &refused {
        Some(refused) => say_refused(model, refused, &state, findings),
        None => say_short(model, &state, findings),
    };
    let refusals = model.seen(&[Signature::RaisingLimitRefused]);
    let refusals = refusals.iter().filter(|one| refused.is_some() && is_about_current(model, one));
    seen.iter().chain(refusals).for_each(|seen| {
        finding.seen(seen);
    });
}

/// All programs together have nearly as many files open as the kernel allows.
fn say_whole_machine(model: &Model<'_>, open: u64, most: u64, findings: &mut Findings) {
    let message =
        format!("this machine has {open} files open, all programs together, and may have {most} (fs.file-max)");
    let finding = findings.add(place(model), message);
    finding.note("when none is left, no program but those of root can open a file or a connection: \"(23: Too many open files in system)\"");
    finding.help(format!(
        "see which program has so many (lsof), and raise the limit: sysctl -w fs.file-max={}",
        most.saturating_mul(2)
    ));
}

/// How many files and how many connections workers have.
#[derive(Clone, Copy)]
struct State {
    files: Option<WorkerFiles>,
    connections: Option<u64>,
    /// The log has workers that had no file left.
    is_in_log: bool,
}

impl State {
    fn of(model: &Model<'_>, is_in_log: bool) -> State {
        let connections = model.worker_connections().map(|connections| connections.count);
        State { files: model.worker_files(), connections, is_in_log }
    }

    fn is_full(self) -> bool {
        let is_full = |files: WorkerFiles| {
            files.open.is_some_and(|open| open.saturating_mul(100) >= files.limit.saturating_mul(FULL))
        };
        self.files.is_some_and(is_full)
    }

    fn is_short(self) -> bool {
        self.files.zip(self.connections).is_some_and(|(files, connections)| files.limit < connections)
    }

    /// Whether the limit now leaves room for two files a connection, whatever
    /// the log has.
    fn has_room(self) -> bool {
        let has_room = |(files, connections): (WorkerFiles, u64)| files.limit >= connections.saturating_mul(2);
        self.files.zip(self.connections).is_some_and(has_room) && !self.is_full()
    }

    /// Whether clients get errors because of it, as far as that was seen.
    fn hurts(self) -> bool {
        self.is_full() || (self.is_in_log && !self.has_room())
    }

    /// What the text of the configuration tells by itself is another rule's.
    fn is_worth_saying(self, model: &Model<'_>) -> bool {
        let written = model.worker_file_limit().map(|(_, number)| number);
        let is_as_written = self.files.is_some_and(|files| Some(files.limit) == written);
        // Of a limit that is written and not loaded nothing is known.
        let is_old = written.is_some() && model.unloaded_file().is_some();
        self.is_full() || self.is_in_log || (self.is_short() && !is_as_written && !is_old)
    }
}

/// A limit that nginx cannot give its workers.
struct Refused {
    number: u64,
    why: String,
}

fn refused(model: &Model<'_>) -> Option<Refused> {
    let facts = model.facts()?;
    let (_, number) = model.worker_file_limit()?;
    let because = |why: String| Some(Refused { number, why });
    if let Some(most) = facts.machine.nr_open.filter(|most| number > *most) {
        return because(format!("the kernel allows no process more than {most} (fs.nr_open)"));
    }
    let master = facts.nginx.master.as_ref();
    let may_not_raise = master.filter(|master| master.may_raise_limits == Some(false));
    if let Some(hard) = may_not_raise.and_then(|master| master.open_files_hard).filter(|hard| number > *hard) {
        return because(format!("nginx was started with a hard limit of {hard} and may not raise it"));
    }
    let is_given =
        model.worker_files().is_some_and(|files| files.known_from == KnownFrom::Workers && files.limit >= number);
    let seen = model.seen(&[Signature::RaisingLimitRefused]);
    let is_in_log = !is_given && seen.iter().any(|seen| is_about_current(model, seen));
    is_in_log.then(|| Refused { number, why: "the system refused it".to_owned() })
}

/// Whether a refusal in the log is about the number that is written now.
fn is_about_current(model: &Model<'_>, seen: &Seen<'_>) -> bool {
    let number = seen.detail.and_then(|number| number.parse::<u64>().ok());
    number.is_some() && number == model.worker_file_limit().map(|(_, number)| number)
}

fn say_refused<'f>(model: &Model<'_>, refused: &Refused, state: &State, findings: &'f mut Findings) -> &'f mut Finding {
    let Refused { number, why } = refused;
    let goes_on = match state.files.filter(|files| files.known_from == KnownFrom::Workers) {
        Some(files) => format!("; workers have {}", files.limit),
        None => String::new(),
    };
    let message = format!("worker_rlimit_nofile {number} has no effect: {why}{goes_on}");
    let finding = findings.add(place(model), message);
    let is_harmless = state.files.is_some_and(|files| files.known_from == KnownFrom::Workers) && !state.is_short();
    finding.severity(match (state.hurts(), is_harmless) {
        (true, _) => Severity::Error,
        (false, true) => Severity::Info,
        (false, false) => Severity::Warning,
    });
    finding.note(format!("workers go on with the limit they were started with: \"setrlimit(RLIMIT_NOFILE, {number}) failed (1: Operation not permitted)\"; nginx -t does not try it; {AT_THE_LIMIT}"));
    finding.help(outside(model, *number));
    label(model, finding);
    finding
}

/// What comes of it.
const AT_THE_LIMIT: &str = "without a file left, requests get 500 (\"socket() failed (24: Too many open files)\") and new clients wait (\"accept4() failed (24: Too many open files)\")";

fn say_short<'f>(model: &Model<'_>, state: &State, findings: &'f mut Findings) -> &'f mut Finding {
    let finding = findings.add(place(model), in_words(model, state));
    if state.hurts() {
        finding.severity(Severity::Error);
    }
    finding.note(format!(
        "a request that is passed on takes two files, one more if it is buffered on disk; {AT_THE_LIMIT}"
    ));
    finding.help(remedy(model, state));
    label(model, finding);
    finding
}

fn in_words(model: &Model<'_>, state: &State) -> String {
    let connections = state.connections.map(|count| format!("worker_connections is {count}"));
    let and = |connector: &str| connections.as_ref().map(|text| format!("{connector}{text}")).unwrap_or_default();
    let Some(files) = state.files else {
        return format!("workers had no file left to open{}", and("; "));
    };
    let limit = files.limit;
    match files.open {
        Some(open) if state.is_full() => format!("a worker has {open} files open and may have {limit}{}", and("; ")),
        _ if state.has_room() => {
            format!("workers had no file left to open; now they may open {limit}{}", and(", and "))
        }
        _ if !state.is_short() => format!("workers had no file left to open: they may open {limit}{}", and(", and ")),
        _ if files.known_from == KnownFrom::Unit => {
            let unit = model.facts().and_then(|facts| facts.nginx.unit.as_ref()).map_or("the unit", |unit| &unit.name);
            format!("{unit} lets workers open {limit} files (LimitNOFILE){}", and(", and "))
        }
        _ => format!("workers may open {limit} files{}", and(", and ")),
    }
}

fn remedy(model: &Model<'_>, state: &State) -> String {
    let limit = state.files.map_or(0, |files| files.limit);
    let wanted = state.connections.unwrap_or(DEFAULT_CONNECTIONS).max(limit).saturating_mul(2);
    let facts = model.facts();
    let most = facts.and_then(|facts| facts.machine.nr_open);
    if most.is_some_and(|most| wanted > most) {
        return format!("write fewer worker_connections, or raise fs.nr_open and write worker_rlimit_nofile {wanted};");
    }
    let master = facts.and_then(|facts| facts.nginx.master.as_ref());
    let is_bound = master.is_some_and(|master| {
        master.may_raise_limits == Some(false) && master.open_files_hard.is_some_and(|hard| wanted > hard)
    });
    let again = if state.has_room() { "if it comes again, " } else { "" };
    if is_bound {
        outside(model, wanted)
    } else {
        format!("{again}write worker_rlimit_nofile {wanted}; and reload nginx")
    }
}

/// How a limit is raised where nginx is started.
fn outside(model: &Model<'_>, wanted: u64) -> String {
    let unit = model.facts().and_then(|facts| facts.nginx.unit.as_ref());
    let most = model.facts().and_then(|facts| facts.machine.nr_open);
    if let Some(most) = most.filter(|most| wanted > *most) {
        return format!("write worker_rlimit_nofile {most}; or less, or raise it with sysctl fs.nr_open first");
    }
    match unit {
        Some(unit) => format!(
            "systemctl edit {}: write LimitNOFILE={wanted} under [Service], and systemctl restart it",
            unit.name
        ),
        None if model.is_in_container() => format!("start the container with --ulimit nofile={wanted}"),
        None => format!("raise the limit where nginx is started, to {wanted}, and restart it"),
    }
}

fn place(model: &Model<'_>) -> Place {
    match (model.worker_file_limit(), model.worker_connections()) {
        (Some((directive, _)), _) => directive.place(),
        (None, Some(connections)) => connections.place(),
        (None, None) => model.place_of_configuration(),
    }
}

fn label(model: &Model<'_>, finding: &mut Finding) {
    if let Some(connections) = model.worker_connections().filter(|found| found.place() != finding.place) {
        finding.label(connections.place(), connections.described());
    }
}
