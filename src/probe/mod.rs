//! Looks at what the configuration names: names, addresses and what speaks
//! there, files, limits, processes. It fetches facts and judges nothing; only
//! the command `doctor` uses it.
//!
//! It sends nothing anywhere but to what the configuration names, and no more
//! than a greeting unless [`Options::requests`] allows it.

mod certificate;
pub mod machine;
mod network;

use std::time::{Duration, SystemTime};

use crate::facts::{Facts, SCHEMA};
use crate::model::Model;

/// The longest that connecting may take unless said otherwise.
pub const CONNECT_CAP: Duration = Duration::from_secs(5);

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The longest that connecting may take, whatever the configuration says.
    pub connect_cap: Duration,
    /// One request may be sent to each server behind nginx that speaks HTTP.
    pub requests: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { connect_cap: CONNECT_CAP, requests: false }
    }
}

/// What somebody who waits wants to know: what is being looked at, how many
/// are done, and of how many. Called from several threads.
pub type Progress<'p> = &'p (dyn Fn(&str, usize, usize) + Sync);

/// What is known when nobody looks: the time.
pub fn nothing() -> Facts {
    Facts { schema: SCHEMA, taken_at: now(), ..Facts::default() }
}

/// Looks at everything that these configurations, which one nginx reads, name.
pub fn look(models: &[&Model<'_>], options: &Options, progress: Progress<'_>) -> Facts {
    let mut facts = nothing();
    machine::look(&machine::Sources::default(), models, progress, &mut facts);
    network::look(models, options, progress, &mut facts);
    facts.not_examined.sort();
    facts.not_examined.dedup();
    facts
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
