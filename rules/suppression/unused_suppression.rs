//! A comment that ignores nothing.

use crate::engine::{Check, FixKind, Group, Rule, Severity, Versions};

/// See the page. What becomes of findings shows it, not the walk.
pub const RULE: Rule = Rule {
    name: "unused-suppression",
    group: Group::Suppression,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::Safe,
    versions: Versions::ALL,
    references: &[],
    equivalents: &[],
    page: include_str!("unused_suppression.md"),
    check: Check::Afterwards,
};
