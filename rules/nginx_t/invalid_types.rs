//! Lines of a types block that nginx does not take, or takes twice.

use std::collections::HashMap;

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "invalid-types",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/http/ngx_http_core_module.html#types"],
    equivalents: &[],
    page: include_str!("invalid_types.md"),
    check: Check::Directives(&["types"], check),
};

fn check(types: Directive<'_>, findings: &mut Findings) {
    // All of a level are one table, looked at when its first block comes.
    let all = types.parent().directives("types");
    if types.parent().directives("types").next() != Some(types) {
        return;
    }
    let mut known: HashMap<String, Directive<'_>> = HashMap::new();
    let all = all.filter(|types| types.taken_as().is_some());
    for line in all.filter_map(|types| types.block()).flat_map(|block| block.lines()) {
        if line.name() == "include" {
            if line.argument_count() != 1 {
                wrong_include(line, findings);
            }
            continue;
        }
        for (index, extension) in line.arguments().enumerate() {
            if let Some(earlier) = known.insert(extension.to_ascii_lowercase(), line) {
                repeated(line, index, earlier, findings);
            }
        }
    }
}

fn wrong_include(line: Directive<'_>, findings: &mut Findings) {
    findings
        .add(line.place(), format!("this include names {} files instead of one", line.argument_count()))
        .nginx_says("invalid number of arguments in \"include\" directive")
        .nginx_names(line.terminator())
        .help("write one include for each file");
}

/// nginx takes the later one, and warns even when both are the same.
fn repeated(line: Directive<'_>, index: usize, earlier: Directive<'_>, findings: &mut Findings) {
    let extension = line.argument(index).unwrap_or_default().to_ascii_lowercase();
    let (new, old) = (line.name(), earlier.name());
    let message = if new == old {
        format!("the extension \"{extension}\" is given the type \"{new}\" twice")
    } else {
        format!("the extension \"{extension}\" is given the type \"{new}\", and had \"{old}\"")
    };
    findings
        .add(line.place_of_argument(index), message)
        .nginx_says(format!(
            "duplicate extension \"{extension}\", content type: \"{new}\", previous content type: \"{old}\""
        ))
        .nginx_names(line.terminator())
        .label(earlier.place(), "the earlier one")
        .severity(Severity::Warning)
        .not_refused()
        .help("keep one of them; the later one is in force");
}
