//! What a pipeline needs: rules that can be chosen, findings that can be
//! ignored or known, fixes that break nothing, and changes alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

fn run(directory: &Path, arguments: &[&str]) -> Ran {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_nginx-lint"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { status: output.status.code().expect("a status"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The rules that speak, in order.
fn rules(directory: &Path, arguments: &[&str]) -> Vec<String> {
    let ran = run(directory, &[arguments, &["--format", "jsonl"]].concat());
    let finding =
        |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["rule"].as_str().expect("a rule").to_owned();
    ran.stdout.lines().map(finding).collect()
}

fn tree(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        write(directory.path(), path, text);
    }
    directory
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(path, text).expect("written");
}

fn read(directory: &Path, path: &str) -> String {
    std::fs::read_to_string(directory.join(path)).expect("read")
}

/// An error, two warnings, of two groups, in two files.
const SITE: [(&str, &str); 3] = [
    ("nginx.conf", "events {}\nhttp {\n    include conf.d/*.conf;\n}\n"),
    (
        "conf.d/a.conf",
        "server {\n    listen 8080;\n    location / {\n        proxy_pass http://localhost:9000;\n        proxy_read_timeout 0;\n    }\n}\n",
    ),
    (
        "conf.d/b.conf",
        "server {\n    listen 8081;\n    location / {\n        proxy_pass http://localhost:9001;\n    }\n}\n",
    ),
];

const ALL: [&str; 3] = ["proxy-pass-localhost", "timeout-zero", "proxy-pass-localhost"];

#[test]
fn rules_are_chosen_by_name_group_and_severity() {
    let site = tree(&SITE);
    let table: [(&[&str], &[&str]); 10] = [
        (&["."], &ALL),
        (&[".", "--select", "timeout-zero"], &["timeout-zero"]),
        (&[".", "--select", "timeout"], &["timeout-zero"]),
        (&[".", "--select", "error"], &["timeout-zero"]),
        (&[".", "--ignore", "target,timeout"], &[]),
        (&[".", "--select", "all", "--ignore", "target", "--min-severity", "warning"], &["timeout-zero"]),
        (&[".", "--select", "http10-to-modern-backend"], &["http10-to-modern-backend"]),
        (&[".", "--min-severity", "error", "--fail-on", "error"], &["timeout-zero"]),
        (&["conf.d/b.conf"], &["proxy-pass-localhost"]),
        // What gixy calls a rule.
        (&[".", "--select", "alias_traversal,timeout-zero"], &["timeout-zero"]),
    ];
    for (arguments, expected) in table {
        assert_eq!(rules(site.path(), arguments), expected, "{arguments:?}");
    }
    let ran = run(site.path(), &[".", "--select", "timeout-zerro"]);
    assert_eq!(
        (ran.status, ran.stderr.trim()),
        (2, "error: there is no rule \"timeout-zerro\"; did you mean timeout-zero?")
    );
    assert_eq!(run(site.path(), &[".", "--exit-zero"]).status, 0);
    assert_eq!(run(site.path(), &[".", "none.conf", "--exit-zero"]).status, 2);
    let statistics = run(site.path(), &[".", "--statistics"]).stdout;
    assert_eq!(
        statistics,
        "     2  proxy-pass-localhost  (2 can be mended)\n     1  timeout-zero  (1 can be mended)\n1 error, 2 warnings in 3 files\n"
    );
}

#[test]
fn the_file_of_the_project_chooses_too_and_the_command_has_the_last_word() {
    let site = tree(&SITE);
    let table: [(&str, &[&str], &[&str]); 7] = [
        ("[rules]\ntarget = \"off\"\n", &["."], &["timeout-zero"]),
        ("[rules]\nall = \"off\"\ntimeout-zero = \"on\"\n", &["."], &["timeout-zero"]),
        ("[rules]\ntimeout-zero = \"info\"\n", &["."], &["proxy-pass-localhost", "proxy-pass-localhost"]),
        (
            "[rules]\nhttp10-to-modern-backend = \"warning\"\ntarget = \"off\"\n",
            &["."],
            &["http10-to-modern-backend", "timeout-zero"],
        ),
        (
            "[[overrides]]\npaths = [\"conf.d/a*\"]\nrules = { target = \"off\" }\n",
            &["."],
            &["timeout-zero", "proxy-pass-localhost"],
        ),
        (
            "[rules]\ntarget = \"off\"\n",
            &[".", "--select", "target", "--min-severity", "warning"],
            &["proxy-pass-localhost", "proxy-pass-localhost"],
        ),
        ("fail-on = \"error\"\nmin-severity = \"error\"\n", &["."], &["timeout-zero"]),
    ];
    for (config, arguments, expected) in table {
        write(site.path(), "nginx-lint.toml", config);
        assert_eq!(rules(site.path(), arguments), expected, "{config}");
    }
    write(site.path(), "nginx-lint.toml", "[rules]\ntarget = \"maybe\"\n");
    let ran = run(site.path(), &["."]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("nginx-lint.toml:2:10]"), "{}", ran.stderr);
}

#[test]
fn comments_take_findings_away_and_are_themselves_looked_at() {
    let site = tree(&SITE);
    let b = "server {\n    listen 8081;\n    location / {\n        proxy_pass http://localhost:9001; # nginx-lint: ignore[target] one address here\n    }\n}\n";
    write(site.path(), "conf.d/b.conf", b);
    assert_eq!(rules(site.path(), &["."]), ["proxy-pass-localhost", "timeout-zero"]);
    assert_eq!(run(site.path(), &[".", "--format", "json"]).stdout.matches("\"suppressed\": 1").count(), 1);
    // Nothing to ignore: only said where everything was seen and the rule was asked.
    write(site.path(), "conf.d/b.conf", &b.replace("localhost", "127.0.0.1"));
    assert_eq!(rules(site.path(), &["."]), ["proxy-pass-localhost", "timeout-zero", "unused-suppression"]);
    assert_eq!(rules(site.path(), &["conf.d/b.conf"]), ["unused-suppression"]);
    assert_eq!(rules(site.path(), &[".", "--ignore", "target"]), ["timeout-zero"]);
    std::fs::rename(site.path().join("nginx.conf"), site.path().join("other.txt")).expect("renamed");
    assert!(rules(site.path(), &["conf.d/b.conf"]).is_empty());
}

#[test]
fn a_baseline_hides_what_was_there_and_says_what_is_gone() {
    let site = tree(&SITE);
    let ran = run(site.path(), &[".", "--write-baseline", "known.json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, "note: wrote 3 findings to known.json\n"));
    let known = ["--baseline", "known.json"];
    assert!(rules(site.path(), &[&["."], &known[..]].concat()).is_empty());
    // Lines above do not matter, nor from where the command is run.
    let a = read(site.path(), "conf.d/a.conf");
    write(site.path(), "conf.d/a.conf", &format!("# more\n\n{a}"));
    assert!(rules(&site.path().join("conf.d"), &["..", "--baseline", "../known.json"]).is_empty());
    write(site.path(), "nginx-lint.toml", "baseline = \"known.json\"\n");
    assert!(rules(site.path(), &["."]).is_empty());
    // One more of the same is one too many.
    write(
        site.path(),
        "conf.d/a.conf",
        &a.replace("proxy_read_timeout 0;", "proxy_read_timeout 0;\n        proxy_connect_timeout 0;"),
    );
    assert_eq!(rules(site.path(), &["."]), ["timeout-zero"]);
    write(site.path(), "conf.d/a.conf", &a.replace("proxy_read_timeout 0;", ""));
    let ran = run(site.path(), &["."]);
    assert_eq!(ran.status, 0);
    assert_eq!(
        ran.stderr,
        "note: known.json: 1 finding no longer occurs; --write-baseline known.json takes what is gone out of it\n"
    );
    // A file that was not looked at has lost nothing.
    assert_eq!(run(site.path(), &["conf.d/b.conf"]).stderr, "");
    for text in ["", "{\"schema\": 9, \"findings\": []}"] {
        write(site.path(), "known.json", text);
        assert_eq!(run(site.path(), &["."]).status, 2, "{text}");
    }
}

#[test]
fn fixes_change_what_they_say_and_a_second_run_changes_nothing() {
    let site = tree(&[
        (
            "nginx.conf",
            "worker_processes 4;\r\nevents {}\r\nhttp {\r\n    upstream app {\r\n        server 127.0.0.1:9000 max_conns=5;\r\n    }\r\n    include site.conf;\r\n}\r\n",
        ),
        (
            "site.conf",
            "# k\u{e4}se\nserver {\n    location / {\n        proxy_pass http://app;\n    }\n    location /b/ {\n        proxy_pass http://localhost:9000;\n    }\n}\n",
        ),
    ]);
    let before = (read(site.path(), "nginx.conf"), read(site.path(), "site.conf"));
    let ran = run(site.path(), &["nginx.conf", "--diff"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("+        zone app 64k;"), "{}", ran.stdout);
    assert_eq!((read(site.path(), "nginx.conf"), read(site.path(), "site.conf")), before);
    let ran = run(site.path(), &["nginx.conf", "--fix"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, "note: mended 1 finding in 1 file\n"));
    assert_eq!(
        read(site.path(), "nginx.conf"),
        before.0.replace("max_conns=5;\r\n", "max_conns=5;\r\n        zone app 64k;\r\n")
    );
    assert_eq!(read(site.path(), "site.conf"), before.1);
    let ran = run(site.path(), &["nginx.conf", "--fix"]);
    assert_eq!(ran.stderr, "");
    assert_eq!(run(site.path(), &["nginx.conf", "--diff"]).status, 0);
    let ran = run(site.path(), &["nginx.conf", "--fix", "--unsafe-fixes"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, "note: mended 1 finding in 1 file\n"));
    assert!(read(site.path(), "site.conf").contains("http://127.0.0.1:9000"));
}

#[test]
fn a_fix_after_which_nginx_would_refuse_the_file_is_named_and_not_applied() {
    // One place has the directive that the fix would write into the file of both.
    let site = tree(&[
        (
            "nginx.conf",
            "events {}\nhttp {\n    upstream app {\n        server 127.0.0.1:9000 max_conns=1;\n        keepalive 8;\n    }\n    server {\n        location /a/ {\n            include pass.inc;\n        }\n        location /b/ {\n            proxy_http_version 1.0;\n            include pass.inc;\n        }\n    }\n}\nworker_processes 2;\n",
        ),
        ("pass.inc", "proxy_pass http://app;\n"),
    ]);
    let ran = run(site.path(), &["nginx.conf", "--fix", "--unsafe-fixes"]);
    let reason = "nginx would then refuse the file: \"proxy_http_version\" is set twice in the same block";
    assert!(
        ran.stderr.contains(&format!("keepalive-missing-http-version is not mended in \"keepalive 8;\": {reason}")),
        "{}",
        ran.stderr
    );
    assert_eq!(read(site.path(), "pass.inc"), "proxy_pass http://app;\n");
    // What is good beside it is applied.
    assert!(read(site.path(), "nginx.conf").contains("zone app 64k;"));
}

#[test]
fn nothing_is_mended_when_something_cannot_be_read() {
    let site = tree(&SITE);
    let before = read(site.path(), "conf.d/a.conf");
    write(site.path(), "known.json", "no baseline");
    let ran = run(site.path(), &[".", "--fix", "--unsafe-fixes", "--baseline", "known.json"]);
    assert_eq!((ran.status, read(site.path(), "conf.d/a.conf")), (2, before));
    let ran = run(site.path(), &["nginx.conf", "none.conf", "--diff"]);
    assert!(ran.status == 2 && ran.stderr.contains("none.conf"), "{} {}", ran.status, ran.stderr);
}

#[test]
fn paths_of_the_project_lead_into_the_checkout() {
    let site = tree(&SITE);
    write(site.path(), "nginx.conf", "events {}\nhttp {\n    include /opt/nginx/conf.d/*.conf;\n}\n");
    assert!(rules(site.path(), &["nginx.conf"]).is_empty());
    for paths in ["map = { \"/opt/nginx\" = \".\" }", "root = \"image\""] {
        write(site.path(), "nginx-lint.toml", &format!("[paths]\n{paths}\n"));
        write(site.path(), "image/opt/nginx/conf.d/a.conf", SITE[1].1);
        assert!(rules(site.path(), &["nginx.conf"]).contains(&"timeout-zero".to_owned()), "{paths}");
    }
}

#[test]
fn fixes_stay_in_the_tree_and_follow_links_in_it() {
    let elsewhere =
        tree(&[("site.conf", "server {\n    location / {\n        proxy_pass http://localhost:1;\n    }\n}\n")]);
    let site = tree(&[
        ("nginx.conf", "events {}\nhttp {\n    include sites/*;\n}\n"),
        ("available/a", &read(elsewhere.path(), "site.conf").replace(":1", ":2")),
    ]);
    std::fs::create_dir(site.path().join("sites")).expect("made");
    let link = |target: PathBuf, name: &str| {
        std::os::unix::fs::symlink(target, site.path().join("sites").join(name)).expect("linked")
    };
    link(PathBuf::from("../available/a"), "a");
    link(elsewhere.path().join("site.conf"), "b");
    let ran = run(site.path(), &["nginx.conf", "--fix", "--unsafe-fixes"]);
    assert!(read(site.path(), "available/a").contains("127.0.0.1:2"));
    assert!(site.path().join("sites/a").is_symlink());
    assert!(read(elsewhere.path(), "site.conf").contains("localhost:1"));
    assert!(ran.stderr.contains("lies outside of what was given"), "{}", ran.stderr);
    let ran = run(site.path(), &["-", "--fix"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (2, "error: standard input cannot be mended; name the file\n"));
}

#[test]
fn only_what_changed_since_a_revision_is_reported() {
    let site = tree(&SITE);
    let git = |arguments: &[&str]| {
        let fixed = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "init.defaultBranch=main"];
        let output = Command::new("git").args(fixed).args(arguments).current_dir(site.path()).output().expect("git");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "all"]);
    assert!(rules(site.path(), &[".", "--since", "HEAD"]).is_empty());
    let b = read(site.path(), "conf.d/b.conf");
    write(site.path(), "conf.d/b.conf", &format!("{b}# more\n"));
    assert_eq!(rules(site.path(), &[".", "--since", "HEAD"]), ["proxy-pass-localhost"]);
    write(site.path(), "conf.d/new.conf", &b.replace("8081", "8082"));
    assert_eq!(rules(site.path(), &[".", "--since", "HEAD"]).len(), 2);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "more"]);
    assert_eq!(rules(&site.path().join("conf.d"), &["..", "--since", "HEAD~1"]).len(), 2);
    for revision in ["nothing", "--output=x"] {
        let ran = run(site.path(), &[".", &format!("--since={revision}")]);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
    }
    let outside = tree(&SITE);
    assert_eq!(run(outside.path(), &[".", "--since", "HEAD"]).status, 2);
}

#[test]
fn the_file_of_the_project_can_be_begun_shown_and_described() {
    let site = tree(&SITE);
    assert_eq!(run(site.path(), &["config", "init"]).status, 0);
    assert_eq!(rules(site.path(), &["."]), ALL, "what was begun changes nothing");
    assert_eq!(run(site.path(), &["config", "init"]).status, 2, "nothing is written over");
    write(site.path(), "base.toml", "[nginx]\nversion = \"1.22.1\"\n");
    write(site.path(), "nginx-lint.toml", "extends = \"base.toml\"\n[rules]\ntimeout = \"off\"\n");
    let shown: Value = serde_json::from_str(&run(site.path(), &["config", "show", "."]).stdout).expect("JSON");
    assert_eq!((shown["nginx"]["version"].as_str(), shown["rules"]["timeout"].as_str()), (Some("1.22.1"), Some("off")));
    // What is commented out in the file to begin with is understood, too.
    let template = run(site.path(), &["config", "schema"]).stdout;
    let schema: Value = serde_json::from_str(&template).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let valid = serde_json::json!({"rules": {"timeout-zero": "off", "dns": "info"}, "surroundings": {"memory": "1g"}});
    assert!(validator.is_valid(&valid));
    for wrong in [
        serde_json::json!({"rules": {"timeout-zerro": "off"}}),
        serde_json::json!({"rules": {"dns": "loud"}}),
        serde_json::json!({"ruls": {}}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn the_schema_that_editors_read_is_the_one_of_this_release() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/nginx-lint.toml.json");
    let expected = run(Path::new("."), &["config", "schema"]).stdout;
    if std::env::var_os("NGINX_LINT_UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("written");
    }
    assert!(std::fs::read_to_string(path).expect("the schema") == expected, "out of date: run `make reference`");
}

#[test]
fn shells_and_manuals_learn_of_the_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(Path::new("."), &["completions", shell]).stdout.contains("nginx-lint"), "{shell}");
    }
    let manual = run(Path::new("."), &["man"]).stdout;
    assert!(manual.contains(".TH nginx-lint 1") && manual.contains("unsafe\\-fixes"), "{}", &manual[..200]);
}

/// A run that takes long says so on a terminal, and nowhere else. `script`
/// gives the command a terminal.
#[test]
fn a_long_run_gives_a_sign_of_life_on_a_terminal() {
    let slow = format!("(sleep 2; echo 'events {{}}') | {} -", env!("CARGO_BIN_EXE_nginx-lint"));
    let on_terminal =
        Command::new("script").args(["-qec", &slow, "/dev/null"]).output().expect("script, of util-linux");
    let shown = String::from_utf8_lossy(&on_terminal.stdout).into_owned();
    assert!(shown.contains("reading and judging") && shown.contains("nothing wrong in 1 file"), "{shown}");
    let elsewhere = Command::new("sh").args(["-c", &slow]).output().expect("sh");
    assert!(elsewhere.stderr.is_empty());
}
