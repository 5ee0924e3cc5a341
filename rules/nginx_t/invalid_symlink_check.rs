//! A disable_symlinks whose words do not go together.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-symlink-check",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#disable_symlinks"],
    equivalents: &[],
    page: include_str!("invalid_symlink_check.md"),
    check: Check::Directives(&["disable_symlinks"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let words: Vec<&str> = directive.arguments().collect();
    if directive.taken_as().is_none() || (0..words.len()).any(|index| directive.is_template(index)) {
        return;
    }
    let Some(wrong) = judge(&words) else { return };
    let place = wrong.argument.map_or_else(|| directive.place(), |index| directive.place_of_argument(index));
    findings.add(place, wrong.message).nginx_says(wrong.nginx).nginx_names(directive.terminator()).help(wrong.help);
}

struct Wrong {
    argument: Option<usize>,
    message: String,
    nginx: String,
    help: &'static str,
}

const KINDS: [&str; 3] = ["off", "on", "if_not_owner"];

fn judge(words: &[&str]) -> Option<Wrong> {
    let is_from = |word: &str| word.starts_with("from=");
    if let Some(index) = words.iter().position(|word| !KINDS.contains(word) && !is_from(word)) {
        return Some(Wrong {
            argument: Some(index),
            message: format!("disable_symlinks does not know \"{}\"", words[index]),
            nginx: format!("invalid parameter \"{}\"", words[index]),
            help: "write off, on or if_not_owner, and behind it from=$document_root to check only what follows that",
        });
    }
    // The last of the words counts.
    let Some(kind) = words.iter().rfind(|word| !is_from(word)) else {
        return Some(Wrong {
            argument: None,
            message: "disable_symlinks says where to check from, but not what".to_owned(),
            nginx: "\"disable_symlinks\" must have \"off\", \"on\" or \"if_not_owner\" parameter".to_owned(),
            help: "write on or if_not_owner in front of it",
        });
    };
    match words {
        [one, two] if !is_from(one) && !is_from(two) => Some(Wrong {
            argument: Some(1),
            message: format!("disable_symlinks has both \"{one}\" and \"{two}\""),
            nginx: format!("duplicate parameters \"{one} {two}\""),
            help: "keep one of them",
        }),
        [_, _] if *kind == "off" => Some(Wrong {
            argument: words.iter().position(|word| is_from(word)),
            message: "disable_symlinks is off, so there is nothing to check from anywhere".to_owned(),
            nginx: "\"from=\" cannot be used with \"off\" parameter".to_owned(),
            help: "remove it, or write on or if_not_owner",
        }),
        _ => None,
    }
}
