//! Agreement with the installed nginx on configurations that somebody broke:
//! accepted ones, with one thing or two changed (`tests/support/mutate.rs`).
//!
//! `cargo test --test mutants` tries some hundred, the same each time. Many
//! more, with every disagreement and small configurations that show it:
//!
//! ```sh
//! NGINX_LINT_MUTANTS=5000 NGINX_LINT_SEED=7 cargo test --test mutants
//! ```
//!
//! `NGINX_LINT_NGINX=PROGRAM` asks another nginx; it is its release that is
//! judged for. With `NGINX_LINT_DISAGREEMENTS=FILE` the small ones are written
//! to a file in the format of `fixtures/nginx-t/disagreements.json`; what is
//! added there is judged by `tests/recorded.rs` from then on.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nginx_lint::catalog::{self, Version};
use nginx_lint::model::{parse_milliseconds, parse_number, parse_offset, parse_seconds, parse_size};
use nginx_lint::tree::Memory;
use rayon::prelude::*;
use serde_json::{Value, json};

use support::answer::Answer;
use support::bases::{Base, SOURCES, stock, written};
use support::judge::{Judgement, judge};
use support::mutate::{Pool, Random, mutate, reduce};
use support::oracle::{Oracle, Reply};
use support::records::{cases_of, entry};

/// So many mutants are tried when nobody says how many.
const QUICK: usize = 400;

/// The seed when nobody says another one.
const SEED: u64 = 1;

/// nginx starts so many at a time.
const THREADS: usize = 2;

/// Of a thousand verdicts, so many may differ.
const TOLERATED: usize = 5;

/// Of a hundred mutants, so many may ask for more than the text.
const MOST_SKIPPED: usize = 15;

/// Of disagreements about the same, so many are made small, with so many
/// questions to nginx each.
const MOST_REDUCED: usize = 4;
const PATIENCE: usize = 400;

/// One in so many mutants has two things changed.
const TWICE: usize = 8;

/// How the verdicts on one mutant compare.
enum Outcome {
    Accepted,
    /// And what there is to say where no finding is on nginx's line.
    Refused(Option<String>),
    /// More than the text decides.
    Skipped(String),
    Differed(Box<Difference>),
}

/// A disagreement.
struct Difference {
    base: String,
    mutation: String,
    /// The lines that were changed, before and after.
    change: String,
    text: String,
    verdicts: Verdicts,
    /// As little as shows it, and both verdicts on that.
    reduced: Option<(String, Verdicts)>,
}

impl Difference {
    fn describe(&self) -> String {
        let mut lines = vec![format!("{}: {}", self.base, self.mutation), self.change.clone()];
        lines.push(format!("    {}", self.verdicts.both()));
        let reduced = self.reduced.iter().flat_map(|(text, _)| text.lines());
        lines.extend(reduced.map(|line| format!("    | {line}")));
        lines.join("\n")
    }

    /// Makes the text small.
    fn reduce(&mut self, oracle: &Oracle) {
        let class = self.verdicts.class();
        let mut last = None;
        let shows = |text: &str| {
            if judgement(text, oracle).is_refused() != self.verdicts.judgement.is_refused() {
                return false;
            }
            let same = Verdicts::of(text, oracle).filter(|verdicts| verdicts.class() == class);
            let found = same.is_some();
            last = same.or(last.take());
            found
        };
        let text = reduce(&self.text, PATIENCE, shows);
        self.reduced = last.map(|verdicts| (text, verdicts));
    }
}

/// Both verdicts on a text.
struct Verdicts {
    version: Version,
    answer: Answer,
    judgement: Judgement,
}

impl Verdicts {
    /// Nothing if nginx takes too long, or crashes.
    fn of(text: &str, oracle: &Oracle) -> Option<Verdicts> {
        match oracle.ask(text) {
            Reply::Answer(answer) => {
                Some(Verdicts { version: oracle.version, answer, judgement: judgement(text, oracle) })
            }
            Reply::Nothing => None,
        }
    }

    fn agree(&self) -> bool {
        self.answer.accepted != self.judgement.is_refused()
    }

    /// Why the text alone does not decide.
    fn outside(&self) -> Option<String> {
        // An nginx that is not root's does not look at the arguments of "user".
        if self.answer.messages.iter().any(|message| message.text.starts_with("the \"user\" directive makes sense")) {
            return Some("Machine".to_owned());
        }
        let message = self.answer.fatal()?;
        if let Some(outside) = message.outside() {
            return Some(format!("{outside:?}"));
        }
        // Known, but not to this build.
        let name = message.text.strip_prefix("unknown directive \"")?.split('"').next()?;
        let known = catalog::find(name).iter().any(|directive| directive.exists_in(self.version));
        (known && !self.judgement.is_refused()).then(|| "Build".to_owned())
    }

    /// What nginx says, or which rules are wrong.
    fn class(&self) -> String {
        if self.answer.accepted {
            let rules: BTreeSet<&str> = self.judgement.refused().map(|finding| finding.rule.name).collect();
            return format!("FALSE {}", rules.into_iter().collect::<Vec<_>>().join(", "));
        }
        let message = self.answer.fatal().map_or("(no message)".to_owned(), |message| message.class());
        format!("MISSED {message}")
    }

    fn names_the_line(&self) -> bool {
        let Some(message) = self.answer.fatal() else { return true };
        self.judgement.refused().any(|finding| self.judgement.names(finding, message))
    }

    fn both(&self) -> String {
        format!("nginx: {}\n    we:    {}", self.nginx(), self.judgement.describe_refused())
    }

    fn nginx(&self) -> String {
        match self.answer.fatal() {
            Some(message) => message.text.clone(),
            None if self.answer.accepted => "accepted".to_owned(),
            None => "refused without a message".to_owned(),
        }
    }
}

fn judgement(text: &str, oracle: &Oracle) -> Judgement {
    let files: Memory = [(entry(), text.as_bytes().to_vec())].into_iter().collect();
    let judged = catch_unwind(AssertUnwindSafe(|| judge(&files, entry(), oracle.profile.clone())));
    judged.unwrap_or_else(|_| panic!("nginx-lint panics on this:\n{text}"))
}

/// Everything the mutants are made from.
struct Workshop {
    oracle: Oracle,
    sources: Vec<(usize, Vec<Base>)>,
    pool: Pool,
    seed: u64,
}

impl Workshop {
    fn new(seed: u64) -> Workshop {
        let sources: Vec<(usize, Vec<Base>)> = SOURCES.iter().map(|source| (source.share, (source.bases)())).collect();
        let mut pool = Pool::default();
        sources[0].1.iter().for_each(|base| pool.add(&base.text));
        Workshop { oracle: Oracle::new(), sources, pool, seed }
    }

    /// An accepted configuration.
    fn base(&self, random: &mut Random) -> &Base {
        loop {
            let mut at = random.below(100);
            let source = self.sources.iter().find(|(share, _)| {
                let found = at < *share;
                at = at.saturating_sub(*share);
                found
            });
            if let Some(base) = source.and_then(|(_, bases)| random.pick(bases))
                && base.is_accepted(&self.oracle)
            {
                return base;
            }
        }
    }

    /// One mutant and what comes of it.
    fn outcome(&self, index: usize) -> Outcome {
        let mut random = Random::new(self.seed, index as u64);
        let base = self.base(&mut random);
        let mut text = base.text.clone();
        let mut mutations = Vec::new();
        let changes = if random.below(TWICE) == 0 { 2 } else { 1 };
        while mutations.len() < changes {
            if let Some(mutant) = mutate(&text, &self.pool, &mut random) {
                mutations.push(mutant.mutation);
                text = mutant.text;
            }
        }
        let Some(verdicts) = Verdicts::of(&text, &self.oracle) else { return Outcome::Skipped("NoAnswer".to_owned()) };
        if let Some(outside) = verdicts.outside() {
            return Outcome::Skipped(outside);
        }
        match (verdicts.agree(), verdicts.answer.accepted) {
            (true, true) => Outcome::Accepted,
            (true, false) => Outcome::Refused((!verdicts.names_the_line()).then(|| verdicts.both())),
            (false, _) => Outcome::Differed(Box::new(Difference {
                base: base.name.clone(),
                mutation: mutations.join(", then "),
                change: changed_lines(&base.text, &text),
                text,
                verdicts,
                reduced: None,
            })),
        }
    }
}

/// The lines in which two texts differ, the first of them.
fn changed_lines(before: &str, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let side = |sign: &str, lines: &[&str]| -> Vec<String> {
        let lines = &lines[start..lines.len() - end];
        lines.iter().take(4).map(|line| format!("    {sign}{}: {}", start + 1, line.trim_end())).collect()
    };
    [side("-", &old), side("+", &new)].concat().join("\n")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Disagreements about the same, the most frequent first.
fn by_class(differences: Vec<Difference>) -> Vec<(String, Vec<Difference>)> {
    let mut classes: BTreeMap<String, Vec<Difference>> = BTreeMap::new();
    for difference in differences {
        classes.entry(difference.verdicts.class()).or_default().push(difference);
    }
    let mut classes: Vec<_> = classes.into_iter().collect();
    classes.sort_by_key(|(_, list)| std::cmp::Reverse(list.len()));
    classes
}

fn work_list(classes: &[(String, Vec<Difference>)]) -> String {
    let entry = |(class, list): &(String, Vec<Difference>)| {
        let all: Vec<String> = list.iter().map(Difference::describe).collect();
        format!("\n== {} x {class}\n{}", list.len(), all.join("\n"))
    };
    classes.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// The small ones as cases.
fn as_cases(classes: &[(String, Vec<Difference>)], version: Version) -> Value {
    let mut seen = BTreeSet::new();
    let reduced = classes.iter().flat_map(|(class, list)| list.iter().map(move |difference| (class, difference)));
    let case = |(class, difference): (&String, &Difference)| {
        let (text, verdicts) = difference.reduced.as_ref().filter(|(text, _)| seen.insert(text.clone()))?;
        let answer = &verdicts.answer;
        let messages: Vec<String> =
            answer.messages.iter().map(|message| format!("[{}] {}", message.level, message.text)).collect();
        let changed = difference.change.lines().last().unwrap_or_default().trim();
        Some(json!({
            "group": "mutants",
            "name": format!("{class}: {changed}"),
            "conf": text,
            format!("nginx-{version}"): {"result": if answer.accepted { "ok" } else { "fail" }, "messages": messages},
        }))
    };
    reduced.filter_map(case).collect()
}

#[test]
fn nginx_agrees_about_broken_configurations() {
    let count = number("NGINX_LINT_MUTANTS").map_or(QUICK, |count| count as usize);
    let workshop = Workshop::new(number("NGINX_LINT_SEED").unwrap_or(SEED));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("threads");
    let outcomes: Vec<Outcome> =
        threads.install(|| (0..count).into_par_iter().with_max_len(1).map(|index| workshop.outcome(index)).collect());

    let mut refused = 0;
    let mut other_line = BTreeSet::new();
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Accepted => {}
            Outcome::Refused(elsewhere) => {
                refused += 1;
                other_line.extend(elsewhere);
            }
            Outcome::Skipped(why) => *skipped.entry(why).or_default() += 1,
            Outcome::Differed(difference) => differences.push(*difference),
        }
    }
    let without: usize = skipped.values().sum();
    let (judged, differ) = (count - without, differences.len());
    let mut classes = by_class(differences);
    threads.install(|| {
        let reduced = classes.par_iter_mut().flat_map_iter(|(_, list)| list.iter_mut().take(MOST_REDUCED));
        reduced.for_each(|difference| difference.reduce(&workshop.oracle));
    });
    if let Ok(path) = std::env::var("NGINX_LINT_DISAGREEMENTS") {
        let cases = serde_json::to_string_pretty(&as_cases(&classes, workshop.oracle.version)).expect("JSON");
        std::fs::write(path, cases + "\n").expect("written");
    }
    let elsewhere: Vec<String> = other_line.into_iter().collect();
    let report = format!(
        "{differ} of {judged} verdicts differ; {refused} refused by both, {} of them on another line; skipped: {skipped:?}\n{}",
        elsewhere.len(),
        work_list(&classes),
    );
    if count != QUICK {
        let elsewhere = format!("refused by both, on another line:\n    {}", elsewhere.join("\n    "));
        writeln!(std::io::stdout(), "{elsewhere}\n{report}").expect("written");
    }
    assert!(differ * 1000 <= judged * TOLERATED, "{report}");
    assert!(without * 100 <= count * MOST_SKIPPED, "{report}");
}

/// Pieces of numbers, sizes and times.
const PIECES: [&str; 27] = [
    "0",
    "1",
    "2",
    "10",
    "60",
    "1000",
    "9223372036854775",
    "9223372036854775807",
    "y",
    "M",
    "w",
    "d",
    "h",
    "h",
    "m",
    "m",
    "s",
    "s",
    "ms",
    " ",
    "k",
    "K",
    "g",
    "G",
    "-",
    ".",
    "b",
];

/// A directive, and whether we can read its value.
type Reads = (&'static str, fn(&str) -> bool);

const READS: [Reads; 5] = [
    ("client_body_timeout", |value| parse_milliseconds(value).is_some()),
    ("ssl_session_timeout", |value| parse_seconds(value).is_some()),
    ("client_body_buffer_size", |value| parse_size(value).is_some()),
    ("client_max_body_size", |value| parse_offset(value).is_some()),
    ("keepalive_requests", |value| parse_number(value).is_some()),
];

#[test]
fn numbers_sizes_and_times_are_read_as_nginx_reads_them() {
    let oracle = Oracle::new();
    let count = number("NGINX_LINT_MUTANTS").map_or(QUICK, |count| count as usize) / 10;
    let mut random = Random::new(number("NGINX_LINT_SEED").unwrap_or(SEED), 0);
    let mut value = || (0..1 + random.below(4)).filter_map(|_| random.pick(&PIECES).copied()).collect::<String>();
    let values: Vec<String> = (0..count).map(|_| value()).collect();
    let differs = |value: &String| -> Vec<String> {
        let wrong = READS.iter().filter(|(directive, reads)| {
            let text = format!("pid nginx.pid; events {{}} http {{ access_log off; {directive} \"{value}\"; }}");
            matches!(oracle.ask(&text), Reply::Answer(answer) if answer.accepted != reads(value))
        });
        wrong.map(|(directive, reads)| format!("{directive} \"{value}\": we say {}", reads(value))).collect()
    };
    let wrong: Vec<String> = values.par_iter().flat_map_iter(differs).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_mutants_are_made_from_is_accepted_by_nginx_and_by_us() {
    let oracle = Oracle::new();
    let mut wrong = Vec::new();
    for base in written().iter().chain(&stock()) {
        match Verdicts::of(&base.text, &oracle) {
            Some(verdicts) if verdicts.answer.accepted && !verdicts.judgement.is_refused() => {}
            Some(verdicts) => {
                wrong.push(format!("{}: {}; {}", base.name, verdicts.nginx(), verdicts.judgement.describe_refused()));
            }
            None => wrong.push(format!("{}: no answer", base.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Only where the release that was asked is the installed one.
#[test]
fn nginx_still_says_what_is_recorded_of_disagreements() {
    let oracle = Oracle::new();
    let mut wrong = Vec::new();
    for case in cases_of("disagreements.json") {
        let Some(recorded) = case.answer(oracle.version) else { continue };
        let text = String::from_utf8(case.text.clone()).expect("UTF-8");
        let Some(verdicts) = Verdicts::of(&text, &oracle) else { continue };
        let message = |answer: &Answer| answer.fatal().map(|message| message.text.clone());
        if verdicts.answer.accepted != recorded.accepted || message(&verdicts.answer) != message(recorded) {
            wrong.push(format!("{}: {}", case.name, verdicts.nginx()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
