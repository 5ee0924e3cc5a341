//! Which rules are asked, and how bad what they find is.

use std::path::{Path, PathBuf};

use crate::config::{Level, Levels, RuleWords};
use crate::engine::{Finding, Rule, Severity};

/// What a project and a command line want of the rules.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What the rules are set to.
    pub levels: Levels,
    /// The directory that the paths of overrides are relative to.
    pub directory: PathBuf,
}

impl Selection {
    /// The rules that can have findings of this severity or above.
    pub fn rules(&self, all: &[&'static Rule], least: Severity) -> Vec<&'static Rule> {
        if self.levels.are_default() {
            return all.iter().filter(|rule| rule.severity >= least).copied().collect();
        }
        let is_bad_enough = |rule: &Rule, level: Level| severity_of(level).unwrap_or(rule.severity) >= least;
        let is_wanted = |rule: &&&'static Rule| {
            with_words(rule, |words| self.levels.anywhere(words).into_iter().any(|level| is_bad_enough(rule, level)))
        };
        all.iter().filter(is_wanted).copied().collect()
    }

    /// How mild what a rule says may be and still count: a file may have said
    /// that it is worse.
    pub fn mildest(&self, least: Severity) -> Severity {
        if self.levels.are_default() { least } else { Severity::Info }
    }

    /// Whether a finding in this file counts; how bad it is, is set.
    pub fn admit(&self, finding: &mut Finding, path: &Path) -> bool {
        if self.levels.are_default() {
            return true;
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let relative = absolute.strip_prefix(&self.directory).unwrap_or(path);
        let level = with_words(finding.rule, |words| self.levels.of(words, relative));
        finding.severity = severity_of(level).unwrap_or(finding.severity);
        level != Level::Off
    }
}

/// The severity that a rule is set to, if it is.
fn severity_of(level: Level) -> Option<Severity> {
    match level {
        Level::Info => Some(Severity::Info),
        Level::Warning => Some(Severity::Warning),
        Level::Error => Some(Severity::Error),
        Level::Off | Level::On => None,
    }
}

/// Whether a name means this rule: its own, that of another tool, its group,
/// its severity, or `all`.
pub fn means(name: &str, rule: &Rule) -> bool {
    with_words(rule, |words| words.is_meant_by(name))
}

fn with_words<T>(rule: &Rule, act: impl FnOnce(&RuleWords<'_>) -> T) -> T {
    let aliases: Vec<&str> = rule.equivalents.iter().map(|equivalent| equivalent.name).collect();
    act(&RuleWords { name: rule.name, aliases: &aliases, group: rule.group.name(), severity: rule.severity.name() })
}
