//! A comment that is to ignore something and cannot.

use crate::engine::{Check, FixKind, Group, Rule, Severity, Versions};

/// See the page. What becomes of findings shows it, not the walk.
pub const RULE: Rule = Rule {
    name: "invalid-suppression",
    group: Group::Suppression,
    severity: Severity::Warning,
    refused: false,
    fix: FixKind::None,
    versions: Versions::ALL,
    references: &[],
    equivalents: &[],
    page: include_str!("invalid_suppression.md"),
    check: Check::Afterwards,
};
