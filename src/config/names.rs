//! The names that rules can be set by.

use super::levels::Level;

/// The names that rules can be set by, beyond the levels and `all`.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Names of rules, and what other tools call them.
    pub rules: &'a [&'a str],
    /// Names of groups.
    pub groups: &'a [&'a str],
}

impl<'a> Names<'a> {
    /// Whether something can be set by this name.
    pub fn has(&self, name: &str) -> bool {
        self.all().any(|known| known == name)
    }

    /// All names.
    pub fn all(&self) -> impl Iterator<Item = &'a str> + '_ {
        let levels = Level::SEVERITIES.iter().map(|level| level.name());
        ["all"].into_iter().chain(levels).chain(self.groups.iter().copied()).chain(self.rules.iter().copied())
    }
}
