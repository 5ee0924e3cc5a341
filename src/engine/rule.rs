//! The shape of a rule.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::catalog::{self, Context, Version};
use crate::model::{Block, Directive, Model};
use crate::syntax::ParsedFile;

use super::finding::Findings;
use super::page::Page;
use crate::source::FileId;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Advice, hidden unless asked for.
    Info,
    /// An outage or a vulnerability under conditions that do occur.
    Warning,
    /// Traffic breaks, or nginx refuses the file.
    Error,
}

impl Severity {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Severity, String> {
        [Severity::Info, Severity::Warning, Severity::Error]
            .into_iter()
            .find(|severity| severity.name() == text)
            .ok_or_else(|| format!("\"{text}\" is not a severity; it can be info, warning or error"))
    }
}

/// What a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// nginx itself refuses to start or reload.
    NginxT,
    /// Groups of servers.
    Upstream,
    /// Where requests are passed on to.
    Target,
    /// Timeouts and retries.
    Timeout,
    /// Worker processes and the limits of the system.
    Worker,
    /// Memory and files that hold what passes through.
    Buffer,
    /// Names and resolvers.
    Dns,
    /// TLS to clients and to upstreams.
    Tls,
    /// Which location answers, and what it does.
    Routing,
    /// Headers and parameters that are passed on.
    Header,
    /// What files are taken in.
    Include,
    /// What is wrong on this machine.
    Live,
    /// What the logs say.
    Log,
    /// Comments that say what to ignore.
    Suppression,
}

impl Group {
    /// Whether its rules judge what was seen on a machine.
    pub fn needs_facts(self) -> bool {
        matches!(self, Group::Live | Group::Log)
    }

    /// The word used in reports and for the folder of its rules.
    pub fn name(self) -> &'static str {
        match self {
            Group::NginxT => "nginx-t",
            Group::Upstream => "upstream",
            Group::Target => "target",
            Group::Timeout => "timeout",
            Group::Worker => "worker",
            Group::Buffer => "buffer",
            Group::Dns => "dns",
            Group::Tls => "tls",
            Group::Routing => "routing",
            Group::Header => "header",
            Group::Include => "include",
            Group::Live => "live",
            Group::Log => "log",
            Group::Suppression => "suppression",
        }
    }
}

/// Whether a rule can mend what it finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixKind {
    /// A person has to.
    None,
    /// It changes what the configuration promises; a person has to look.
    Unsafe,
    /// Behaviour can only come closer to what the configuration says.
    Safe,
    /// Sometimes safe, sometimes not: the finding says which.
    Sometimes,
}

/// The releases a rule holds for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// Only from this release on.
    pub since: Option<Version>,
    /// Only before this release.
    pub before: Option<Version>,
}

impl Versions {
    /// Every release.
    pub const ALL: Versions = Versions { since: None, before: None };

    /// Releases before this one.
    pub const fn before(version: Version) -> Versions {
        Versions { since: None, before: Some(version) }
    }

    /// Whether the rule says anything when the configuration is for this
    /// release; when that is open, it does.
    pub fn hold_for(&self, target: Option<Version>) -> bool {
        let Some(target) = target else { return true };
        self.since.is_none_or(|since| target >= since) && self.before.is_none_or(|before| target < before)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.since, self.before) {
            (None, None) => f.write_str("all"),
            (Some(since), None) => write!(f, "since {since}"),
            (None, Some(before)) => write!(f, "before {before}"),
            (Some(since), Some(before)) => write!(f, "since {since}, before {before}"),
        }
    }
}

/// What another tool calls the same finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Equivalent {
    /// The tool.
    pub tool: &'static str,
    /// Its name for it.
    pub name: &'static str,
}

/// Where a rule wants to be called, and what with.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// For every directive of these names.
    Directives(&'static [&'static str], fn(Directive<'_>, &mut Findings)),
    /// For every directive whose name has an entry in the catalog of which this
    /// is true.
    DirectivesWhere(fn(&'static catalog::Directive) -> bool, fn(Directive<'_>, &mut Findings)),
    /// For every block of these contexts that stands in a file.
    Blocks(&'static [Context], fn(Block<'_>, &mut Findings)),
    /// For every block, the outermost and those of data included.
    EveryBlock(fn(Block<'_>, &mut Findings)),
    /// For every file.
    Files(fn(FileId, &ParsedFile, &Model<'_>, &mut Findings)),
    /// Once.
    Configuration(fn(&Model<'_>, &mut Findings)),
    /// Not by the walk: it is about what becomes of findings.
    Afterwards,
}

/// A rule: what it is called, what it holds for, and its check.
///
/// Plain data instead of a trait: a rule has no state, so a constant says all
/// there is to say, and the list of rules is a list of constants.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// In kebab-case; never changes.
    pub name: &'static str,
    /// What it is about.
    pub group: Group,
    /// How bad it usually is; a finding may be milder.
    pub severity: Severity,
    /// nginx would not load the configuration.
    pub refused: bool,
    /// Whether it can mend what it finds.
    pub fix: FixKind,
    /// The releases it holds for.
    pub versions: Versions,
    /// Documentation, the most to the point first.
    pub references: &'static [&'static str],
    /// What other tools call it.
    pub equivalents: &'static [Equivalent],
    /// Its page, in Markdown.
    pub page: &'static str,
    /// The check.
    pub check: Check,
}

impl Rule {
    /// Its page, taken apart.
    pub fn page(&self) -> Page<'static> {
        Page::parse(self.page)
    }

    /// The link that reports show.
    pub fn url(&self) -> Option<&'static str> {
        self.references.first().copied()
    }
}
