//! Every format is read by something that nobody here wrote: a schema, or a
//! parser of those who will read it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    let command =
        Command::new(env!("CARGO_BIN_EXE_nginx-lint")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    command.expect("it runs")
}

fn text(arguments: &[&str]) -> String {
    String::from_utf8(run(arguments).stdout).expect("UTF-8")
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(arguments)).expect("JSON")
}

/// Findings with fixes, labels, includes; one without any; a file that cannot
/// be read; bytes that are no UTF-8 and quotes in all places.
fn inputs() -> Vec<Vec<String>> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("formats");
    std::fs::create_dir_all(&directory).expect("a directory");
    let odd = directory.join("odd & \"quoted\".conf");
    std::fs::write(
        &odd,
        b"events {}\nhttp { server { listen 8080; location /\xff<&>\x1b { proxy_pas http://a; } } }\n",
    )
    .expect("written");
    let odd = odd.to_string_lossy().into_owned();
    vec![
        vec!["fixtures/502".to_owned(), "--min-severity".to_owned(), "info".to_owned()],
        vec!["fixtures/stock/debian/etc/nginx".to_owned()],
        vec!["fixtures/502/nginx.conf".to_owned(), "no/such/file.conf".to_owned()],
        vec![odd],
    ]
}

fn for_each_input(format: &str, mut check: impl FnMut(&str)) {
    for input in inputs() {
        let mut arguments = vec!["--format", format];
        arguments.extend(input.iter().map(String::as_str));
        check(&text(&arguments));
    }
}

/// The schema of the standard. One of its patterns has a `]` that is taken for
/// itself only where regular expressions are read loosely.
fn sarif_schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/sarif-2.1.0.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    serde_json::from_str(&text.replace("{2}]?$", "{2}\\\\]?$")).expect("JSON")
}

#[test]
fn sarif_fits_the_schema_of_the_standard() {
    let schema = sarif_schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for_each_input("sarif", |text| {
        let document: Value = serde_json::from_str(text).expect("JSON");
        let wrong: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
    let document = json(&["--format", "sarif", "fixtures/502"]);
    let results = document.pointer("/runs/0/results").and_then(Value::as_array).expect("results");
    assert!(results.iter().any(|result| result["fixes"].as_array().is_some_and(|fixes| !fixes.is_empty())));
    assert!(results.iter().any(|result| result["relatedLocations"].as_array().is_some_and(|it| !it.is_empty())));
}

#[test]
fn the_schema_would_find_a_mistake() {
    let schema = sarif_schema();
    let mut document = json(&["--format", "sarif", "fixtures/502"]);
    document["runs"][0]["results"][0]["level"] = Value::from("bad");
    assert!(!jsonschema::validator_for(&schema).expect("a schema").is_valid(&document));
}

#[test]
fn junit_is_read_by_a_parser_of_junit() {
    for_each_input("junit", |text| {
        let suites = junit_parser::from_reader(text.as_bytes()).expect("JUnit");
        assert!(!suites.suites.is_empty());
    });
    let clean = text(&["--format", "junit", "fixtures/stock/debian/etc/nginx"]);
    let suites = junit_parser::from_reader(clean.as_bytes()).expect("JUnit");
    assert_eq!((suites.tests, suites.failures, suites.errors), (1, 0, 0));
    let failed = text(&["--format", "junit", "fixtures/502"]);
    let suites = junit_parser::from_reader(failed.as_bytes()).expect("JUnit");
    assert!(suites.failures > 5 && suites.tests == suites.failures);
}

#[test]
fn checkstyle_is_read_by_a_parser_of_xml() {
    for_each_input("checkstyle", |text| {
        let document = roxmltree::Document::parse(text).expect("XML");
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "checkstyle");
        for error in root.descendants().filter(|node| node.has_tag_name("error")) {
            assert!(["error", "warning", "info"].contains(&error.attribute("severity").expect("a severity")));
            assert!(error.attribute("line").expect("a line").parse::<u32>().is_ok());
        }
    });
}

/// `docs.gitlab.com/ci/testing/code_quality`: what each entry must have.
#[test]
fn gitlab_gets_what_its_documentation_asks_for() {
    for_each_input("gitlab", |text| {
        let issues: Vec<Value> = serde_json::from_str(text).expect("a list");
        let mut fingerprints = std::collections::HashSet::new();
        for issue in &issues {
            for key in ["description", "check_name", "fingerprint"] {
                assert!(issue[key].as_str().is_some_and(|text| !text.is_empty()), "{issue}");
            }
            let severity = issue["severity"].as_str().expect("a severity");
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity), "{issue}");
            let path = issue.pointer("/location/path").and_then(Value::as_str).expect("a path");
            assert!(!path.starts_with("./"), "{issue}");
            assert!(issue.pointer("/location/lines/begin").is_some_and(Value::is_u64), "{issue}");
            assert!(fingerprints.insert(issue["fingerprint"].to_string()), "{issue}");
        }
    });
}

/// The form is that of `proto/rdf/reviewdog.proto`; columns count bytes.
#[test]
fn rdjson_counts_columns_in_bytes() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rdjson");
    std::fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join("nginx.conf");
    let line = "http { server { location /äö { proxy_pass http://127.0.0.1; proxy_read_timeout 0; } } }";
    std::fs::write(&path, format!("events {{}}\n{line}\n")).expect("written");
    let document = json(&["--format", "rdjson", &path.to_string_lossy(), "--select", "timeout-zero"]);
    let column = line.find("proxy_read_timeout").expect("it is there") + 1;
    assert_eq!(document["diagnostics"][0]["location"]["range"]["start"]["column"], column);
    assert_eq!(document["diagnostics"][0]["severity"], "ERROR");
}

#[test]
fn github_gets_one_command_a_line() {
    for_each_input("github", |text| {
        for line in text.lines() {
            let command = line.strip_prefix("::").and_then(|rest| rest.split_once(' ')).expect("a command").0;
            assert!(["error", "warning", "notice"].contains(&command), "{line}");
            assert!(line.contains("file=") && line.matches("::").count() >= 2, "{line}");
        }
    });
}

#[test]
fn jsonl_is_a_document_a_line_and_the_same_as_in_json() {
    let lines = text(&["--format", "jsonl", "fixtures/502"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Value::from(lines), json(&["--format", "json", "fixtures/502"])["findings"]);
}

#[test]
fn several_formats_go_to_several_places() {
    let directory = tempfile::tempdir().expect("a directory");
    let sarif = directory.path().join("out.sarif");
    let output = run(&["--format", "concise", "--format", &format!("sarif={}", sarif.display()), "fixtures/502"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("error["));
    assert!(std::fs::read_to_string(&sarif).expect("written").contains("\"2.1.0\""));
    let plain = directory.path().join("out.json");
    let output = run(&["--format", "json", "--output", &plain.to_string_lossy(), "fixtures/502"]);
    assert!(output.status.code() == Some(1) && output.stdout.is_empty());
    assert!(std::fs::read_to_string(&plain).expect("written").contains("\"schema\": 1"));
    let table: [(&[&str], &str); 3] = [
        (&["--format", "full", "--format", "json", "fixtures/502"], "two reports would go to standard output"),
        (&["--output", "/no/such/directory/x", "fixtures/502"], "cannot write /no/such/directory/x"),
        (&["--format", "json=", "fixtures/502"], "a file is missing behind ="),
    ];
    for (arguments, expected) in table {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{arguments:?}");
    }
}
