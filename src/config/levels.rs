//! Which rules are wanted, and how bad what they find is.

use std::path::Path;

use globset::GlobSet;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a rule is set to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is not asked.
    Off,
    /// It says what it finds as it sees fit.
    On,
    /// Whatever it finds is advice.
    Info,
    /// Whatever it finds is a warning.
    Warning,
    /// Whatever it finds is an error.
    Error,
}

impl Level {
    /// All of them.
    pub const ALL: [Level; 5] = [Level::Off, Level::On, Level::Info, Level::Warning, Level::Error];

    /// Those that say how bad something is.
    pub const SEVERITIES: [Level; 3] = [Level::Info, Level::Warning, Level::Error];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::On => "on",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// By what a rule can be set.
#[derive(Clone, Copy, Debug)]
pub struct RuleWords<'a> {
    /// Its name.
    pub name: &'a str,
    /// What other tools call it.
    pub aliases: &'a [&'a str],
    /// Its group.
    pub group: &'a str,
    /// How bad what it finds usually is.
    pub severity: &'a str,
}

impl RuleWords<'_> {
    /// Whether a name means this rule.
    pub fn is_meant_by(&self, name: &str) -> bool {
        self.exactness(name).is_some()
    }

    /// How exactly a name means this rule: 3 its own, 2 its group, 1 its
    /// severity, 0 `all`; none when it means others.
    fn exactness(&self, name: &str) -> Option<u8> {
        if name == self.name || self.aliases.contains(&name) {
            Some(3)
        } else if name == self.group {
            Some(2)
        } else if name == self.severity {
            Some(1)
        } else {
            (name == "all").then_some(0)
        }
    }
}

/// Names and what they are set to, a later one having the last word.
pub(super) type Settings = Vec<(String, Level)>;

/// What rules are set to, everywhere and for some paths.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    pub(super) everywhere: Settings,
    pub(super) overrides: Vec<(GlobSet, Settings)>,
    pub(super) command: Settings,
}

impl Levels {
    /// What a rule is set to for findings in a file. The path is relative to
    /// the directory of the project's file.
    pub fn of(&self, rule: &RuleWords<'_>, path: &Path) -> Level {
        let fitting = self.overrides.iter().rev().filter(|(paths, _)| paths.is_match(path));
        let said = fitting.map(|(_, settings)| settings).find_map(|settings| level_in(settings, rule));
        let said = said.or_else(|| level_in(&self.everywhere, rule)).unwrap_or(Level::On);
        match level_in(&self.command, rule) {
            Some(Level::Off) => Level::Off,
            // What was turned off in the file, the command wants.
            Some(_) if said == Level::Off => Level::On,
            _ => said,
        }
    }

    /// What is set everywhere by the project's files, in order.
    pub fn everywhere(&self) -> impl Iterator<Item = (&str, Level)> {
        self.everywhere.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// Whether every rule is on and says what it finds as it sees fit.
    pub fn are_default(&self) -> bool {
        self.everywhere.is_empty() && self.overrides.is_empty() && self.command.is_empty()
    }

    /// What a rule is set to in one file or another; nothing when it is off in
    /// all of them.
    pub fn anywhere(&self, rule: &RuleWords<'_>) -> Vec<Level> {
        let command = level_in(&self.command, rule);
        if command == Some(Level::Off) {
            return Vec::new();
        }
        let everywhere = level_in(&self.everywhere, rule).unwrap_or(Level::On);
        let overrides = self.overrides.iter().filter_map(|(_, settings)| level_in(settings, rule));
        let levels = std::iter::once(everywhere).chain(overrides);
        match command {
            // What was turned off in a file, the command wants.
            Some(_) => levels.map(|level| if level == Level::Off { Level::On } else { level }).collect(),
            None => levels.filter(|level| *level != Level::Off).collect(),
        }
    }

    /// What the command line wants, which has the last word: these alone, if
    /// there are any, and never those.
    pub fn choose(&mut self, select: &[String], ignore: &[String]) {
        if !select.is_empty() {
            self.command.push(("all".to_owned(), Level::Off));
        }
        let on = select.iter().map(|name| (name.clone(), Level::On));
        let off = ignore.iter().map(|name| (name.clone(), Level::Off));
        self.command.extend(on.chain(off));
    }

    pub(super) fn extend(&mut self, other: Levels) {
        self.everywhere.extend(other.everywhere);
        self.overrides.extend(other.overrides);
    }
}

/// The most exact name counts, of equal ones the last.
fn level_in(settings: &Settings, rule: &RuleWords<'_>) -> Option<Level> {
    let fitting = settings.iter().filter_map(|(name, level)| Some((rule.exactness(name)?, *level)));
    fitting.max_by_key(|(exactness, _)| *exactness).map(|(_, level)| level)
}
