//! Whole trees: where they are installed to is guessed right, and every
//! include resolves as it does for nginx.

use std::collections::BTreeSet;
use std::path::Path;

use nginx_lint::source::FileId;
use nginx_lint::tree::{self, Disk, Include, Places, Tree};
use serde_json::Value;

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn arguments(tree: &Tree, pick: impl Fn(&Include) -> bool) -> BTreeSet<String> {
    let picked = tree.includes.iter().filter(|include| pick(include));
    picked
        .map(|include| {
            let file = tree.file(include.file);
            file.value(&file.words(include.statement)[1]).to_owned()
        })
        .collect()
}

#[test]
fn includes_resolve_as_recorded() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus");
    let index = std::fs::read_to_string(corpus.join("trees.jsonl")).expect("the index");
    let mut checked = 0;
    for line in index.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let name = record["tree"].as_str().expect("a name");
        let entry = corpus.join("trees").join(name).join(record["entry"].as_str().expect("an entry"));
        let tree = tree::load(&Disk, &entry, &Places::of_entry(&entry, &entry)).expect("the entry is there");
        checked += 1;

        // Files of the nginx package that the record had to add are counted by
        // it apart from those of the repository.
        let reached: BTreeSet<FileId> = tree.inclusions.iter().map(|inclusion| inclusion.file).collect();
        let expected = record["reached"].as_u64().expect("a number") as usize + names(&record["std_added"]).len();
        assert_eq!(reached.len(), expected, "{name}");

        // A pattern that lies outside of the checkout is empty to the record
        // and unknown to us; a plain file there is missing to it.
        let outside = arguments(&tree, |include| include.unseen);
        let empty =
            arguments(&tree, |include| !include.unseen && include.files.is_empty() && include.missing.is_empty());
        let missing = arguments(&tree, |include| !include.missing.is_empty());
        let ours: BTreeSet<String> = empty.union(&missing).chain(&outside).cloned().collect();
        let theirs: BTreeSet<String> =
            names(&record["empty_globs"]).union(&names(&record["missing"])).cloned().collect();
        assert_eq!(ours, theirs, "{name}");
        assert!(missing.is_subset(&names(&record["missing"])), "{name}: {missing:?}");
        assert!(empty.is_subset(&names(&record["empty_globs"])), "{name}: {empty:?}");
        assert!(outside.iter().all(|path| path.starts_with('/')), "{name}: {outside:?}");
        assert!(tree.cycles.is_empty() && tree.unread.is_empty() && tree.cut.is_empty(), "{name}");
    }
    assert_eq!(checked, 24);
}
