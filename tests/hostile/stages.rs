//! Random bytes through the stages, in this process: reading, includes, the
//! model, all rules, all reports. Nothing panics, and whatever is handed on
//! fits what it was made from.

use std::path::Path;

use nginx_lint::engine::{self, Finding};
use nginx_lint::model::{Model, Profile, outermost_context};
use nginx_lint::report::{self, Format, Report, Shown, Style, Summary};
use nginx_lint::rules;
use nginx_lint::source::{Location, SourceFile, Span};
use nginx_lint::syntax::{Ending, NO_STATEMENT, ParsedFile, StatementId};
use nginx_lint::tree::{self, Memory, Places, Tree};
use proptest::prelude::*;

/// Something of everything the readers know.
const VALID: &str = r#"worker_processes auto; # as many as there are cores
events { worker_connections 1024; }
http {
    include part.conf;
    log_format main '$remote_addr "$request"' " \"$status\"";
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream app { zone app 64k; server 10.0.0.1:80 down; server app.example.com max_fails=3; keepalive 8; }
    init_by_lua_block { local a = "}" --[[ } ]] if a then b = { c = '{' } end }
    server {
        listen 80 default_server;
        server_name example.com *.example.com "~^(?<name>\w{2,3})\.example\.org$";
        set $target "app";
        location / { proxy_pass http://app; proxy_read_timeout 1m 30s; proxy_set_header Host $host; }
        location ~* \.(png|jpe?g)$ { expires 30d; root "/srv/with blanks/"; }
        location /${PREFIX}/ { proxy_pass http://$target$request_uri; }
        if ($request_method = "POST") { return 405; }
    }
}
"#;

const PART: &str = "# shared\nserver_tokens off;\nadd_header X-A \"b;c\" always;\r\ninclude part.conf;\n";

/// What a mutation puts in: what the readers treat in a way of its own, and
/// any other byte now and then.
fn a_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        6 => prop::sample::select(&b"{};\"'\\#$ \n\r\t-[]=/:%()~*"[..]),
        2 => prop::sample::select(&b"abc019_"[..]),
        1 => any::<u8>(),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(a_byte(), 0..400)
}

#[derive(Clone, Debug)]
enum Mutation {
    Delete(prop::sample::Index, usize),
    Insert(prop::sample::Index, Vec<u8>),
    Replace(prop::sample::Index, u8),
    /// Copies a part to another place.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        (place(), 1..40usize).prop_map(|(at, count)| Mutation::Delete(at, count)),
        (place(), prop::collection::vec(a_byte(), 1..4)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (place(), a_byte()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (place(), place(), 1..80usize).prop_map(|(from, to, count)| Mutation::Copy(from, to, count)),
    ]
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(mutation(), 0..6).prop_map(|mutations| {
        let mut bytes = VALID.as_bytes().to_vec();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        bytes
    })
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    // An index needs something to point at.
    bytes.push(b'\n');
    let length = bytes.len();
    let end = |start: usize, count: usize| (start + count).min(length);
    match mutation {
        Mutation::Delete(at, count) => {
            let start = at.index(length);
            bytes.drain(start..end(start, *count));
        }
        Mutation::Insert(at, new) => {
            let at = at.index(length);
            bytes.splice(at..at, new.iter().copied());
        }
        Mutation::Replace(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Copy(from, to, count) => {
            let start = from.index(length);
            let copy = bytes[start..end(start, *count)].to_vec();
            let to = to.index(length);
            bytes.splice(to..to, copy);
        }
    }
}

// 256 cases each; PROPTEST_CASES asks for more.
proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_go_through_all_stages(bytes in bytes()) {
        go_through_all_stages(bytes);
    }

    #[test]
    fn a_mutated_configuration_goes_through_all_stages(bytes in mutated()) {
        go_through_all_stages(bytes);
    }

    #[test]
    fn statements_and_comments_are_all_there_is(bytes in prop_oneof![bytes(), mutated()]) {
        let file = ParsedFile::new(SourceFile::new("nginx.conf", bytes));
        if file.syntax.problem_count == 0 {
            assert_covered(&file);
        }
    }
}

#[test]
fn what_is_mutated_is_right() {
    for text in [VALID, PART] {
        let file = ParsedFile::new(SourceFile::new("nginx.conf", text.as_bytes().to_vec()));
        assert_eq!(file.syntax.problems, []);
        assert_covered(&file);
    }
}

fn go_through_all_stages(bytes: Vec<u8>) {
    let entry = Path::new("nginx.conf");
    let files: Memory = [(entry, bytes), (Path::new("part.conf"), PART.as_bytes().to_vec())].into_iter().collect();
    let tree = tree::load(&files, entry, &Places::of_entry(entry, entry)).expect("it is in memory");
    for file in &tree.files {
        assert_statements_fit(file);
    }
    assert_nodes_fit(&tree);
    let model = Model::new(&tree, outermost_context(&tree.files[0]), Profile::default());
    let findings = engine::run(&model, rules::ALL, engine::Severity::Info);
    for finding in &findings {
        assert_finding_fits(finding, &tree);
    }
    assert_reports_are_written(&findings, &tree);
}

fn assert_statements_fit(file: &ParsedFile) {
    let syntax = &file.syntax;
    let text = file.source.text();
    assert_eq!(text.len(), file.source.bytes().len());
    let words = syntax.words.iter().flat_map(|word| [word.span, word.inner()]);
    let spans = words.chain(syntax.comments.iter().copied()).chain(syntax.problems.iter().map(|problem| problem.at));
    for span in spans {
        assert_fits(span, text);
    }
    assert!(syntax.problems.iter().all(|problem| problem.noticed_at as usize <= text.len()));
    // Open blocks, each with the statement behind it.
    let mut open: Vec<(StatementId, StatementId)> = Vec::new();
    for (index, statement) in syntax.statements.iter().enumerate() {
        let id = index as StatementId;
        while open.pop_if(|(_, next)| *next <= id).is_some() {}
        assert!(statement.next > id && statement.next as usize <= syntax.statements.len());
        assert!(open.last().is_none_or(|(_, next)| statement.next <= *next), "a block ends behind the one around it");
        // What stands in a block without a name has no parent.
        let innermost = open.last().map_or(NO_STATEMENT, |(block, _)| *block);
        if statement.parent != NO_STATEMENT || syntax.problem_count == 0 {
            assert_eq!(statement.parent, innermost, "the parent is the innermost open block");
        }
        assert!(!file.words(id).is_empty());
        assert_fits(file.head_span(id), text);
        assert_fits(file.whole_span(id), text);
        if statement.ending == Ending::Block {
            open.push((id, statement.next));
        }
    }
}

fn assert_nodes_fit(tree: &Tree) {
    for id in tree.node_ids() {
        let node = tree.node(id);
        assert!(node.next > id && node.next.index() <= tree.nodes.len());
        assert!(node.parent == tree::NodeId::NONE || (node.parent < id && tree.node(node.parent).next >= node.next));
        assert!(tree.included_from(node.inclusion).count() < tree.inclusions.len());
    }
}

fn assert_finding_fits(finding: &Finding, tree: &Tree) {
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
    let others = finding.labels.iter().map(|label| label.location).chain(edits.map(|edit| edit.location));
    for Location { file, span } in others.chain([finding.place.location]) {
        assert_fits(span, tree.file(file).source.text());
    }
    assert!(!finding.message.is_empty());
}

const FORMATS: [Format; 10] = [
    Format::Full,
    Format::Concise,
    Format::Json,
    Format::Jsonl,
    Format::Sarif,
    Format::Github,
    Format::Gitlab,
    Format::Junit,
    Format::Checkstyle,
    Format::Rdjson,
];

fn assert_reports_are_written(findings: &[Finding], tree: &Tree) {
    let shown = |finding| Shown { finding, tree, fingerprint: String::new() };
    let findings = findings.iter().map(shown).collect();
    let report = Report { findings, unread: &[], summary: Summary::default(), examined: None };
    let mut out = Vec::new();
    for unicode in [true, false] {
        let style = Style { colour: false, unicode, width: 80 };
        for format in FORMATS {
            report::write(&report, format, style, &mut out).expect("memory takes all");
        }
    }
    assert!(std::str::from_utf8(&out).is_ok_and(|text| !text.contains('\u{1b}')), "an escape");
}

fn assert_fits(span: Span, text: &str) {
    assert!(span.start <= span.end, "{span:?}");
    assert!(text.get(span.range()).is_some(), "{span:?} in {} bytes", text.len());
}

/// Every byte belongs to one word, one comment, the end of one statement, or
/// is a blank between them.
fn assert_covered(file: &ParsedFile) {
    let text = file.source.text();
    let mut pieces: Vec<Span> = file.syntax.words.iter().map(|word| word.span).collect();
    pieces.extend(&file.syntax.comments);
    for statement in &file.syntax.statements {
        let terminator = statement.terminator;
        match statement.ending {
            Ending::Semicolon => pieces.push(Span { start: terminator, end: terminator + 1 }),
            Ending::Block => {
                pieces.push(Span { start: terminator, end: terminator + 1 });
                pieces.push(Span { start: statement.end - 1, end: statement.end });
            }
            Ending::Lua => pieces.push(Span { start: terminator, end: statement.end }),
            Ending::Missing => panic!("a missing semicolon is a problem"),
        }
    }
    pieces.sort_unstable();
    let mut behind = if file.syntax.byte_order_mark { 3 } else { 0 };
    for piece in pieces.into_iter().chain([Span::at(text.len())]) {
        assert!(piece.start >= behind, "{piece:?} overlaps what ends at {behind}");
        let between = &text[behind as usize..piece.start as usize];
        assert!(between.bytes().all(|byte| b" \t\r\n".contains(&byte)), "nobody has {between:?}");
        behind = piece.end;
    }
}
