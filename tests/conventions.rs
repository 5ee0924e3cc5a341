//! Names, tone and order that every part of the project keeps.

use std::collections::BTreeSet;
use std::path::Path;

use nginx_lint::engine::{Check, FixKind, Group, Severity};
use nginx_lint::facts::Signature;
use nginx_lint::logs::Gatherer;
use nginx_lint::rules;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_rule_is_two_files_named_after_it_in_the_folder_of_its_group() {
    let mut names = BTreeSet::new();
    for rule in rules::ALL {
        assert!(names.insert(rule.name), "{} is listed twice", rule.name);
        assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", rule.name);
        let stem = format!("rules/{}/{}", rule.group.name().replace('-', "_"), rule.name.replace('-', "_"));
        assert!(read(format!("{stem}.rs")).contains(&format!("name: \"{}\"", rule.name)), "{stem}");
        assert_eq!(read(format!("{stem}.md")), rule.page, "{stem}");
        let is_ours = rule.group == Group::Suppression;
        assert!(is_ours || !rule.references.is_empty(), "{} has no reference", rule.name);
        assert!(!rule.refused || rule.severity == Severity::Error, "{}: what nginx refuses is an error", rule.name);
    }
    let listed = names.len();
    let files = walkdir::WalkDir::new(root().join("rules")).into_iter().filter_map(Result::ok);
    let pages =
        files.filter(|entry| entry.path().extension().is_some_and(|e| e == "md") && entry.file_name() != "README.md");
    assert_eq!(pages.count(), listed, "every page has a rule");
}

#[test]
fn every_module_says_what_it_is_for() {
    for room in ["src", "rules", "tests", "benches"] {
        let files = walkdir::WalkDir::new(root().join(room)).into_iter().filter_map(Result::ok);
        for entry in files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs")) {
            let text = std::fs::read_to_string(entry.path()).expect("a source file");
            assert!(text.starts_with("//! "), "{} does not begin with //!", entry.path().display());
        }
    }
}

/// Texts of messages are in the rules as string literals; what an operator
/// reads begins in lower case and has no full stop.
#[test]
fn messages_keep_their_tone() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        let stem = format!("rules/{}/{}", rule.group.name().replace('-', "_"), rule.name.replace('-', "_"));
        for call in [".note(\"", ".help(\"", ".note(format!(\"", ".help(format!(\"", ".label("] {
            for rest in read(format!("{stem}.rs")).split(call).skip(1) {
                let text = rest.split("\")").next().unwrap_or_default();
                let first = text.chars().next().unwrap_or('a');
                if call != ".label(" && (first.is_ascii_uppercase() || text.ends_with('.')) {
                    wrong.push(format!("{stem}: {text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_rule_that_mends_says_so_in_the_list() {
    for rule in rules::ALL {
        let stem = format!("rules/{}/{}", rule.group.name().replace('-', "_"), rule.name.replace('-', "_"));
        if matches!(rule.check, Check::Afterwards) {
            continue;
        }
        let mends = read(format!("{stem}.rs")).contains(".fix(");
        assert_eq!(mends, rule.fix != FixKind::None, "{}", rule.name);
    }
}

/// What the log can say and nobody judges would be read for nothing.
#[test]
fn every_message_of_the_log_has_a_rule_and_an_example() {
    let of_machine = rules::ALL.iter().filter(|rule| rule.group.needs_facts());
    // What several rules share is in the model.
    let model = walkdir::WalkDir::new(root().join("src/model")).into_iter().filter_map(Result::ok);
    let files = model.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    let mut judged: String = files.map(|entry| read(entry.path())).collect();
    let mut shown = BTreeSet::new();
    for rule in of_machine {
        judged.push_str(&read(format!("rules/{}/{}.rs", rule.group.name(), rule.name.replace('-', "_"))));
        let mut gatherer = Gatherer::default();
        for block in rule.page().blocks {
            block.log().for_each(|line| gatherer.add_line(line.as_bytes()));
            let facts = block.facts();
            let named = facts.split("signature = \"").skip(1).filter_map(|rest| rest.split('"').next());
            shown.extend(named.filter_map(|name| serde_json::from_value::<Signature>(name.into()).ok()));
        }
        shown.extend(gatherer.finish().seen.iter().map(|evidence| evidence.signature));
    }
    let is_judged = |signature: &Signature| judged.contains(&format!("{signature:?}"));
    let wrong: Vec<Signature> =
        Signature::ALL.into_iter().filter(|signature| !is_judged(signature) || !shown.contains(signature)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
