//! The network: names, addresses, and what speaks there.

use crate::facts::Facts;
use crate::model::Model;

use super::{Options, Progress};

/// Adds what is seen of the network.
pub(super) fn look(_models: &[&Model<'_>], _options: &Options, _progress: Progress<'_>, _facts: &mut Facts) {}
