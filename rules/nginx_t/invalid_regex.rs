//! A regular expression that PCRE does not take.

use crate::catalog::Version;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Model, Pattern, RegexError};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-regex",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://www.pcre.org/current/doc/html/pcre2pattern.html"],
    equivalents: &[],
    page: include_str!("invalid_regex.md"),
    check: Check::Configuration(check),
};

/// The first release that uses PCRE2.
const PCRE2: Version = Version::new(1, 21, 5);

/// What the first PCRE took.
const TAKEN_BEFORE: [&str; 2] = ["invalid range in character class", "unrecognized character follows \\"];

/// What a PCRE2 newer than this one may take, whatever the release of nginx.
const TAKEN_LATER: [(&str, &str); 2] =
    [("lookbehind assertion is not fixed length", "10.43"), ("subpattern name is too long", "10.44")];

/// What to write instead, by what PCRE says.
const HELPS: [(&str, &str); 9] = [
    ("missing closing parenthesis", "close the group with \")\", or write \"\\(\" for the character itself"),
    ("unmatched closing parenthesis", "remove the \")\", or write \"\\)\" for the character itself"),
    ("missing terminating ]", "close the class with \"]\", or write \"\\[\" for the character itself"),
    (
        "quantifier does not follow",
        "put something in front that can be repeated: \".*\" is any text, \"\\*\" a star itself",
    ),
    ("invalid range in character class", "put the \"-\" at the end of the class, or write \"\\-\""),
    ("range out of order", "put the smaller character of the range first, or write \"\\-\" for the character itself"),
    ("unrecognized character follows \\", "remove the \"\\\", or double it for the character itself"),
    ("two named subpatterns", "give each group a name of its own"),
    ("\\ at end of pattern", "write \"\\\\\" for the character itself"),
];

fn check(model: &Model<'_>, findings: &mut Findings) {
    for pattern in model.patterns() {
        match pattern.compiled {
            Err(error) => report(model, &pattern, error, findings),
            Ok(regex) if pattern.directive.name() == "fastcgi_split_path_info" && regex.capture_count() != 2 => {
                report_captures(&pattern, regex.capture_count(), findings);
            }
            Ok(_) => {}
        }
    }
}

fn report(model: &Model<'_>, pattern: &Pattern<'_>, error: &RegexError, findings: &mut Findings) {
    let (text, reason) = (pattern.text, error.reason.as_str());
    let rest = text.get(error.offset..).unwrap_or_default();
    let whole = rest.is_empty();
    let length = if whole { text.len() } else { rest.chars().next().map_or(1, char::len_utf8) };
    let start = pattern.start + if whole { 0 } else { error.offset };
    let place = pattern.directive.place_in_word(pattern.word, start..start + length);
    let finding = findings.add(place, format!("the regular expression \"{text}\" is not valid: {reason}"));
    let at = if whole { String::new() } else { format!(" at \"{rest}\"") };
    let help = HELPS.iter().find(|(said, _)| reason.starts_with(said)).map(|(_, help)| *help);
    finding.help(help.unwrap_or("correct the expression: nginx uses the syntax of PCRE"));
    let later = TAKEN_LATER.iter().find(|(said, _)| reason.starts_with(said));
    if let Some((_, version)) = later.filter(|_| !is_unbounded(rest)) {
        finding.severity(Severity::Warning).not_refused();
        finding.note(format!(
            "nginx refuses to start or reload where its PCRE2 is older than {version}: pcre2_compile() failed: {reason}"
        ));
        return;
    }
    // The first PCRE had other words for most of it.
    let is_old = model.version().is_some_and(|version| version < PCRE2);
    let says = if is_old { String::new() } else { format!("pcre2_compile() failed: {reason} in \"{text}\"{at}") };
    finding.nginx_says(says).nginx_names(pattern.directive.terminator());
    if TAKEN_BEFORE.iter().any(|said| reason.starts_with(said)) {
        finding.since(PCRE2);
    }
}

/// Whether what looks back can be of any length: no PCRE takes that.
fn is_unbounded(lookbehind: &str) -> bool {
    let group = lookbehind.split(')').next().unwrap_or_default();
    lookbehind.starts_with("(?<") && (group.contains(['*', '+']) || group.contains(",}"))
}

fn report_captures(pattern: &Pattern<'_>, count: usize, findings: &mut Findings) {
    let groups = match count {
        0 => "no group".to_owned(),
        1 => "1 group".to_owned(),
        more => format!("{more} groups"),
    };
    let place = pattern.directive.place_in_word(pattern.word, pattern.start..pattern.start + pattern.text.len());
    let finding =
        findings.add(place, format!("\"{}\" has {groups}, and fastcgi_split_path_info needs 2", pattern.text));
    finding.nginx_says(format!("pattern \"{}\" must have 2 captures", pattern.text));
    finding.nginx_names(pattern.directive.terminator());
    finding
        .help("put the script's name in the first group and the path behind it in the second, as in ^(.+\\.php)(/.+)$");
}
