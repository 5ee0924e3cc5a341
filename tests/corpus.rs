//! Real configurations: what nginx's tokenizer accepts gives no syntax error,
//! what it refuses gives one on the line it names, and what nginx accepts is
//! not said to be refused. How often each rule speaks is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nginx_lint::engine::{self, Finding};
use nginx_lint::model::{Model, Profile, outermost_context};
use nginx_lint::rules;
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::ParsedFile;
use nginx_lint::tree::{self, Memory, Places, Tree};
use serde_json::Value;

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

/// A file by itself: whatever it includes is out of sight.
fn check_alone(record: &Value) -> (Tree, Vec<Finding>) {
    let path = Path::new("/srv/checkout/file.conf");
    let files: Memory = [(path, bytes(record))].into_iter().collect();
    let tree = tree::load(&files, path, &Places::of_fragment(path, path)).expect("the file is there");
    let outermost = outermost_context(&tree.files[0]);
    let findings = engine::run(&Model::new(&tree, outermost, Profile::default()), rules::ALL);
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

#[test]
fn how_often_each_rule_speaks_on_accepted_files() {
    let mut counts: BTreeMap<&str, (usize, BTreeSet<String>)> = BTreeMap::new();
    let records = records();
    let accepted = records.iter().filter(|record| !record["accepted_by"].is_null() && record["fixture"] == false);
    for record in accepted {
        for finding in check_alone(record).1 {
            let (count, files) = counts.entry(finding.rule.name).or_default();
            *count += 1;
            files.insert(text(record, "file").to_owned());
        }
    }
    let lines: Vec<String> = rules::ALL
        .iter()
        .map(|rule| match counts.get(rule.name) {
            Some((count, files)) => format!("{:40} {count:4} findings in {:4} files", rule.name, files.len()),
            None => format!("{:40}    0", rule.name),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
