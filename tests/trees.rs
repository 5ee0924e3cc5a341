//! Whole trees: every include resolves as it does for nginx.
use nginx_lint::tree::{self, Disk, Places};
use std::path::Path;

#[test]
fn trees() {
    let base = std::fs::canonicalize("fixtures/corpus").expect("corpus");
    let index = std::fs::read_to_string(base.join("trees.jsonl")).expect("index");
    for line in index.lines() {
        let r: serde_json::Value = serde_json::from_str(line).expect("json");
        let entry =
            base.join("trees").join(r["tree"].as_str().expect("tree")).join(r["entry"].as_str().expect("entry"));
        let t = tree::load(&Disk, &entry, &Places::of_entry(&entry, &entry)).expect("loads");
        let mut missing = vec![];
        let mut empty = vec![];
        let mut resolved = 0;
        let mut elsewhere = vec![];
        for i in &t.includes {
            let arg = t.file(i.file).value(&t.file(i.file).words(i.statement)[1]).to_string();
            resolved += i.files.len();
            if !i.missing.is_empty() {
                missing.push(arg)
            } else if i.unseen {
                elsewhere.push(arg)
            } else if i.files.is_empty() {
                empty.push(arg)
            }
        }
        for v in [&mut missing, &mut empty, &mut elsewhere] {
            v.sort();
            v.dedup();
        }
        let reached = t.inclusions.iter().map(|i| i.file).collect::<std::collections::BTreeSet<_>>().len();
        println!(
            "{} reached {} ours {reached}; resolved {} ours {resolved} {}; missing {} ours {missing:?}; empty {} ours {empty:?}; std {} elsewhere {elsewhere:?}",
            r["tree"],
            r["reached"],
            r["includes_resolved"],
            t.inclusions.len() - 1,
            r["missing"],
            r["empty_globs"],
            r["std_added"]
        );
        let _ = Path::new("");
    }
}
