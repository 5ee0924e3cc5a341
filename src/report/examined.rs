//! What was looked at beyond the configuration, and what could not be: nobody
//! is to take silence about a thing for a look at it.

use crate::facts::{Facts, Log};

/// So many things that could not be looked at are listed for people.
const LISTED: usize = 12;

/// What was looked at.
#[derive(Clone, Copy, Debug)]
pub struct Examined<'a> {
    /// What was seen.
    pub facts: &'a Facts,
}

impl<'a> Examined<'a> {
    /// Whether somebody looked at the machine, and not at logs alone.
    pub fn has_machine(&self) -> bool {
        self.facts.listening.is_some() || !self.facts.files.is_empty() || !self.facts.connections.is_empty()
    }

    /// How many of each were looked at, by their plural.
    pub fn counts(&self) -> Vec<(&'static str, usize)> {
        let facts = self.facts;
        let log = facts.log.as_ref();
        vec![
            ("names", facts.names.len() + facts.questions.len()),
            ("addresses", facts.connections.len()),
            ("listening sockets", facts.listening.as_ref().map_or(0, Vec::len)),
            ("files", facts.files.len()),
            ("certificates", facts.certificates.len()),
            ("logs", log.map_or(0, |log| log.files.iter().filter(|file| file.problem.is_none()).count())),
            ("log lines", log.map_or(0, lines)),
        ]
    }

    /// The same for people, each with the word in front of it.
    pub fn in_words(&self) -> Vec<(&'static str, String)> {
        let counts = self.counts().into_iter().filter(|(_, count)| *count > 0);
        let mut looked: Vec<String> = counts.map(|(what, count)| counted(what, count)).collect();
        looked.extend(self.nginx());
        let mut words = Vec::new();
        if !looked.is_empty() {
            words.push(("looked at", looked.join(", ")));
        }
        words.extend(self.unknown_lines().map(|text| ("in the logs", text)));
        let missed = &self.facts.not_examined;
        if !missed.is_empty() {
            let listed = missed.iter().take(LISTED).map(|missed| format!("{}: {}", missed.what, missed.why));
            let more = missed.len().saturating_sub(LISTED);
            let more = (more > 0).then(|| format!("and {more} more"));
            words.push(("not examined", listed.chain(more).collect::<Vec<_>>().join("\n")));
        }
        words
    }

    fn nginx(&self) -> Option<String> {
        let nginx = &self.facts.nginx;
        let version = nginx.binary.as_ref().map(|binary| format!("nginx {}", binary.version));
        let name = version.unwrap_or_else(|| "nginx".to_owned());
        match (nginx.runs, nginx.binary.is_some()) {
            (Some(true), _) => Some(format!("{name} and its {}", counted("workers", nginx.workers.len()))),
            (Some(false), true) => Some(format!("{name}, which does not run with this configuration")),
            (None, true) => Some(name),
            (_, false) => None,
        }
    }

    fn unknown_lines(&self) -> Option<String> {
        let log = self.facts.log.as_ref().filter(|log| log.unknown > 0)?;
        let what = counted("other errors", usize::try_from(log.unknown).unwrap_or(usize::MAX));
        let sample = log.unknown_samples.first().map(|sample| format!(", such as: {sample}")).unwrap_or_default();
        Some(format!("{what}{sample}"))
    }
}

fn lines(log: &Log) -> usize {
    let lines = log.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.lines));
    usize::try_from(lines).unwrap_or(usize::MAX)
}

/// `1 address`, `2 addresses`.
fn counted(plural: &str, count: usize) -> String {
    let one = plural.strip_suffix("sses").map(|stem| format!("{stem}ss"));
    let one = one.unwrap_or_else(|| plural.trim_end_matches('s').to_owned());
    if count == 1 { format!("1 {one}") } else { format!("{count} {plural}") }
}
