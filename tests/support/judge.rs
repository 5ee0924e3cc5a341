//! What nginx-lint says of a configuration that is only in memory.

use std::path::{Path, PathBuf};

use nginx_lint::catalog::{Context, Version};
use nginx_lint::engine::{self, Finding};
use nginx_lint::model::{Model, Profile};
use nginx_lint::rules;
use nginx_lint::tree::{self, Memory, Places, Tree};

use super::answer::Message;

/// Findings, and the files they are about.
pub struct Judgement {
    tree: Tree,
    /// What the rules have to say.
    pub findings: Vec<Finding>,
}

/// Judges a whole configuration.
pub fn judge(files: &Memory, entry: &Path, profile: Profile) -> Judgement {
    judge_part(files, &Places::of_entry(entry, entry), entry, Context::Main, profile)
}

/// A release that may have any module.
pub fn release(version: Version) -> Profile {
    Profile::of_version(Some(version))
}

/// Judges what stands in `outermost`.
pub fn judge_part(files: &Memory, places: &Places, entry: &Path, outermost: Context, profile: Profile) -> Judgement {
    let tree = tree::load(files, entry, places).expect("the entry is there");
    let model = Model::new(&tree, outermost, profile);
    let findings = engine::run(&model, rules::ALL, engine::Severity::Info);
    Judgement { tree, findings }
}

impl Judgement {
    /// The findings that say nginx would not load it.
    pub fn refused(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.refused)
    }

    /// Whether nginx would not load it.
    pub fn is_refused(&self) -> bool {
        self.refused().next().is_some()
    }

    /// Whether a finding is at the place a message of nginx names, or says in
    /// its note that nginx names that place.
    pub fn names(&self, finding: &Finding, message: &Message) -> bool {
        let Some((file, line)) = &message.place else { return true };
        self.places(finding).iter().any(|(path, known)| known == line && path.ends_with(file))
    }

    /// Whether a finding quotes another text of nginx than this message.
    pub fn misquotes(&self, finding: &Finding, message: &Message) -> bool {
        let quoted = finding.verdict.as_ref().map(|verdict| Message::new("emerg", &verdict.text).without_place());
        quoted.is_some_and(|quoted| !quoted.is_empty() && quoted != message.without_place())
    }

    fn places(&self, finding: &Finding) -> Vec<(PathBuf, u32)> {
        let source = &self.tree.file(finding.place.location.file).source;
        let own = source.path().to_path_buf();
        let note = finding.note.as_deref().unwrap_or_default();
        let mut places = vec![(own.clone(), source.line(finding.place.location.span.start))];
        let lines = note.split("line ").skip(1).filter_map(leading_number);
        places.extend(lines.map(|line| (own.clone(), line)));
        let elsewhere = note.split_whitespace().filter_map(|word| {
            let (path, rest) = word.rsplit_once(':')?;
            Some((PathBuf::from(path), leading_number(rest)?))
        });
        places.extend(elsewhere);
        places
    }

    /// One finding in a line: rule, place, message.
    pub fn describe(&self, finding: &Finding) -> String {
        let source = &self.tree.file(finding.place.location.file).source;
        let name = source.path().file_name().unwrap_or_default().to_string_lossy();
        let line = source.line(finding.place.location.span.start);
        format!("{} at {name}:{line}: {}", finding.rule.name, finding.message)
    }

    /// The refused findings, or "nothing".
    pub fn describe_refused(&self) -> String {
        let all: Vec<String> = self.refused().map(|finding| self.describe(finding)).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(" | ") }
    }
}

fn leading_number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
