//! What a project and the command line say together: which nginx is meant,
//! where its files are, and what is wanted of the rules.

use std::path::{Path, PathBuf};

use crate::config::{Config, Level, Names};
use crate::engine::{Group, Severity};
use crate::model::Profile;
use crate::rules;
use crate::triage::Selection;

use super::Failure;
use super::arguments::{CheckArguments, InputArguments, WishArguments};
use super::input::is_stdin;

/// What holds for one run.
#[derive(Debug, Default)]
pub struct Project {
    /// The nginx that is meant.
    pub profile: Profile,
    /// Look up absolute paths below this directory.
    pub root: Option<PathBuf>,
    /// Look up paths below the first below the second.
    pub map: Vec<(PathBuf, PathBuf)>,
    /// What is wanted of the rules.
    pub selection: Selection,
    /// Show findings of this severity and above.
    pub min_severity: Option<Severity>,
    /// Exit with 1 when there are findings of this severity or above.
    pub fail_on: Option<Severity>,
    /// Findings that were there before.
    pub baseline: Option<PathBuf>,
    /// The files that said so, the nearest last.
    pub files: Vec<PathBuf>,
}

impl Project {
    /// What the command line says; else what the project's file says.
    ///
    /// # Errors
    ///
    /// When the project's file cannot be used.
    pub fn of(arguments: &InputArguments) -> Result<Project, Failure> {
        let file = arguments.config.clone().or_else(|| Config::find(where_to_look(arguments)));
        let config = match &file {
            Some(file) => with_names(|names| Config::read(file, names))?,
            None => Config::default(),
        };
        let directory = file.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let mut map = config.map;
        map.extend(arguments.map.iter().cloned());
        Ok(Project {
            profile: Profile {
                version: arguments.nginx_version.or(config.nginx.version),
                modules: arguments.nginx_modules.clone().or(config.nginx.modules),
                surroundings: config.surroundings,
                facts: None,
            },
            root: arguments.root.clone().or(config.root),
            map,
            selection: Selection {
                levels: config.levels,
                directory: std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf()),
            },
            min_severity: config.min_severity.and_then(severity_of),
            fail_on: config.fail_on.and_then(severity_of),
            baseline: config.baseline,
            files: config.files,
        })
    }

    /// Adds what is wanted of the rules in this run.
    ///
    /// # Errors
    ///
    /// When a name means no rule.
    pub fn for_wishes(mut self, wishes: &WishArguments) -> Result<Project, Failure> {
        with_names(|names| {
            let mut given = wishes.select.iter().chain(&wishes.ignore);
            match given.find(|name| !names.has(name)) {
                Some(name) => Err(Failure::Message(names.unknown(name))),
                None => Ok(()),
            }
        })?;
        self.selection.levels.choose(&wishes.select, &wishes.ignore);
        self.fail_on = wishes.fail_on.or(self.fail_on);
        // Who selects advice wants to see it.
        let shown = (!wishes.select.is_empty()).then_some(Severity::Info);
        self.min_severity = wishes.min_severity.or(shown).or(self.min_severity);
        Ok(self)
    }

    /// Adds what only a check is asked.
    pub fn for_check(mut self, arguments: &CheckArguments) -> Project {
        self.baseline = arguments.baseline.clone().or(self.baseline);
        self
    }
}

/// Where the project's file is looked for: at the first path that is asked
/// about and above.
fn where_to_look(arguments: &InputArguments) -> &Path {
    let here = Path::new(".");
    let first = arguments.paths.first().map_or(here, PathBuf::as_path);
    if is_stdin(first) { here } else { first }
}

/// Calls with the names that rules can be set by.
pub fn with_names<T>(act: impl FnOnce(&Names<'_>) -> T) -> T {
    let aliases = rules::ALL.iter().flat_map(|rule| rule.equivalents).map(|equivalent| equivalent.name);
    let rules: Vec<&str> = rules::ALL.iter().map(|rule| rule.name).chain(aliases).collect();
    let mut groups: Vec<Group> = rules::ALL.iter().map(|rule| rule.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let groups: Vec<&str> = groups.into_iter().map(Group::name).collect();
    act(&Names { rules: &rules, groups: &groups })
}

fn severity_of(level: Level) -> Option<Severity> {
    match level {
        Level::Info => Some(Severity::Info),
        Level::Warning => Some(Severity::Warning),
        Level::Error => Some(Severity::Error),
        Level::Off | Level::On => None,
    }
}
