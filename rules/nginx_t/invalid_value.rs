//! A value that the directive's own reader does not take: flags, numbers,
//! sizes, times, words.

use crate::catalog::{self, ValueKind, Version, Words};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{
    Directive, has_placeholder, once_read, parse_flag, parse_milliseconds, parse_number, parse_offset, parse_seconds,
    parse_size,
};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-value",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/syntax.html", "https://nginx.org/en/docs/dirindex.html"],
    equivalents: &[],
    page: include_str!("invalid_value.md"),
    check: Check::DirectivesWhere(is_read_here, check),
};

/// Directives with readers of their own, although the catalog gives the kind
/// of their value; the rules for them judge it.
const READ_ELSEWHERE: [&str; 9] = [
    "worker_processes",
    "worker_priority",
    "use",
    "keepalive",
    "least_time",
    "image_filter_jpeg_quality",
    "image_filter_webp_quality",
    "image_filter_sharpen",
    "protocol",
];

/// Words that a directive takes beside what its kind says.
const OTHER_WORDS: [(&str, &str); 3] = [("directio", "off"), ("userid_expires", "max"), ("userid_expires", "off")];

/// Since this release `proxy_limit_rate` and its kin take variables.
const VARIABLE_RATES: Version = Version::new(1, 27, 0);

/// Directives with a third word, which is always the same.
const WITH_IF_NOT_EMPTY: [&str; 3] = ["fastcgi_param", "scgi_param", "uwsgi_param"];

/// Words that came later than their directive.
const LATER_WORDS: [(&str, &str, Version); 1] = [("proxy_http_version", "2", Version::new(1, 29, 4))];

fn is_read_here(definition: &'static catalog::Directive) -> bool {
    use ValueKind::*;
    let kind = matches!(
        definition.value,
        Flag | Number(_)
            | Size
            | Offset
            | Milliseconds
            | Seconds
            | Buffers
            | Enumeration(_)
            | Bitmask(_)
            | Access
            | ComplexSize
    );
    (kind || once_read(definition.name).is_some() || WITH_IF_NOT_EMPTY.contains(&definition.name))
        && !READ_ELSEWHERE.contains(&definition.name)
}

/// What is wrong with an argument.
struct Complaint {
    argument: usize,
    message: String,
    help: String,
    nginx_says: String,
    since: Option<Version>,
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let mut first = None;
    for definition in directive.definitions() {
        let form = directive.model().version().map_or(definition.form(), |version| definition.form_in(version));
        if !form.arguments.accept(directive.argument_count()) {
            return;
        }
        match complaint(definition, directive) {
            None => {
                first = None;
                break;
            }
            Some(complaint) => first = first.or(Some(complaint)),
        }
    }
    // What a placeholder will be is not known.
    if let Some(complaint) = first.filter(|_| !directive.arguments().any(has_placeholder)) {
        let place = directive.place_of_argument(complaint.argument);
        let finding = findings.add(place, complaint.message);
        finding
            .nginx_says(complaint.nginx_says)
            .nginx_names(directive.terminator())
            .about(directive)
            .help(complaint.help);
        if let Some(version) = complaint.since {
            finding.before(version);
        }
    }
    warn_of_repeated_words(directive, findings);
}

fn complaint(definition: &'static catalog::Directive, directive: Directive<'_>) -> Option<Complaint> {
    if !is_read_here(definition) {
        return None;
    }
    let value = directive.argument(0)?;
    if OTHER_WORDS.contains(&(definition.name, value)) {
        return None;
    }
    let once = once_read(definition.name);
    if let Some((_, before)) = once
        && directive.model().version().is_none_or(|version| version >= before)
    {
        return None;
    }
    match once.map_or(definition.value, |(kind, _)| kind) {
        ValueKind::Flag => flag(directive, definition, value),
        ValueKind::Number(bounds) => number(directive, value, bounds),
        ValueKind::Size => plain(directive, 0, parse_size(value).is_some(), "a size", size_help(value)),
        ValueKind::Offset => plain(directive, 0, parse_offset(value).is_some(), "a size", offset_help(value)),
        ValueKind::ComplexSize if value.contains('$') => variable_too_early(directive),
        ValueKind::ComplexSize => plain(directive, 0, parse_size(value).is_some(), "a size", size_help(value)),
        ValueKind::Milliseconds => milliseconds(directive, value),
        ValueKind::Seconds => plain(directive, 0, parse_seconds(value).is_some(), "a time", seconds_help(value)),
        ValueKind::Buffers => buffers(directive, value),
        ValueKind::Enumeration(words) => enumeration(directive, value, words),
        ValueKind::Bitmask(words) => {
            let (index, value) = directive.arguments().enumerate().find(|(_, value)| !words.accept(value))?;
            Some(unknown_word(directive, index, value, words))
        }
        ValueKind::Access => access(directive),
        ValueKind::KeyValue => if_not_empty(directive),
        _ => None,
    }
}

/// Most readers say no more than that the value is invalid.
fn plain(directive: Directive<'_>, argument: usize, valid: bool, what: &str, help: String) -> Option<Complaint> {
    let name = directive.name();
    let value = directive.argument(argument)?;
    (!valid).then(|| Complaint {
        argument,
        message: format!("\"{value}\" is not {what} that \"{name}\" can read"),
        help,
        nginx_says: format!("\"{name}\" directive invalid value"),
        since: None,
    })
}

/// The rates of clients and of stream took variables long before.
fn variable_too_early(directive: Directive<'_>) -> Option<Complaint> {
    let name = directive.name();
    ["proxy_limit_rate", "fastcgi_limit_rate", "uwsgi_limit_rate", "scgi_limit_rate"].contains(&name).then(|| {
        Complaint {
            argument: 0,
            message: format!("\"{name}\" takes variables from nginx {VARIABLE_RATES} on"),
            help: "write a size, such as 512k".to_owned(),
            nginx_says: format!("\"{name}\" directive invalid value"),
            since: Some(VARIABLE_RATES),
        }
    })
}

fn flag(directive: Directive<'_>, definition: &catalog::Directive, value: &str) -> Option<Complaint> {
    let name = directive.name();
    // What stands behind a NUL byte is not compared.
    let value = if directive.has_nul(0) { directive.until_nul(1) } else { value };
    let is_flag = definition.value != ValueKind::Flag
        || directive.model().version().is_none_or(|version| definition.form_in(version).flag);
    (is_flag && parse_flag(value).is_none()).then(|| Complaint {
        argument: 0,
        message: format!("\"{name}\" is \"on\" or \"off\", not \"{value}\""),
        help: match value.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "enable" | "enabled" => "write \"on\"".to_owned(),
            "no" | "false" | "0" | "disable" | "disabled" => "write \"off\"".to_owned(),
            _ => "write \"on\" or \"off\"".to_owned(),
        },
        nginx_says: format!("invalid value \"{value}\" in \"{name}\" directive, it must be \"on\" or \"off\""),
        since: None,
    })
}

fn number(directive: Directive<'_>, value: &str, bounds: Option<(u64, u64)>) -> Option<Complaint> {
    let name = directive.name();
    let Some(number) = parse_number(value) else {
        return Some(Complaint {
            argument: 0,
            message: format!("\"{value}\" is not a number that \"{name}\" can read"),
            help: "write digits alone, without unit or sign".to_owned(),
            nginx_says: match name {
                "worker_connections" => format!("invalid number \"{value}\""),
                _ => format!("\"{name}\" directive invalid number"),
            },
            since: None,
        });
    };
    let (low, high) = bounds?;
    (number < low || number > high).then(|| Complaint {
        argument: 0,
        message: format!("{number} is outside of what \"{name}\" takes"),
        help: format!("write a number from {low} to {high}"),
        nginx_says: format!("value must be between {low} and {high}"),
        since: None,
    })
}

/// The second argument of `keepalive_timeout` is for a header: seconds.
fn milliseconds(directive: Directive<'_>, value: &str) -> Option<Complaint> {
    plain(directive, 0, parse_milliseconds(value).is_some(), "a time", milliseconds_help(value)).or_else(|| {
        let header = directive.argument(1)?;
        plain(directive, 1, parse_seconds(header).is_some(), "a time", seconds_help(header))
    })
}

fn buffers(directive: Directive<'_>, value: &str) -> Option<Complaint> {
    let size = directive.argument(1)?;
    let is_some = |number: Option<u64>| number.is_some_and(|number| number > 0);
    let help = || "write how many buffers and how large one is, such as 8 4k".to_owned();
    plain(directive, 0, is_some(parse_number(value)), "a number of buffers", help())
        .or_else(|| plain(directive, 1, is_some(parse_size(size)), "a size", size_help(size)))
}

fn enumeration(directive: Directive<'_>, value: &str, words: Words) -> Option<Complaint> {
    let name = directive.name();
    if name == "aio" {
        let known = ["on", "off", "threads"].contains(&value) || value.starts_with("threads=");
        return plain(
            directive,
            0,
            known,
            "a word",
            "write \"threads\", \"threads=POOL\", \"on\" or \"off\"".to_owned(),
        );
    }
    if !words.accept(value) {
        return Some(unknown_word(directive, 0, value, words));
    }
    let (_, _, since) = LATER_WORDS.into_iter().find(|(later, word, _)| *later == name && *word == value)?;
    Some(Complaint {
        message: format!("\"{name} {value}\" came with nginx {since}"),
        since: Some(since),
        ..unknown_word(directive, 0, value, words)
    })
}

fn unknown_word(directive: Directive<'_>, argument: usize, value: &str, words: Words) -> Complaint {
    let name = directive.name();
    let meant = catalog::nearest(value, words.list.iter().copied());
    Complaint {
        argument,
        message: format!("\"{name}\" does not know \"{value}\""),
        help: match meant {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("it knows: {}", words.list.join(", ")),
        },
        nginx_says: format!("invalid value \"{value}\""),
        since: None,
    }
}

/// `ngx_conf_set_access_slot`.
fn access(directive: Directive<'_>) -> Option<Complaint> {
    let is_valid = |word: &str| {
        let rights = ["user:", "group:", "all:"].iter().find_map(|who| word.strip_prefix(who));
        matches!(rights, Some("r" | "rw"))
    };
    let (argument, value) = directive.arguments().enumerate().find(|(_, word)| !is_valid(word))?;
    Some(Complaint {
        argument,
        message: format!("\"{}\" does not know \"{value}\"", directive.name()),
        help: "write who may read or write, such as user:rw group:rw all:r".to_owned(),
        nginx_says: format!("invalid value \"{value}\""),
        since: None,
    })
}

/// `ngx_http_upstream_param_set_slot`.
fn if_not_empty(directive: Directive<'_>) -> Option<Complaint> {
    let name = directive.name();
    let word = directive.argument(2).filter(|word| *word != "if_not_empty")?;
    Some(Complaint {
        argument: 2,
        message: format!("\"{name}\" has \"{word}\" behind the value"),
        help: "only \"if_not_empty\" may stand there; put quotes around a value with blanks in it".to_owned(),
        nginx_says: format!("invalid parameter \"{word}\""),
        since: None,
    })
}

/// Directives that take `g` do not need to be told so.
fn offset_help(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    if let Some(number) = lower.strip_suffix("gb").filter(|number| parse_number(number).is_some()) {
        return format!("write {number}g");
    }
    size_help(value).replace("k or m for kilobytes or megabytes", "k, m or g")
}

/// A size with a fraction, in the next smaller unit.
fn fraction_help(value: &str) -> Option<String> {
    let unit = value.chars().next_back()?.to_ascii_lowercase();
    let smaller = match unit {
        'g' => 'm',
        'm' => 'k',
        _ => return None,
    };
    let (whole, fraction) = value[..value.len() - 1].split_once('.')?;
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| *digits <= 6)?;
    let thousandths = parse_number(fraction)?.checked_mul(1024)? / 10u64.pow(digits);
    let total = parse_number(whole)?.checked_mul(1024)?.checked_add(thousandths)?;
    Some(format!("it reads whole numbers only: write {total}{smaller}"))
}

fn size_help(value: &str) -> String {
    if let Some(help) = fraction_help(value) {
        return help;
    }
    let lower = value.to_ascii_lowercase();
    let gigabytes = lower.strip_suffix("gb").or_else(|| lower.strip_suffix('g')).and_then(parse_number);
    if let Some(number) = gigabytes {
        return format!("it has no unit for gigabytes: write {}m", number.saturating_mul(1024));
    }
    let shorter = ["kb", "mb", "kib", "mib"].iter().find_map(|unit| lower.strip_suffix(unit).zip(unit.chars().next()));
    match shorter {
        Some((number, unit)) if parse_number(number).is_some() => format!("write {number}{unit}"),
        _ => "write digits, and k or m for kilobytes or megabytes, such as 512k".to_owned(),
    }
}

fn milliseconds_help(value: &str) -> String {
    time_help(value, "write whole numbers with w, d, h, m, s or ms, the larger unit first, such as 1m30s")
}

fn seconds_help(value: &str) -> String {
    time_help(value, "write whole numbers with y, M (months), w, d, h, m or s, the larger unit first, such as 1h30m")
}

/// For units spelled out, how nginx spells them.
fn time_help(value: &str, otherwise: &str) -> String {
    const SPELLED: [(&str, &str); 14] = [
        ("seconds", "s"),
        ("second", "s"),
        ("secs", "s"),
        ("sec", "s"),
        ("S", "s"),
        ("minutes", "m"),
        ("minute", "m"),
        ("mins", "m"),
        ("min", "m"),
        ("hours", "h"),
        ("hour", "h"),
        ("H", "h"),
        ("days", "d"),
        ("day", "d"),
    ];
    let number = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &value[number.len()..];
    match SPELLED.iter().find(|(spelled, _)| *spelled == unit) {
        Some((_, short)) if parse_number(number.trim()).is_some() => format!("write {}{short}", number.trim()),
        _ => otherwise.to_owned(),
    }
}

/// A second time the same word changes nothing, and nginx says so.
fn warn_of_repeated_words(directive: Directive<'_>, findings: &mut Findings) {
    let bitmask = directive.definitions().find_map(|definition| match definition.value {
        ValueKind::Bitmask(words) if is_read_here(definition) => Some(words),
        _ => None,
    });
    let Some(words) = bitmask else { return };
    let name = directive.name();
    let earlier = directive.parent().directives(name).take_while(|other| other.id() < directive.id());
    let mut known: Vec<String> = earlier.flat_map(|other| other.arguments().map(str::to_ascii_lowercase)).collect();
    for (index, value) in directive.arguments().enumerate() {
        if !words.accept(value) {
            return;
        }
        if known.contains(&value.to_ascii_lowercase()) {
            let finding = findings.add(directive.place_of_argument(index), format!("\"{name}\" has \"{value}\" twice"));
            finding.severity(Severity::Warning).not_refused();
            finding
                .nginx_says(format!("duplicate value \"{value}\""))
                .nginx_names(directive.terminator())
                .about(directive);
            finding.help("remove one of them");
        }
        known.push(value.to_ascii_lowercase());
    }
}
