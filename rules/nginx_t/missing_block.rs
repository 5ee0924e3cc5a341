//! A directive that needs a block and has none.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Misfit, Model};

/// See the page.
pub const RULE: Rule = Rule {
    name: "missing-block",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#conf_structure"],
    equivalents: &[],
    page: include_str!("missing_block.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (directive, misfit) in model.misfits().filter(|(_, misfit)| *misfit == Misfit::MissingBlock) {
        let name = directive.name();
        let finding = findings.add(directive.place(), format!("\"{name}\" needs a block, but ends with \";\""));
        finding.nginx_says(misfit.says(name)).nginx_names(directive.terminator()).about(directive);
        finding.help(format!("write what belongs to it in braces: {name} … {{ … }}"));
    }
}
