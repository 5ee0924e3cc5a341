//! Words and numbers of the image filter that nginx does not take.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Directive, parse_number};

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-image-filter",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_image_filter_module.html#image_filter"],
    equivalents: &[],
    page: include_str!("invalid_image_filter.md"),
    check: Check::Directives(
        &["image_filter", "image_filter_jpeg_quality", "image_filter_webp_quality", "image_filter_sharpen"],
        check,
    ),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    match directive.name() {
        "image_filter" => check_filter(directive, findings),
        name => check_number(directive, name, findings),
    }
}

fn check_filter(directive: Directive<'_>, findings: &mut Findings) {
    let words: Vec<&str> = directive.arguments().collect();
    let (index, help) = match words[..] {
        ["off" | "test" | "size"] => return,
        ["rotate", angle] if is_open(angle) || matches!(parse_number(angle), Some(90 | 180 | 270)) => return,
        ["rotate", _] => (1, "write 90, 180 or 270, or a variable"),
        ["resize" | "crop", width, _] if !is_length(width) => (1, "write a number of pixels, \"-\", or a variable"),
        ["resize" | "crop", _, height] if !is_length(height) => (2, "write a number of pixels, \"-\", or a variable"),
        ["resize" | "crop", _, _] => return,
        _ => (0, "write off, test or size, rotate and an angle, or resize or crop with width and height"),
    };
    if directive.is_template(index) {
        return;
    }
    let word = words[index];
    findings
        .add(directive.place_of_argument(index), format!("image_filter cannot use \"{word}\" here"))
        .nginx_says(format!("invalid parameter \"{word}\""))
        .nginx_names(directive.terminator())
        .help(help);
}

/// Variables make a number when a request comes.
fn is_open(text: &str) -> bool {
    text.contains('$')
}

fn is_length(text: &str) -> bool {
    is_open(text) || text == "-" || parse_number(text).is_some_and(|length| length > 0)
}

fn check_number(directive: Directive<'_>, name: &str, findings: &mut Findings) {
    let Some(text) = directive.argument(0).filter(|text| !is_open(text)) else { return };
    // What is no number is 0, and sharpens nothing.
    let is_taken = match name {
        "image_filter_sharpen" => text != "-",
        _ => parse_number(text).is_some_and(|number| number > 0),
    };
    if is_taken {
        return;
    }
    findings
        .add(directive.place_of_argument(0), format!("{name} cannot be \"{text}\""))
        .nginx_says(format!("invalid value \"{text}\""))
        .nginx_names(directive.terminator())
        .help("write a number from 1 to 100, or a variable");
}
