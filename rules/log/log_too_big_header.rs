//! Answers whose header does not fit into the buffer for it.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::facts::Signature;
use crate::model::{Effective, Model, PAGE, Seen, Target, Together, parse_size, written_size};

/// See the page.
pub const RULE: Rule = Rule {
    name: "log-too-big-header",
    group: Group::Log,
    severity: Severity::Error,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size"],
    equivalents: &[],
    page: include_str!("log_too_big_header.md"),
    check: Check::Configuration(check),
};

/// Enough for most headers.
const ENOUGH: u64 = 16 << 10;

fn check(model: &Model<'_>, findings: &mut Findings) {
    let place = |seen: &Seen<'_>| seen.place_of_setting("buffer_size");
    for together in model.seen_together(&[Signature::TooBigHeader], place) {
        say(&together, findings);
    }
}

fn say(together: &Together<'_>, findings: &mut Findings) {
    let setting = together.target().map_or("proxy_buffer_size".to_owned(), name_of);
    let value = together.target().map_or(Effective::Unseen, |target| target.effective("buffer_size"));
    let now = match value {
        Effective::Set(directive) => format!(", which is {}", directive.argument(0).unwrap_or_default()),
        Effective::Default => format!(", which is its default of {}k", PAGE / 1024),
        Effective::Unseen => String::new(),
    };
    let servers = together.servers_in_words();
    let message = format!("headers of answers of {servers} are larger than {setting}{now}");
    let finding = findings.add(together.place, message);
    if together.is_tried_elsewhere("invalid_header") {
        finding.severity(Severity::Warning);
    }
    let unless = match together.is_sometimes_tried_elsewhere("invalid_header") {
        true => " unless another server answered",
        false => "",
    };
    finding.note(format!("these requests get 502{unless}; the log has \"upstream sent too big header while reading response header from upstream\""));
    let bytes = value.directive().and_then(|directive| parse_size(directive.argument(0)?)).unwrap_or(PAGE);
    let bytes = bytes.saturating_mul(2).max(ENOUGH);
    let needed = together.target().map(|target| target.needed_beside_header(bytes)).unwrap_or_default();
    let needed: Vec<String> = needed.iter().map(|(name, value)| format!("{name} {value};")).collect();
    let beside = match needed.is_empty() {
        true => String::new(),
        false => format!(" and with it {} (nginx refuses the first alone)", needed.join(" ")),
    };
    finding.help(format!("write {setting} {};{beside}", written_size(bytes)));
    finding.seen_together(together);
}

fn name_of(target: Target<'_>) -> String {
    format!("{}_buffer_size", target.protocol.prefix())
}
