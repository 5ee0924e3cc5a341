//! The words of `open_file_cache`, `ssl_certificate_cache` and their like:
//! `off`, or `max=NUMBER` and some times.

use super::{Directive, parse_number, parse_seconds};

/// What such words amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheWords {
    /// The first argument that nginx does not take.
    pub wrong: Option<usize>,
    /// It is `off`, says how many are kept, or has a word that is filled in
    /// later and may say so.
    pub is_complete: bool,
}

impl CacheWords {
    /// Reads the arguments of a directive; `times` are the names of those that
    /// are times in seconds.
    pub fn of(directive: Directive<'_>, times: &[&str]) -> CacheWords {
        let mut words = CacheWords { wrong: None, is_complete: false };
        for (index, text) in directive.arguments().enumerate() {
            let says_how_many = text == "off" || text.starts_with("max=") || directive.is_template(index);
            words.is_complete |= says_how_many;
            let is_right = directive.is_template(index)
                || match text.split_once('=') {
                    Some(("max", value)) => parse_number(value).is_some_and(|max| max > 0),
                    Some((name, value)) => times.contains(&name) && parse_seconds(value).is_some(),
                    None => text == "off",
                };
            if !is_right {
                words.wrong = Some(index);
                break;
            }
        }
        words
    }
}
