//! All rules, one room a rule: the check, and beside it its page.
//!
//! A rule reads the model and pushes findings. It does not open files, print,
//! ask for the time, or know another rule.

mod upstream;

use crate::engine::Rule;

/// The rules in the order in which they are listed.
pub const ALL: &[&Rule] = &[&upstream::all_servers_down::RULE];

/// The rule of this name.
pub fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.name == name)
}
