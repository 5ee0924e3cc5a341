//! Real configurations: what nginx's tokenizer accepts gives no syntax error,
//! what it refuses gives one on the line it names, and what nginx accepts is
//! not said to be refused, neither alone nor in the place where nginx read it.
//! How often each rule speaks is recorded.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nginx_lint::catalog::{self, Body, Context, Origin, Version};
use nginx_lint::engine::{self, Finding, Rule, Severity};
use nginx_lint::model::{Model, Profile, outermost_context};
use nginx_lint::rules;
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::{ParsedFile, StatementId};
use nginx_lint::tree::{self, Disk, Memory, Places, Tree};
use rayon::prelude::*;
use serde_json::Value;

use support::judge::{judge_part, release};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus")
}

fn records() -> Vec<Value> {
    let index = std::fs::read_to_string(corpus().join("index.jsonl")).expect("the index");
    index.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn bytes(record: &Value) -> Vec<u8> {
    std::fs::read(corpus().join(text(record, "file"))).expect("a file of the index")
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

#[test]
fn syntax_errors_are_those_of_nginx() {
    let mut wrong = Vec::new();
    for record in records() {
        let file = ParsedFile::new(SourceFile::new(text(&record, "file"), bytes(&record)));
        let problems = &file.syntax.problems;
        let accepted = record["lex"]["verdict"] == "ok";
        let line = record["lex"]["line"].as_u64().unwrap_or_default() as u32;
        let named = |problem: &nginx_lint::syntax::Problem| {
            file.source.line(problem.at.start) == line || file.source.line(problem.noticed_at) == line
        };
        if accepted != problems.is_empty() || (!accepted && !problems.iter().any(named)) {
            wrong.push(format!("{}: {} but {problems:?}", text(&record, "file"), record["lex"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The text that nginx accepted: without the directives that were blanked for
/// it.
fn what_was_accepted(record: &Value) -> Vec<u8> {
    match record["accepted_by"].as_str() {
        Some(_) => Trial::new(record).text(),
        None => bytes(record),
    }
}

/// A file by itself: whatever it includes is out of sight.
fn check_alone(record: &Value) -> (Tree, Vec<Finding>) {
    let path = Path::new("/srv/checkout/file.conf");
    let files: Memory = [(path, what_was_accepted(record))].into_iter().collect();
    let tree = tree::load(&files, path, &Places::of_fragment(path, path)).expect("the file is there");
    let outermost = outermost_context(&tree.files[0]);
    let findings = engine::run(&Model::new(&tree, outermost, Profile::default()), rules::ALL, Severity::Info);
    (tree, findings)
}

#[test]
fn what_nginx_accepts_is_not_said_to_be_refused() {
    let mut wrong = Vec::new();
    for record in records().iter().filter(|record| !record["accepted_by"].is_null()) {
        let (tree, findings) = check_alone(record);
        for finding in findings.iter().filter(|finding| finding.refused) {
            let line = tree.file(finding.place.location.file).source.line(finding.place.location.span.start);
            wrong.push(format!("{}:{line}: {}: {}", text(record, "file"), finding.rule.name, finding.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a file was put when nginx accepted it, and which nginx that was. Only
/// the newer one had all modules of nginx; of its last try, everything that it
/// did not know was blanked.
struct Trial<'r> {
    record: &'r Value,
    release: Version,
    wrap: &'r str,
    blanked: bool,
}

impl<'r> Trial<'r> {
    fn new(record: &'r Value) -> Trial<'r> {
        let newer = Version::new(1, 31, 5);
        let (key, release, blanked) = match text(record, "accepted_by") {
            "nginx" => ("nginx_t_stub", Version::new(1, 22, 1), false),
            "nginx-1.31" => ("nginx_t_1_31", newer, false),
            "nginx-1.31-sans-unknown-directives" => ("nginx_t_1_31_sans", newer, true),
            other => panic!("{}: accepted by {other}", text(record, "file")),
        };
        assert_eq!(record[key]["verdict"], "ok", "{}", text(record, "file"));
        Trial { record, release, wrap: text(&record[key], "wrap"), blanked }
    }

    fn text(&self) -> Vec<u8> {
        let bytes = bytes(self.record);
        if self.blanked { without_unknown_directives(bytes, self.release) } else { bytes }
    }

    /// The findings that say nginx would refuse it.
    fn refused(&self) -> Vec<String> {
        let context = match self.wrap {
            "full" | "main" => Context::Main,
            "http" => Context::Http,
            "server" => Context::Server,
            "location" => Context::Location,
            other => panic!("{}: put into {other}", text(self.record, "file")),
        };
        let part = Path::new("/etc/nginx/part.conf");
        let mut files: Memory = [(part, self.text())].into_iter().collect();
        let (entry, places) = match context {
            Context::Main => {
                let entry = self.entry(part, &mut files);
                (entry, Places::of_entry(entry, entry))
            }
            _ => (part, Places::of_fragment(part, part)),
        };
        supply_missing_files(&mut files, entry, &places);
        let judgement = judge_part(&files, &places, entry, context, release(self.release));
        judgement.refused().map(|finding| judgement.describe(finding)).collect()
    }

    /// The main file: the file itself, or one that has the `events` it lacks.
    fn entry<'p>(&self, part: &'p Path, files: &mut Memory) -> &'p Path {
        let file = ParsedFile::new(SourceFile::new(part, self.text()));
        let mut names = (0..file.syntax.statements.len()).map(|id| file.name(id as StatementId));
        if names.any(|name| name == "events") {
            return part;
        }
        let entry = Path::new("/etc/nginx/nginx.conf");
        files.insert(entry, "include part.conf;\nevents {}\n");
        entry
    }
}

/// A missing file was as good as an empty one.
fn supply_missing_files(files: &mut Memory, entry: &Path, places: &Places) {
    loop {
        let tree = tree::load(files, entry, places).expect("the entry is there");
        let missing: Vec<PathBuf> = tree.includes.iter().flat_map(|include| include.missing.clone()).collect();
        if missing.is_empty() {
            return;
        }
        for path in missing {
            files.insert(path, "");
        }
    }
}

/// Puts blanks in the place of directives that an nginx with all of its own
/// modules does not know.
fn without_unknown_directives(bytes: Vec<u8>, release: Version) -> Vec<u8> {
    let file = ParsedFile::new(SourceFile::new("part", bytes.clone()));
    let mut result = bytes;
    let mut id: StatementId = 0;
    while (id as usize) < file.syntax.statements.len() {
        let statement = file.statement(id);
        let known = catalog::find(file.name(id));
        let own = known.iter().find(|one| one.module.origin == Origin::OpenSource && one.exists_in(release));
        if own.is_none() {
            let range = file.whole_span(id).range();
            result[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        // Lines of data are no directives.
        let inside = own.is_some_and(|own| own.body != Body::Data);
        id = if inside { id + 1 } else { statement.next };
    }
    result
}

#[test]
fn what_nginx_accepts_in_its_place_is_not_said_to_be_refused_there() {
    let records = records();
    let accepted: Vec<&Value> = records.iter().filter(|record| !record["accepted_by"].is_null()).collect();
    let refused = |record: &&Value| -> Vec<String> {
        let trial = Trial::new(record);
        let place = format!("{} in {} for {}", text(record, "file"), trial.wrap, trial.release);
        trial.refused().into_iter().map(|finding| format!("{place}: {finding}")).collect()
    };
    let wrong: Vec<String> = accepted.par_iter().flat_map_iter(refused).collect();
    assert!(wrong.is_empty(), "{} findings in {} files:\n{}", wrong.len(), accepted.len(), wrong.join("\n"));
}

/// What was judged: a file by itself or a whole tree, and what was found.
struct Judged {
    name: String,
    tree: Tree,
    findings: Vec<Finding>,
}

impl Judged {
    fn line(&self, finding: &Finding) -> String {
        let source = &self.tree.file(finding.place.location.file).source;
        let line = source.line(finding.place.location.span.start);
        let text = source.slice(source.line_span(line)).trim().to_owned();
        format!("{}:{line}: {} [{}] {}\n    {text}", self.name, finding.severity, finding.rule.name, finding.message)
    }
}

/// Files that nginx accepts and that nobody wrote as an example of a mistake.
fn accepted_files() -> Vec<Judged> {
    let mut records = records();
    records.retain(|record| !record["accepted_by"].is_null() && record["fixture"] == false);
    let judge = |record: &Value| {
        let (tree, findings) = check_alone(record);
        Judged { name: text(record, "file").to_owned(), tree, findings }
    };
    records.par_iter().map(judge).collect()
}

/// Whole trees that nginx accepts.
fn accepted_trees() -> Vec<Judged> {
    let index = std::fs::read_to_string(corpus().join("trees.jsonl")).expect("the index");
    let records = index.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let accepted = records.filter(|record| {
        let ok = |key: &str| record[key]["verdict"] == "ok";
        record["fixture"] == false && (ok("nginx_T_stub") || ok("nginx_T_1_31"))
    });
    let judge = |record: Value| {
        let name = text(&record, "tree");
        let entry = corpus().join("trees").join(name).join(text(&record, "entry"));
        let tree = tree::load(&Disk, &entry, &Places::of_entry(&entry, &entry)).expect("the entry is there");
        let findings = engine::run(&Model::new(&tree, Context::Main, Profile::default()), rules::ALL, Severity::Info);
        Judged { name: name.to_owned(), tree, findings }
    };
    accepted.map(judge).collect()
}

/// How often each rule speaks: findings of warning and above, advice, and in
/// how many of the files or trees.
fn counts(judged: &[Judged]) -> BTreeMap<&'static str, (usize, usize, BTreeSet<&str>)> {
    let mut counts: BTreeMap<&str, (usize, usize, BTreeSet<&str>)> = BTreeMap::new();
    for one in judged {
        for finding in &one.findings {
            let (warnings, infos, places) = counts.entry(finding.rule.name).or_default();
            let count = if finding.severity > Severity::Info { warnings } else { infos };
            *count += 1;
            places.insert(&one.name);
        }
    }
    counts
}

#[test]
fn how_often_each_rule_speaks_on_what_nginx_accepts() {
    let (files, trees) = (accepted_files(), accepted_trees());
    let (in_files, in_trees) = (counts(&files), counts(&trees));
    let cell = |counts: &BTreeMap<&'static str, (usize, usize, BTreeSet<&str>)>, rule: &str| match counts.get(rule) {
        Some((warnings, infos, places)) => format!("{warnings:5} {infos:5} {:5}", places.len()),
        None => format!("{:5} {:5} {:5}", 0, 0, 0),
    };
    let head = format!(
        "{:40} | {:^17} | {:^17}\n{:40} | {} | {}",
        "",
        format!("{} files", files.len()),
        format!("{} trees", trees.len()),
        "rule",
        " warn  info    in",
        " warn  info    in"
    );
    let line = |rule: &&'static Rule| {
        format!("{:40} | {} | {}", rule.name, cell(&in_files, rule.name), cell(&in_trees, rule.name))
    };
    let lines: Vec<String> = std::iter::once(head).chain(rules::ALL.iter().map(line)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Not a test but a view, to read before a rule is done: `make noise RULES=a,b`.
#[test]
#[ignore = "prints what rules say on real configurations"]
#[allow(clippy::print_stdout)]
fn what_rules_say_on_what_nginx_accepts() {
    let wanted = std::env::var("NGINX_LINT_RULES").unwrap_or_default();
    let is_wanted = |rule: &str| wanted.is_empty() || wanted.split(',').any(|name| name == rule);
    for one in accepted_files().iter().chain(&accepted_trees()) {
        for finding in one.findings.iter().filter(|finding| is_wanted(finding.rule.name)) {
            println!("{}", one.line(finding));
        }
    }
}
