//! The parameters of a log that goes to syslog (`ngx_syslog_parse_args`),
//! except for the address.

use std::ops::Range;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp",
    "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/// A tag is no longer than this.
const LONGEST_TAG: usize = 32;

/// Why `syslog:…` is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyslogError<'a> {
    /// There is no `server=`.
    NoServer,
    /// This parameter stands twice.
    Duplicate(&'static str),
    /// The facility is none of nginx's.
    Facility(&'a str),
    /// The severity is none of nginx's.
    Severity(&'a str),
    /// The tag is too long.
    TagLength,
    /// The tag has other characters than letters, digits and `_`.
    TagCharacters,
    /// There is no such parameter.
    Unknown(&'a str),
}

/// The names that can follow `facility=`.
pub fn syslog_facilities() -> &'static [&'static str] {
    &FACILITIES
}

/// The names that can follow `severity=`.
pub fn syslog_severities() -> &'static [&'static str] {
    &SEVERITIES
}

/// Checks what follows `syslog:`. With an error comes the part of the text it
/// is about.
///
/// # Errors
///
/// The first thing that nginx does not take.
pub fn check_syslog(text: &str) -> Result<(), (Range<usize>, SyslogError<'_>)> {
    let mut seen: [bool; 4] = [false; 4];
    let mut start = 0;
    for part in text.split(',') {
        let range = start..start + part.len();
        start = range.end + 1;
        check_part(part, &mut seen).map_err(|error| (range, error))?;
    }
    if seen[0] { Ok(()) } else { Err((0..text.len(), SyslogError::NoServer)) }
}

fn check_part<'a>(part: &'a str, seen: &mut [bool; 4]) -> Result<(), SyslogError<'a>> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    let names = ["server", "facility", "severity", "tag"];
    let Some(index) = names.iter().position(|known| *known == name && part.contains('=')) else {
        return if part == "nohostname" { Ok(()) } else { Err(SyslogError::Unknown(part)) };
    };
    if std::mem::replace(&mut seen[index], true) {
        return Err(SyslogError::Duplicate(names[index]));
    }
    let is_of_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match index {
        1 if !FACILITIES.contains(&value) => Err(SyslogError::Facility(value)),
        2 if !SEVERITIES.contains(&value) => Err(SyslogError::Severity(value)),
        3 if value.len() > LONGEST_TAG => Err(SyslogError::TagLength),
        3 if !value.bytes().all(is_of_tag) => Err(SyslogError::TagCharacters),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_and_refused_as_nginx_does() {
        use SyslogError::*;
        let long = format!("server=a,tag={}", "t".repeat(33));
        let table = [
            ("server=a", Ok(())),
            ("server=unix:/dev/log,nohostname,facility=local7,severity=info,tag=a_1", Ok(())),
            ("server=a,tag=", Ok(())),
            ("", Err((0..0, Unknown("")))),
            ("server=a,", Err((9..9, Unknown("")))),
            ("facility=user", Err((0..13, NoServer))),
            ("server=a,server=b", Err((9..17, Duplicate("server")))),
            ("server=a,facility=local8", Err((9..24, Facility("local8")))),
            ("server=a,severity=warning", Err((9..25, Severity("warning")))),
            ("server=a,tag=a-b", Err((9..16, TagCharacters))),
            ("server=a,Tag=a", Err((9..14, Unknown("Tag=a")))),
            ("server=a,tag", Err((9..12, Unknown("tag")))),
            ("server=a,nohostname=1", Err((9..21, Unknown("nohostname=1")))),
            (long.as_str(), Err((9..46, TagLength))),
        ];
        for (text, expected) in table {
            assert_eq!(check_syslog(text), expected, "{text}");
        }
    }
}
