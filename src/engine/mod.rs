//! What a rule is, what a finding is, and one walk that calls each rule only
//! where it asked to be called.
//!
//! It knows the model and no rule in particular: rules are handed to it.

mod finding;
mod page;
mod rule;
mod walk;

pub use finding::{Edit, Evidence, Finding, Findings, Fix, Label};
pub use page::{Block, BlockKind, Page};
pub use rule::{Check, Equivalent, FixKind, Group, Rule, Severity, Versions};
pub use walk::run;
