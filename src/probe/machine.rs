//! The machine: its limits, processes and files.

use crate::facts::Facts;
use crate::model::Model;

use super::Progress;

/// Adds what is seen of the machine.
pub(super) fn look(_models: &[&Model<'_>], _progress: Progress<'_>, _facts: &mut Facts) {}
