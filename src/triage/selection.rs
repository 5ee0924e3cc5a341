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
    /// The rules that can have findings.
    pub fn rules(&self, all: &[&'static Rule]) -> Vec<&'static Rule> {
        let is_wanted = |rule: &&&'static Rule| !with_words(rule, |words| self.levels.is_off_everywhere(words));
        all.iter().filter(is_wanted).copied().collect()
    }

    /// Whether a finding in this file counts; how bad it is, is set.
    pub fn admit(&self, finding: &mut Finding, path: &Path) -> bool {
        if self.levels.are_default() {
            return true;
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let relative = absolute.strip_prefix(&self.directory).unwrap_or(path);
        match with_words(finding.rule, |words| self.levels.of(words, relative)) {
            Level::Off => return false,
            Level::On => {}
            Level::Info => finding.severity = Severity::Info,
            Level::Warning => finding.severity = Severity::Warning,
            Level::Error => finding.severity = Severity::Error,
        }
        true
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
