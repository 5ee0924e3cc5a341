//! Bodies of requests that nginx did not take.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, Model, Seen, parse_offset, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-body-too-large",
    group: Group::Log,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size"],
    equivalents: &[],
    page: include_str!("log_body_too_large.md"),
    check: Check::Configuration(check),
};

/// What `client_max_body_size` is unless something says otherwise.
const DEFAULT: u64 = 1 << 20;

fn check(model: &Model<'_>, findings: &mut Findings) {
    for seen in model.seen(&[Signature::BodyTooLarge]) {
        say(&seen, findings);
    }
}

fn say(seen: &Seen<'_>, findings: &mut Findings) {
    let block = seen.came_to().or(seen.block());
    let in_force = block.map_or(Effective::Unseen, |block| block.effective("client_max_body_size"));
    let (place, limit) = match in_force {
        Effective::Set(directive) => (directive.place(), directive.argument(0).and_then(parse_offset)),
        Effective::Default => (seen.place_of_block(), Some(DEFAULT)),
        Effective::Unseen => (seen.place_of_block(), None),
    };
    let size = size_in(seen.sample);
    let is_taken_now = limit.zip(size).is_some_and(|(limit, size)| limit == 0 || size <= limit);
    let one = size.map_or_else(String::new, |size| format!(", one of {}", rough_size(size)));
    let is = match (in_force, limit) {
        (Effective::Default, _) => "its default of 1m".to_owned(),
        (_, Some(0)) => "off".to_owned(),
        (_, Some(limit)) => written_size(limit),
        (_, None) => "1m unless set".to_owned(),
    };
    let finding = findings.add(
        place,
        if is_taken_now {
            format!("bodies were refused{one}, which client_max_body_size, now {is}, lets pass")
        } else {
            format!("bodies are larger than client_max_body_size, which is {is}{one}")
        },
    );
    finding.note(
        "these requests get 413 before anything is passed on; the log has \"client intended to send too large body\"",
    );
    if is_taken_now {
        finding.severity(Severity::Info);
        finding.help("if such requests still get 413, nginx runs with an older configuration: nginx -s reload");
    } else {
        let value = size.map_or_else(|| "10m".to_owned(), enough_for);
        finding.help(format!("if such uploads are meant, write client_max_body_size {value}; in that location, no more than the server behind takes"));
    }
    finding.seen(seen);
}

/// The bytes in `too large body: 3000000 bytes`. Of a body in chunks,
/// `too large chunked body: 0+65524 bytes`, only a part was seen.
fn size_in(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("too large body: ")?;
    rest.split(' ').next()?.parse().ok()
}

/// A size as people say it, not more than it is.
fn rough_size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=10_485_759 => format!("{}k", bytes >> 10),
        _ => format!("{}m", bytes >> 20),
    }
}

/// The next larger round size: 2m, 4m, 8m, …
fn enough_for(bytes: u64) -> String {
    let megabytes = (bytes >> 20).saturating_add(1);
    format!("{}m", megabytes.checked_next_power_of_two().unwrap_or(megabytes))
}
