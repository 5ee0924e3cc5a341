//! Directives that nginx warns about, or has given up in a later release.

use crate::catalog::{self, Version};
use crate::engine::{Check, Findings, FixKind, Group, Rule, Severity, Versions};
use crate::model::Directive;

/// See the page.
pub const RULE: Rule = Rule {
    name: "deprecated-directive",
    group: Group::NginxT,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &["https://nginx.org/en/CHANGES"],
    equivalents: &[],
    page: include_str!("deprecated_directive.md"),
    check: Check::DirectivesWhere(is_past, check),
};

/// `ssl on` was warned about from this release on.
const SSL_DEPRECATED: Version = Version::new(1, 15, 0);

fn is_past(definition: &'static catalog::Directive) -> bool {
    definition.deprecated.is_some() || definition.removed.is_some()
}

fn check(directive: Directive<'_>, findings: &mut Findings) {
    let mut definitions = directive.definitions();
    let Some(definition) = definitions.find(|definition| is_past(definition)) else { return };
    if let Some(removed) = definition.removed {
        report_removed(directive, removed, findings);
    } else if let Some(deprecation) = definition.deprecated {
        report_deprecated(directive, deprecation, findings);
    }
}

/// A release that has it is meant, or none is named: the next upgrade will
/// refuse it.
fn report_removed(directive: Directive<'_>, removed: Version, findings: &mut Findings) {
    let name = directive.name();
    let message = format!("nginx {removed} has removed \"{name}\"");
    let finding = findings.add(directive.place(), message);
    if name == "ssl" {
        let text = "the \"ssl\" directive is deprecated, use the \"listen ... ssl\" directive instead";
        finding
            .nginx_says(text)
            .nginx_names(directive.terminator())
            .about(directive)
            .since(SSL_DEPRECATED)
            .before(removed);
        finding.help("add \"ssl\" to the \"listen\" directives of the server, and remove this line");
    }
    finding.note(format!("nginx {removed} and later refuse to start or reload: unknown directive \"{name}\""));
}

fn report_deprecated(directive: Directive<'_>, deprecation: catalog::Deprecation, findings: &mut Findings) {
    let name = directive.name();
    let (message, says) = match deprecation.instead {
        Some(instead) => {
            // The two modules word it differently.
            let past = if name.starts_with("http2_") { "obsolete" } else { "deprecated" };
            let says = format!("the \"{name}\" directive is {past}, use the \"{instead}\" directive instead");
            (format!("\"{name}\" has given way to \"{instead}\""), says)
        }
        None => {
            (format!("\"{name}\" has no effect any more"), format!("the \"{name}\" directive is obsolete, ignored"))
        }
    };
    let finding = findings.add(directive.place(), message);
    finding.nginx_says(says).nginx_names(directive.terminator()).about(directive);
    if let Some(since) = deprecation.since {
        finding.since(since);
    }
    finding.help(match deprecation.instead {
        Some(instead) => format!("write \"{instead}\""),
        None => "remove it".to_owned(),
    });
}
