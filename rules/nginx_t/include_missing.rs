//! An include that names a file which is not there.

use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "include-missing",
    group: Group::NginxT,
    severity: Severity::Error,
    refused: true,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/docs/ngx_core_module.html#include"],
    equivalents: &[],
    page: include_str!("include_missing.md"),
    check: Check::Directives(&["include"], check),
};

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let Some(include) = directive.include() else { return };
    let argument = directive.argument(0).unwrap_or_default();
    for path in &include.missing {
        let shown = path.display();
        let message = if include.pattern {
            format!("\"{argument}\" matches {shown}, a link that leads nowhere")
        } else {
            format!("the file \"{argument}\" does not exist")
        };
        let finding = findings.add(directive.place_of_argument(0), message);
        finding.note(format!(
            "nginx refuses to start or reload: open() failed (2: No such file or directory); looked for {shown}"
        ));
        finding.help(if include.pattern {
            "remove the link, or put back the file it leads to"
        } else {
            "correct the path, or create the file; for one that is put in place at deployment, say with --map where it is"
        });
    }
    for path in &include.directories {
        let shown = path.display();
        let finding =
            findings.add(directive.place_of_argument(0), format!("\"{argument}\" takes in {shown}, a directory"));
        finding.note("nginx refuses to start or reload: pread() failed (21: Is a directory)");
        finding.help(format!("name the files in it: {}/*.conf", argument.trim_end_matches(['*', '/'])));
    }
}
