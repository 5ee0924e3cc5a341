//! Which logs are read, and how.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::facts::{Facts, Log, NotExamined};
use crate::logs::{self, AccessFormat, Gatherer, Kind, Source};
use crate::model::{Directive, Model, has_placeholder};

use super::super::arguments::DoctorArguments;
use super::super::input::Input;
use super::super::project::Project;

/// Logs that the configuration names are read so far back: what was long ago
/// is no reason now.
const DEFAULT_SINCE: &str = "1d";

/// Targets of `error_log` and `access_log` that are no files.
const NO_FILES: [&str; 3] = ["syslog:", "memory:", "|"];

/// Where nginx writes what goes to its own output.
const OUTPUTS: [&str; 5] = ["stderr", "/dev/stderr", "/dev/stdout", "/proc/self/fd/1", "/proc/self/fd/2"];

/// The logs to read: those named on the command line, else those that the
/// configuration names.
pub fn sources(arguments: &DoctorArguments, input: &Input, project: &Project, seen: &mut Facts) -> Vec<Source> {
    let mut written: Vec<Source> = Vec::new();
    for job in &input.jobs {
        let model = Model::new(&job.tree, job.outermost, project.profile.clone());
        add_error_logs(&model, seen, &mut written);
        add_access_logs(&model, seen, &mut written);
    }
    // What the configuration says of a file holds for one that is named, too.
    let kind_of = |path: &PathBuf| {
        let known = written.iter().find(|source| source.path == *path).map(|source| source.kind.clone());
        known.unwrap_or_else(|| kind_of_name(path))
    };
    let given = arguments.log.iter().map(|path| Source { kind: kind_of(path), path: path.clone() }).collect();
    let mut known: BTreeSet<PathBuf> = BTreeSet::new();
    let mut sources: Vec<Source> = if arguments.log.is_empty() { written } else { given };
    sources.retain(|source| known.insert(source.path.clone()));
    if arguments.rotated {
        sources = sources.into_iter().flat_map(with_older).collect();
    }
    sources
}

/// A log and those that were rotated away from it, the oldest first.
fn with_older(source: Source) -> Vec<Source> {
    let older = logs::rotated(&source.path).into_iter();
    let mut sources: Vec<Source> = older.map(|path| Source { path, kind: source.kind.clone() }).collect();
    sources.push(source);
    sources
}

/// Reads them.
pub fn read(arguments: &DoctorArguments, sources: &[Source]) -> Log {
    let since = arguments.since.clone().or_else(|| {
        let is_default = arguments.log.is_empty();
        is_default.then(|| logs::since_text(DEFAULT_SINCE).ok()).flatten()
    });
    let mut gatherer = Gatherer::default();
    logs::read(sources, since.as_deref(), &mut gatherer);
    gatherer.finish()
}

/// Notes what could not be read of the logs that the configuration names.
pub fn note_unread(arguments: &DoctorArguments, seen: &mut Facts) {
    let files = seen.log.iter().flat_map(|log| &log.files);
    let unread = files.filter(|file| !arguments.log.iter().any(|path| path == Path::new(&file.path)));
    let missed = unread.filter_map(|file| Some(NotExamined { what: file.path.clone(), why: file.problem.clone()? }));
    let missed: Vec<NotExamined> = missed.collect();
    seen.not_examined.extend(missed);
}

/// Says on stderr which of the logs that were asked for could not be read;
/// whether there are such.
pub fn tell_unread(arguments: &DoctorArguments, seen: &Facts) -> bool {
    let files = seen.log.iter().flat_map(|log| &log.files);
    let mut unread = false;
    for file in files.filter(|file| arguments.log.iter().any(|path| path == Path::new(&file.path))) {
        if let Some(problem) = &file.problem {
            eprintln!("error: {}: {problem}", file.path);
            unread = true;
        }
    }
    unread
}

fn add_error_logs(model: &Model<'_>, seen: &mut Facts, sources: &mut Vec<Source>) {
    let named: Vec<Directive<'_>> = model.directives_named(&["error_log"]).collect();
    for directive in &named {
        if let Some(path) = file_of(*directive, seen) {
            sources.push(Source { kind: kind_of_name(&path), path });
        }
    }
    // In force until the configuration names another one.
    let is_default = !named.iter().any(|directive| directive.parent() == model.main());
    let built_in = seen.nginx.binary.as_ref().and_then(|binary| binary.option("--error-log-path")).map(PathBuf::from);
    if let Some(path) = built_in.filter(|path| is_default && path.is_absolute()) {
        sources.push(Source { kind: kind_of_name(&path), path });
    }
}

/// Access logs whose format tells whose answer it was.
fn add_access_logs(model: &Model<'_>, seen: &mut Facts, sources: &mut Vec<Source>) {
    for directive in model.directives_named(&["access_log"]) {
        let Some(format) = format_of(model, directive).and_then(|text| AccessFormat::parse(&text)) else { continue };
        if let Some(path) = file_of(directive, seen) {
            sources.push(Source { path, kind: Kind::Access(format) });
        }
    }
}

/// The text of the format that an `access_log` names.
fn format_of(model: &Model<'_>, directive: Directive<'_>) -> Option<String> {
    let name = directive.argument(1).filter(|word| !word.contains('='))?;
    let mut formats = model.directives_named(&["log_format"]);
    let format = formats.find(|format| format.argument(0) == Some(name))?;
    let has_escape = format.argument(1).is_some_and(|word| word.starts_with("escape="));
    Some(format.arguments().skip(if has_escape { 2 } else { 1 }).collect())
}

/// What is in a log that is no access log.
fn kind_of_name(path: &Path) -> Kind {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    if name.is_some_and(|name| name.contains("fpm")) { Kind::PhpFpm } else { Kind::Error }
}

/// The file that a log is written to; what is no file is noted as not read.
fn file_of(directive: Directive<'_>, seen: &mut Facts) -> Option<PathBuf> {
    let path = directive.argument(0)?;
    if path == "off" || path == "/dev/null" {
        return None;
    }
    let is_unknown = has_placeholder(path) || path.contains('$');
    let is_elsewhere = OUTPUTS.contains(&path) || NO_FILES.iter().any(|start| path.starts_with(start));
    if is_unknown || is_elsewhere {
        let why = if is_unknown { "its path is not known" } else { "this is no file; give one with --log" };
        let what = format!("{} {path}", directive.name());
        if directive.name() == "error_log" {
            seen.not_examined.push(NotExamined { what, why: why.to_owned() });
        }
        return None;
    }
    seen.nginx.below_prefix(path).map(PathBuf::from)
}
