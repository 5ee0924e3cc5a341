//! A block behind a directive that takes none.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::{Misfit, Model, swallowed_word};

/// See the page.
pub const RULE: Rule = Rule {
    name: "unexpected-block",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/beginners_guide.html#conf_structure"],
    equivalents: &[],
    page: include_str!("unexpected_block.md"),
    check: Check::Configuration(check),
};

fn check(model: &Model<'_>, findings: &mut Findings) {
    for (directive, misfit) in model.misfits() {
        let swallowed = || swallowed_word(&model.files()[directive.file().index()], directive.statement()).is_some();
        if misfit != Misfit::UnexpectedBlock || swallowed() {
            continue;
        }
        let name = directive.name();
        let finding = findings.add(directive.place(), format!("\"{name}\" takes no block, but \"{{\" follows it"));
        finding.nginx_says(misfit.says(name)).nginx_names(directive.terminator()).about(directive);
        finding.label(directive.place_at(directive.terminator()), "\";\" should stand here");
        finding.help(format!("end \"{name}\" with \";\"; quote an argument that has \"{{\" in it"));
    }
}
