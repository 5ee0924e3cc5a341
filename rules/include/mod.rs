//! Rules about what files are taken in.

pub mod include_glob_picks_up_backups;
pub mod include_matches_nothing;
