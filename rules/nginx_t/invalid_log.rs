//! Parameters of logs that nginx does not take.

use rustc_hash::FxHashMap;

use crate::catalog::{self, Family, ValueKind, Words};
use crate::engine::{Check, Finding, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, LogBuffer, LogParameterError, Model, SyslogError, check_syslog, has_placeholder, parse_number,
    parse_seconds, parse_size, syslog_facilities, syslog_severities,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-log",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[
        "https://nginx.org/en/docs/http/ngx_http_log_module.html",
        "https://nginx.org/en/docs/ngx_core_module.html#error_log",
        "https://nginx.org/en/docs/syslog.html",
    ],
    equivalents: &[],
    page: include_str!("invalid_log.md"),
    check: Check::Configuration(check),
};

/// A log in memory has room for at least one message and what stands before.
const SMALLEST_MEMORY: u64 = 2100;

/// Other names for levels, and nginx's own.
const LEVELS_ELSEWHERE: [(&str, &str); 5] =
    [("warning", "warn"), ("err", "error"), ("critical", "crit"), ("panic", "emerg"), ("trace", "debug")];

fn check(model: &Model<'_>, findings: &mut Findings) {
    let mut buffers = FxHashMap::default();
    for directive in model.directives_named(&["access_log", "error_log", "log_format", "open_log_file_cache"]) {
        let Some(known) = directive.taken_as() else { continue };
        match (directive.name(), known.value) {
            ("access_log", _) => check_access_log(directive, &mut buffers, findings),
            ("error_log", ValueKind::Log(levels)) => check_error_log(directive, levels, findings),
            ("log_format", _) => check_escape(directive, findings),
            ("open_log_file_cache", _) => check_cache(directive, findings),
            _ => {}
        }
    }
}

/// A finding about an argument, with nginx's words.
fn refuse<'f>(
    findings: &'f mut Findings,
    directive: Directive<'_>,
    argument: usize,
    message: String,
    says: String,
) -> &'f mut Finding {
    let finding = findings.add(directive.place_of_argument(argument), message);
    finding.nginx_says(says).nginx_names(directive.terminator())
}

/// The buffers of logs by path, and where each was first asked for.
type Buffers<'m> = FxHashMap<&'m str, (Directive<'m>, LogBuffer)>;

fn check_access_log<'m>(directive: Directive<'m>, buffers: &mut Buffers<'m>, findings: &mut Findings) {
    let path = directive.argument(0).unwrap_or_default();
    if path == "off" {
        if let Some(more) = directive.argument(1) {
            let says = format!("invalid parameter \"{more}\"");
            let finding = refuse(findings, directive, 1, format!("\"{more}\" cannot follow \"access_log off\""), says);
            finding.help("write access_log off;");
        }
        return;
    }
    let is_syslog = path.starts_with("syslog:");
    if is_syslog && !check_destination(directive, path, findings) {
        return;
    }
    if directive.argument_count() == 1 && is_in_stream(directive) {
        let says = "log format is not specified".to_owned();
        let finding = refuse(findings, directive, 0, "an access log of stream {} needs a log format".to_owned(), says);
        finding.help(format!("define a log_format in stream {{}} and name it: access_log {path} basic;"));
        return;
    }
    let buffer = match LogBuffer::of(directive) {
        Ok(buffer) => buffer.filter(|buffer| buffer.size > 0),
        Err(error) => return report_parameter(directive, path, &error, findings),
    };
    let Some(buffer) = buffer.filter(|_| !has_placeholder(path)) else { return };
    let says = |text: &str| text.to_owned();
    if is_syslog {
        let message = "a log that goes to syslog cannot be buffered".to_owned();
        let finding = refuse(findings, directive, 0, message, says("logs to syslog cannot be buffered"));
        finding.help("remove buffer=, flush= and gzip");
    } else if path.contains('$') {
        let message = "a log with variables in its path cannot be buffered".to_owned();
        let finding = refuse(findings, directive, 0, message, says("buffered logs cannot have variables in name"));
        finding.help("remove buffer=, flush= and gzip, or the variables");
    } else {
        check_conflict(directive, path, buffer, buffers, findings);
    }
}

fn is_in_stream(directive: Directive<'_>) -> bool {
    directive.definition().is_some_and(|known| known.module.family == Family::Stream)
}

fn check_conflict<'m>(
    directive: Directive<'m>,
    path: &'m str,
    buffer: LogBuffer,
    buffers: &mut Buffers<'m>,
    findings: &mut Findings,
) {
    let (first, known) = *buffers.entry(path).or_insert((directive, buffer));
    if known == buffer {
        return;
    }
    let says = format!("access_log \"{path}\" already defined with conflicting parameters");
    let message = format!("\"{path}\" has another buffer, flush time or compression elsewhere");
    let finding = refuse(findings, directive, 0, message, says);
    finding.label(first.place(), "first opened here");
    finding.help("give all access logs of one file the same buffer=, flush= and gzip=");
}

fn report_parameter(directive: Directive<'_>, path: &str, error: &LogParameterError, findings: &mut Findings) {
    let text = |index: usize| directive.argument(index).unwrap_or_default();
    let value = |index: usize| text(index).split_once('=').map_or("", |(_, value)| value);
    let (index, message, says, help) = match *error {
        LogParameterError::Unknown(index) => (
            index,
            format!("access_log has the unknown parameter \"{}\"", text(index)),
            format!("invalid parameter \"{}\"", text(index)),
            match catalog::nearest(text(index).split('=').next().unwrap_or_default(), ["buffer", "flush", "gzip"]) {
                Some(near) => format!("write {near}=…"),
                None => "write buffer=, flush=, gzip or if=".to_owned(),
            },
        ),
        LogParameterError::BufferSize(index) => (
            index,
            format!("\"{}\" is no size of a buffer", value(index)),
            format!("invalid buffer size \"{}\"", value(index)),
            "write a number of bytes, with k or m, such as buffer=32k".to_owned(),
        ),
        LogParameterError::FlushTime(index) => (
            index,
            format!("\"{}\" is no time after which a log could be written out", value(index)),
            format!("invalid flush time \"{}\"", value(index)),
            "write a time with ms, s, m, h, d or w, such as flush=5s".to_owned(),
        ),
        LogParameterError::CompressionLevel(index) => (
            index,
            format!("\"{}\" is no level of compression", value(index)),
            format!("invalid compression level \"{}\"", value(index)),
            "write a number from 1 to 9, such as gzip=4".to_owned(),
        ),
        LogParameterError::NoBuffer(index) => (
            index,
            "flush= needs a buffer".to_owned(),
            match path.contains('$') && !path.starts_with('/') {
                // nginx quotes it with the directory that it makes of it.
                true => "no buffer is defined for access_log".to_owned(),
                false => format!("no buffer is defined for access_log \"{path}\""),
            },
            "add buffer=, such as buffer=32k, or remove flush=".to_owned(),
        ),
    };
    refuse(findings, directive, index, message, says).help(help);
}

/// Whether nothing is wrong with the parameters behind `syslog:`.
fn check_destination(directive: Directive<'_>, path: &str, findings: &mut Findings) -> bool {
    let prefix = "syslog:".len();
    let Some(Err((range, error))) = path.get(prefix..).filter(|text| !has_placeholder(text)).map(check_syslog) else {
        return true;
    };
    let or_one_of = |word: &str, known: &'static [&'static str]| match catalog::nearest(word, known.iter().copied()) {
        Some(near) => format!("write {near}"),
        None => format!("write one of {}", known.join(", ")),
    };
    let (message, says, help) = match error {
        SyslogError::NoServer => (
            "a log that goes to syslog needs a server=".to_owned(),
            "no syslog server specified".to_owned(),
            "write syslog:server=unix:/dev/log or syslog:server=ADDRESS".to_owned(),
        ),
        SyslogError::Duplicate(name) => (
            format!("{name}= stands twice"),
            format!("duplicate syslog \"{name}\""),
            "remove one of them; for a second server write a second directive".to_owned(),
        ),
        SyslogError::Facility(word) => (
            format!("syslog has no facility \"{word}\""),
            format!("unknown syslog facility \"{word}\""),
            or_one_of(word, syslog_facilities()),
        ),
        SyslogError::Severity(word) => (
            format!("syslog has no severity \"{word}\""),
            format!("unknown syslog severity \"{word}\""),
            level_instead(word).unwrap_or_else(|| or_one_of(word, syslog_severities())),
        ),
        SyslogError::TagLength => (
            "the tag is longer than 32 characters".to_owned(),
            "syslog tag length exceeds 32".to_owned(),
            "write a shorter one".to_owned(),
        ),
        SyslogError::TagCharacters => (
            "the tag has other characters than letters, digits and _".to_owned(),
            "syslog \"tag\" only allows alphanumeric characters and underscore".to_owned(),
            "write _ for any other character".to_owned(),
        ),
        SyslogError::Unknown(word) => (
            format!("syslog has no parameter \"{word}\""),
            format!("unknown syslog parameter \"{word}\""),
            "write server=, facility=, severity=, tag= or nohostname, with commas and no blanks between".to_owned(),
        ),
    };
    let place = directive.place_in_argument(0, prefix + range.start..prefix + range.end);
    findings.add(place, message).nginx_says(says).nginx_names(directive.terminator()).help(help);
    false
}

fn check_error_log(directive: Directive<'_>, levels: Words, findings: &mut Findings) {
    let path = directive.argument(0).unwrap_or_default();
    if path.starts_with("syslog:") && !check_destination(directive, path, findings) {
        return;
    }
    let is_too_small =
        |size: &&str| !has_placeholder(size) && parse_size(size).is_none_or(|size| size < SMALLEST_MEMORY);
    if let Some(size) = path.strip_prefix("memory:").filter(is_too_small) {
        let message = format!("\"{size}\" is too small or no size of a log in memory");
        let finding = refuse(findings, directive, 0, message, format!("invalid buffer size \"{size}\""));
        finding.help("write a number of bytes, with k or m, such as memory:32m");
        return;
    }
    check_levels(directive, levels, findings);
}

/// One level, or any number of those that begin with `debug_`.
fn check_levels(directive: Directive<'_>, levels: Words, findings: &mut Findings) {
    let mut seen: Option<&str> = None;
    let mut has_plain = false;
    for (index, level) in directive.arguments().enumerate().skip(1) {
        if has_placeholder(level) {
            return;
        }
        let is_debug = level.starts_with("debug_");
        if !levels.list.contains(&level) || (is_debug && has_plain) {
            let message = match seen.filter(|_| has_plain && is_debug) {
                Some(other) => format!("\"{level}\" cannot follow \"{other}\""),
                None => format!("\"{level}\" is no level of an error log"),
            };
            let finding = refuse(findings, directive, index, message, format!("invalid log level \"{level}\""));
            let names = levels.list.iter().copied();
            let lower = level.to_ascii_lowercase();
            let near =
                level_instead(&lower).or_else(|| catalog::nearest(level, names).map(|near| format!("write {near}")));
            finding.help(near.unwrap_or_else(|| {
                "write one of debug, info, notice, warn, error, crit, alert, emerg, or some that begin with debug_"
                    .to_owned()
            }));
            return;
        }
        if let Some(other) = seen.filter(|_| !is_debug) {
            let message = format!("\"{level}\" is the second level: \"{other}\" stands before it");
            let finding = refuse(findings, directive, index, message, format!("duplicate log level \"{level}\""));
            finding.help("write the lowest level that you want: it brings all that are worse");
            return;
        }
        has_plain |= !is_debug;
        seen = Some(level);
    }
}

fn level_instead(level: &str) -> Option<String> {
    let found = LEVELS_ELSEWHERE.iter().find(|(other, _)| *other == level);
    found.map(|(_, own)| format!("write {own}"))
}

fn check_escape(directive: Directive<'_>, findings: &mut Findings) {
    let Some(escape) = directive.argument(1).and_then(|argument| argument.strip_prefix("escape=")) else { return };
    if matches!(escape, "default" | "json" | "none") || has_placeholder(escape) {
        return;
    }
    let message = format!("\"{escape}\" is no way of escaping");
    let finding = refuse(findings, directive, 1, message, format!("unknown log format escaping \"{escape}\""));
    finding.help("write escape=default, escape=json or escape=none");
}

fn check_cache(directive: Directive<'_>, findings: &mut Findings) {
    let mut has_max = false;
    let mut is_off = false;
    for (index, argument) in directive.arguments().enumerate() {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        let is_taken = match name {
            _ if has_placeholder(argument) => return,
            "off" if argument == "off" => {
                is_off = true;
                true
            }
            "max" => {
                has_max = parse_number(value).is_some_and(|max| max > 0);
                parse_number(value).is_some()
            }
            "min_uses" => parse_number(value).is_some(),
            "inactive" | "valid" => parse_seconds(value).is_some(),
            _ => false,
        };
        if !is_taken {
            let message = format!("open_log_file_cache does not take \"{argument}\"");
            let says = format!("invalid \"open_log_file_cache\" parameter \"{argument}\"");
            let finding = refuse(findings, directive, index, message, says);
            finding.help("write max=NUMBER, and if needed inactive=TIME, min_uses=NUMBER and valid=TIME; or off");
            return;
        }
    }
    if !has_max && !is_off {
        let message = "open_log_file_cache needs a max= that is not 0".to_owned();
        let says = "\"open_log_file_cache\" must have \"max\" parameter".to_owned();
        let finding = refuse(findings, directive, 0, message, says);
        finding.help("add max=, the number of files that stay open, such as max=1000");
    }
}
