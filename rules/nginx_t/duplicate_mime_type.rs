//! A MIME type that a list has already.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "duplicate-mime-type",
    group: Group::NginxT,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_gzip_module.html#gzip_types"],
    equivalents: &[],
    page: include_str!("duplicate_mime_type.md"),
    check: Check::Directives(
        &["addition_types", "charset_types", "gzip_types", "ssi_types", "sub_filter_types", "xslt_types"],
        check,
    ),
};

/// The type that each list has from the beginning.
const LISTS: [(&str, &str); 6] = [
    ("addition_types", "text/html"),
    ("charset_types", "text/html"),
    ("gzip_types", "text/html"),
    ("ssi_types", "text/html"),
    ("sub_filter_types", "text/html"),
    ("xslt_types", "text/xml"),
];

fn check(list: Directive<'_>, findings: &mut Findings) {
    let Some((_, always)) = LISTS.iter().find(|(name, _)| *name == list.name()) else { return };
    // All of a level are one list, looked at when its first directive comes.
    let all = list.parent().directives(list.name());
    if list.parent().directives(list.name()).next() != Some(list) {
        return;
    }
    let mut known: HashMap<String, Option<(Directive<'_>, usize)>> = HashMap::new();
    known.insert((*always).to_owned(), None);
    for list in all.filter(|list| list.taken_as().is_some()) {
        for (index, text) in list.arguments().enumerate() {
            if text == "*" {
                return;
            }
            match known.entry(text.to_ascii_lowercase()) {
                Entry::Vacant(free) => {
                    free.insert(Some((list, index)));
                }
                Entry::Occupied(known) => report(list, index, known.key(), *known.get(), findings),
            }
        }
    }
}

fn report(
    list: Directive<'_>,
    index: usize,
    name: &str,
    first: Option<(Directive<'_>, usize)>,
    findings: &mut Findings,
) {
    let finding = match first {
        Some((first, at)) => {
            let finding =
                findings.add(list.place_of_argument(index), format!("{} names \"{name}\" twice", list.name()));
            finding.label(first.place_of_argument(at), "the first time");
            finding
        }
        None => findings.add(
            list.place_of_argument(index),
            format!("{} names \"{name}\", which is always in the list", list.name()),
        ),
    };
    finding
        .nginx_says(format!("duplicate MIME type \"{name}\""))
        .nginx_names(list.terminator())
        .help("leave it out here");
}
