//! An index that nginx does not take, or one behind which nothing is looked for.

use crate::catalog::Version;
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-index",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_index_module.html#index"],
    equivalents: &[],
    page: include_str!("invalid_index.md"),
    check: Check::Directives(&["index"], check),
};

/// 1.28.3 names the index that is empty, 1.22.1 the first of its line.
const NAMES_THE_EMPTY_ONE: Version = Version::new(1, 28, 0);

fn check(directive: Directive<'_>, findings: &mut Findings) {
    if directive.taken_as().is_none() {
        return;
    }
    let last = directive.argument_count() - 1;
    for (index, name) in directive.arguments().enumerate() {
        if name.is_empty() {
            findings
                .add(directive.place_of_argument(index), "an index has an empty name")
                .nginx_says(format!("index \"{}\" in \"index\" directive is invalid", named(directive)))
                .nginx_names(directive.terminator())
                .help("leave it out");
        } else if name.starts_with('/') && index != last {
            findings
                .add(
                    directive.place_of_argument(index),
                    format!("the index \"{name}\" is a path, and not the last one"),
                )
                .nginx_says("only the last index in \"index\" directive should be absolute")
                .nginx_names(directive.terminator())
                .severity(Severity::Warning)
                .not_refused()
                .note("nginx goes to such a path without looking whether it exists, so what follows is never used")
                .help("move it to the end, or write the name of a file in the directory that is asked for");
        }
    }
}

/// The index that nginx calls invalid.
fn named(directive: Directive<'_>) -> &str {
    let is_older = directive.model().version().is_some_and(|version| version < NAMES_THE_EMPTY_ONE);
    directive.argument(0).filter(|_| is_older).unwrap_or_default()
}
