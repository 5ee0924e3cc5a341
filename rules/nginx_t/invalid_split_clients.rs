//! Shares of clients that nginx cannot read, or more than all of them.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, has_placeholder};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-split-clients",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_split_clients_module.html#split_clients"],
    equivalents: &[],
    page: include_str!("invalid_split_clients.md"),
    check: Check::Directives(&["split_clients"], check),
};

/// All clients, in hundredths of a percent.
const ALL: u32 = 10_000;

fn check(split: Directive<'_>, findings: &mut Findings) {
    let Some(block) = split.block().filter(|_| split.taken_as().is_some()) else { return };
    let mut sum: u32 = 0;
    let mut too_much = None;
    for line in block.lines() {
        let Some(share) = share(line, findings) else { return };
        // The rest is all that is left, and nothing may follow it.
        sum = if share == 0 { ALL } else { sum.wrapping_add(share) };
        if sum > ALL && too_much.is_none() {
            too_much = Some(line);
        }
    }
    let Some(line) = too_much else { return };
    findings
        .add(line.place_of_name(), "with this line the shares are more than 100%")
        .nginx_says("percent total is greater than 100%")
        .nginx_names(split.last_byte())
        .label(split.place(), "the shares of this split_clients")
        .help("lower a share; \"*\" is all that is left, and has to be the last line");
}

/// Hundredths of a percent, 0 for the rest. None when nginx cannot read it:
/// what the others amount to does not matter then.
fn share(line: Directive<'_>, findings: &mut Findings) -> Option<u32> {
    let text = line.name();
    if text == "*" {
        return Some(0);
    }
    let share = text.strip_suffix('%').and_then(parse_hundredths).filter(|share| *share != 0);
    if share.is_none() && !has_placeholder(text) {
        let help = match text {
            "default" => "write * for all that is left".to_owned(),
            "include" => "write the lines here: an include is not possible in split_clients".to_owned(),
            _ if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => format!("write {text}%"),
            _ => "write a number above 0 with at most two decimals and %, such as 0.5%, or * for all that is left"
                .to_owned(),
        };
        findings
            .add(line.place_of_name(), format!("\"{text}\" is no share of clients"))
            .nginx_says(format!("invalid percent value \"{text}\""))
            .nginx_names(line.terminator())
            .help(help);
    }
    // nginx keeps 32 bits of it.
    share.map(|share| share as u32)
}

/// A number with at most two decimals, times a hundred (`ngx_atofp`).
fn parse_hundredths(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !text.is_empty() && whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || decimals.len() > 2 {
        return None;
    }
    let digits = format!("{whole}{decimals:0<2}");
    digits.parse().ok().filter(|number| *number <= i64::MAX as u64)
}
