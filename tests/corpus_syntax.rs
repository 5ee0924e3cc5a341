//! Real configurations: what nginx's tokenizer accepts gives no syntax
//! problem, and what it refuses gives one on the line it names.
use nginx_lint::{source::SourceFile, syntax::ParsedFile};

#[test]
fn corpus() {
    let base = std::path::Path::new("/work/shared/corpus");
    let index = std::fs::read_to_string(base.join("index.jsonl")).expect("index");
    let mut bad = 0;
    for line in index.lines() {
        let r: serde_json::Value = serde_json::from_str(line).expect("json");
        let file = r["file"].as_str().expect("file");
        let p = ParsedFile::new(SourceFile::new(file, std::fs::read(base.join(file)).expect("read")));
        let ok = r["lex"]["verdict"] == "ok";
        let lines: Vec<_> = p
            .syntax
            .problems
            .iter()
            .map(|x| (p.source.line(x.at.start), p.source.line(x.noticed_at), &x.nginx_says, &x.kind))
            .collect();
        if ok != p.syntax.problems.is_empty() || !ok {
            println!("{file} {} -> {lines:?}", r["lex"]);
            bad += 1;
        }
    }
    println!("{bad}");
}
