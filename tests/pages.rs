//! Every page runs: a bad block yields exactly the findings marked in it, a
//! good block none, and the fixes of a bad block make the fixed block after
//! it, which is silent too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use nginx_lint::catalog::Context;
use nginx_lint::config::{Config, Names};
use nginx_lint::engine::{self, Block, BlockKind, Edit, Finding, Rule, Severity};
use nginx_lint::facts::Facts;
use nginx_lint::fix;
use nginx_lint::logs::Gatherer;
use nginx_lint::model::{Model, Profile, Surroundings, outermost_context};
use nginx_lint::rules;
use nginx_lint::source::FileId;
use nginx_lint::tree::{self, Memory, Places, Tree};
use nginx_lint::triage::{self, Suppressions};

/// A finding as a page marks it: file, line, rule.
type Mark = (PathBuf, u32, String);

#[test]
fn pages_run() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        let page = rule.page();
        let mut fixed_by_bad: Option<BTreeMap<PathBuf, String>> = None;
        for block in &page.blocks {
            let place = format!("{}, block at line {}", rule.name, block.line);
            match block.kind {
                BlockKind::Bad => match check_bad(rule, block) {
                    Ok(fixed) => fixed_by_bad = Some(fixed),
                    Err(message) => wrong.push(format!("{place}: {message}")),
                },
                BlockKind::Good => wrong.extend(check_silent(rule, block).map(|message| format!("{place}: {message}"))),
                BlockKind::Fixed => {
                    wrong.extend(check_silent(rule, block).map(|message| format!("{place}: {message}")));
                    let expected: BTreeMap<PathBuf, String> = files(block);
                    if fixed_by_bad.as_ref() != Some(&expected) {
                        wrong.push(format!("{place}: fixing the bad block gives {fixed_by_bad:#?}, not {expected:#?}"));
                    }
                }
            }
        }
        let kinds: Vec<BlockKind> = page.blocks.iter().map(|block| block.kind).collect();
        if !kinds.contains(&BlockKind::Bad) || !kinds.contains(&BlockKind::Good) {
            wrong.push(format!("{}: a page needs a bad and a good block", rule.name));
        }
        if (rule.fix != engine::FixKind::None) != kinds.contains(&BlockKind::Fixed) {
            wrong.push(format!("{}: a page has a fixed block if, and only if, the rule has fixes", rule.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Checked {
    tree: Tree,
    findings: Vec<Finding>,
}

fn files(block: &Block<'_>) -> BTreeMap<PathBuf, String> {
    block.files().into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect()
}

fn check(block: &Block<'_>) -> Checked {
    let files = block.files();
    let entry = Path::new(&files[0].0);
    let memory: Memory = files.iter().map(|(path, text)| (path, text.as_bytes())).collect();
    let places = Places::of_entry(entry, &Path::new("/").join(entry));
    let tree = tree::load(&memory, entry, &places).expect("the entry is in memory");
    let outermost = outermost_context(&tree.files[0]);
    assert_ne!(outermost, Context::Foreign, "the block at line {} fits no context", block.line);
    let version = block.nginx_version().map(|version| version.parse().expect("a version"));
    let facts = facts(block).map(Arc::new);
    let profile = Profile { version, surroundings: surroundings(block), facts, ..Profile::default() };
    let model = Model::new(&tree, outermost, profile);
    let mut findings = engine::run(&model, rules::ALL, Severity::Info);
    suppress(&model, &mut findings);
    Checked { tree, findings }
}

/// What comments for nginx-lint make of the findings.
fn suppress(model: &Model<'_>, findings: &mut Vec<Finding>) {
    let suppressions = Suppressions {
        unused: rules::UNUSED_SUPPRESSION,
        invalid: rules::INVALID_SUPPRESSION,
        names: &names(),
        asked: rules::ALL,
        today: triage::today(),
    };
    suppressions.apply(model, findings);
}

fn names() -> Names<'static> {
    static RULES: LazyLock<Vec<&str>> = LazyLock::new(|| rules::ALL.iter().map(|rule| rule.name).collect());
    static GROUPS: LazyLock<Vec<&str>> = LazyLock::new(|| rules::ALL.iter().map(|rule| rule.group.name()).collect());
    Names { rules: &RULES, groups: &GROUPS }
}

fn surroundings(block: &Block<'_>) -> Surroundings {
    let text = format!("[surroundings]\n{}", block.surroundings());
    let config = Config::parse(Path::new("nginx-lint.toml"), &text, &names());
    config.unwrap_or_else(|error| panic!("the block at line {}: {error}", block.line)).surroundings
}

/// What was seen of the machine and its logs, if the block says anything.
fn facts(block: &Block<'_>) -> Option<Facts> {
    let text = block.facts();
    let mut facts: Facts = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", block.line));
    let mut gatherer = Gatherer::default();
    block.log().for_each(|line| gatherer.add_line(line.as_bytes()));
    let log = gatherer.finish();
    assert!(log.unknown == 0, "the block at line {}: a line of the log is not recognised", block.line);
    facts.log = Some(log).filter(|log| !log.seen.is_empty()).or(facts.log);
    (facts != Facts::default()).then_some(facts)
}

/// What the fixes of the page's rule make of the files of a block whose
/// findings are those marked.
fn check_bad(rule: &Rule, block: &Block<'_>) -> Result<BTreeMap<PathBuf, String>, String> {
    let expected = marks(rule, block);
    let checked = check(block);
    // Advice of other rules is another page's affair, unless it is marked.
    let is_own = |mark: &Mark, finding: &Finding| {
        finding.severity > Severity::Info || finding.rule.name == rule.name || expected.contains(mark)
    };
    let found = checked.findings.iter().map(|finding| (mark_of(&checked.tree, finding), finding));
    let found: BTreeSet<Mark> = found.filter(|(mark, finding)| is_own(mark, finding)).map(|(mark, _)| mark).collect();
    if expected.is_empty() {
        return Err("a bad block marks its findings".to_owned());
    }
    if found != expected {
        return Err(format!("finds {found:#?}, marked are {expected:#?}"));
    }
    let mut fixed = files(block);
    for (index, file) in checked.tree.files.iter().enumerate() {
        let own = checked.findings.iter().filter(|finding| finding.rule.name == rule.name);
        let edits: Vec<Edit> = own
            .filter_map(|finding| finding.fix.as_ref())
            .flat_map(|fix| fix.edits.iter().cloned())
            .filter(|edit| edit.location.file == FileId(index as u32))
            .collect();
        let bytes = fix::apply(file.source.bytes(), &edits).map_err(|error| error.to_string())?;
        fixed.insert(file.source.path().to_path_buf(), String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(fixed)
}

fn check_silent(rule: &Rule, block: &Block<'_>) -> Option<String> {
    let checked = check(block);
    let heard: Vec<Mark> = checked
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info || finding.rule.name == rule.name)
        .map(|finding| mark_of(&checked.tree, finding))
        .collect();
    (!heard.is_empty()).then(|| format!("should be silent, but finds {heard:#?}"))
}

fn mark_of(tree: &Tree, finding: &Finding) -> Mark {
    let source = &tree.file(finding.place.location.file).source;
    let line = source.line(finding.place.location.span.start);
    (source.path().to_path_buf(), line, finding.rule.name.to_owned())
}

/// `# <- finding` marks its line, `# v finding` the next one; a rule's name in
/// the place of `finding` means another rule than the page's.
fn marks(rule: &Rule, block: &Block<'_>) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    for (path, text) in block.files() {
        for (line, content) in (1..).zip(text.lines()) {
            let same = content.split_once("# <- ").map(|(_, names)| (line, names));
            let next = content.split_once("# v ").map(|(_, names)| (line + 1, names));
            for (line, names) in same.into_iter().chain(next) {
                for name in names.split(", ").map(str::trim) {
                    let name = if name == "finding" { rule.name } else { name };
                    marks.insert((PathBuf::from(&path), line, name.to_owned()));
                }
            }
        }
    }
    marks
}

#[test]
fn every_rule_has_a_page_that_names_it() {
    for rule in rules::ALL {
        let page = rule.page();
        assert_eq!(page.title, rule.name);
        assert!(page.summary.ends_with('.'), "{}: the summary is one sentence", rule.name);
        for heading in ["## What happens", "## How to fix it", "## When to ignore it", "## Links"] {
            assert!(rule.page.contains(heading), "{}: no \"{heading}\"", rule.name);
        }
        for link in rule.references {
            let linked = rule.page.contains(link) || rule.page.contains("https://nginx.org/");
            assert!(linked, "{}: {link} is not on the page", rule.name);
        }
    }
}
