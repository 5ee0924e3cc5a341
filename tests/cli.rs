//! The command as its users meet it: output, exit status, streams.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use nginx_lint::rules;
use serde_json::Value;

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run_in(directory: &Path, arguments: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nginx-lint"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(stdin).expect("stdin is read");
    let output = child.wait_with_output().expect("the binary ends");
    Ran {
        status: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn run(arguments: &[&str]) -> Ran {
    run_in(root(), arguments, b"")
}

/// A directory with some files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("below the directory")).expect("created");
        std::fs::write(path, text).expect("written");
    }
    directory
}

#[test]
fn the_example_in_full() {
    let ran = run(&["fixtures/502"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn the_example_in_short() {
    let ran = run(&["fixtures/502", "--format", "concise"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn the_example_as_json() {
    let ran = run(&["fixtures/502", "--format", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    assert_eq!(document["schema"], 1);
    assert_eq!(document["tool"]["name"], "nginx-lint");
    let findings = document["findings"].as_array().expect("a list");
    assert_eq!(document["summary"]["errors"].as_u64().expect("a number") as usize, count(findings, "error"));
    let timeout = findings.iter().find(|finding| finding["rule"] == "timeout-zero").expect("found");
    insta::assert_snapshot!(serde_json::to_string_pretty(timeout).expect("JSON"));
    for finding in findings.iter().filter(|finding| !finding["fix"].is_null()) {
        for edit in finding["fix"]["edits"].as_array().expect("a list") {
            let bytes = std::fs::read(root().join(edit["path"].as_str().expect("a path"))).expect("a file");
            assert!(edit["start"].as_u64() <= edit["end"].as_u64() && edit["end"].as_u64() <= Some(bytes.len() as u64));
        }
    }
}

fn count(findings: &[Value], severity: &str) -> usize {
    findings.iter().filter(|finding| finding["severity"] == severity).count()
}

#[test]
fn the_output_in_the_readme_is_what_the_command_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let examples: Vec<&str> = readme.split("```console\n$ nginx-lint ").skip(1).collect();
    assert!(examples.len() >= 2, "the findings, and what is in force");
    for example in examples {
        let example = example.split("\n```").next().unwrap_or_default();
        let (arguments, output) = example.split_once('\n').expect("an example");
        let ran = run(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.stdout.trim_end(), output);
    }
}

const CLEAN: &str = "events {}\nhttp {\n    server {\n        listen 80;\n    }\n}\n";
const WARNING: &str = "events {}\nhttp {\n    server {\n        location / {\n            proxy_pass http://localhost:3000;\n        }\n    }\n}\n";
const ERROR: &str = "events {}\nhttp {\n    upstream a {}\n}\n";

#[test]
fn the_exit_status_says_how_it_went() {
    let directory =
        tree(&[("clean.conf", CLEAN), ("warning.conf", WARNING), ("error.conf", ERROR), ("sub/notes.txt", "")]);
    let table: [(&[&str], i32); 14] = [
        (&["clean.conf"], 0),
        (&["warning.conf"], 1),
        (&["error.conf"], 1),
        (&["warning.conf", "--fail-on", "error"], 0),
        (&["error.conf", "--fail-on", "error"], 1),
        (&["clean.conf", "error.conf"], 1),
        (&["missing.conf"], 2),
        (&["clean.conf", "missing.conf"], 2),
        (&["error.conf", "missing.conf"], 2),
        (&["sub"], 2),
        (&[], 2),
        (&["--no-such-option"], 2),
        (&["clean.conf", "--nginx-version", "new"], 2),
        (&["-"], 2),
    ];
    for (arguments, status) in table {
        // The default paths would find this machine's own nginx.
        if arguments.is_empty() && Path::new("/etc/nginx/nginx.conf").exists() {
            continue;
        }
        let ran = run_in(directory.path(), arguments, b"");
        assert_eq!(ran.status, status, "{arguments:?}: {} {}", ran.stdout, ran.stderr);
        assert_eq!(ran.stderr.is_empty(), status < 2, "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn the_tour_has_a_trap_of_every_group_and_its_twin_has_none() {
    let found = run(&["fixtures/502", "--format", "json"]).stdout;
    let of_text = rules::ALL.iter().filter(|rule| !rule.group.needs_facts());
    let groups: BTreeSet<&str> = of_text.map(|rule| rule.group.name()).collect();
    let silent: Vec<&&str> =
        groups.iter().filter(|group| !found.contains(&format!("\"group\": \"{group}\""))).collect();
    assert!(silent.is_empty(), "{silent:?}");
    let twin = run(&["fixtures/502-fixed"]);
    assert!(twin.status == 0 && twin.stdout.starts_with("nothing wrong in"), "{}", twin.stdout);
}

#[test]
fn stock_configurations_are_fine() {
    let table = [("debian/etc/nginx", 5), ("nginx.org/etc/nginx", 3), ("source/conf", 2)];
    for (directory, files) in table {
        let ran = run(&[&format!("fixtures/stock/{directory}")]);
        let is_fine = ran.stdout.starts_with(&format!("nothing wrong in {files} files"));
        assert!(ran.status == 0 && is_fine && ran.stderr.is_empty(), "{directory}: {} {}", ran.stdout, ran.stderr);
    }
}

/// But for one thing: that `localhost` is mostly two addresses the manual does
/// not mind, and a site that is to stay up should.
#[test]
fn what_the_manual_shows_is_fine() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stock/manual");
    let entries = std::fs::read_dir(manual).expect("the examples").map(|entry| entry.expect("an entry").path());
    let examples: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "conf")).collect();
    assert!(examples.len() > 10, "{examples:?}");
    for example in examples {
        let ran = run(&[&example.to_string_lossy(), "--format", "concise"]);
        let wrong: Vec<&str> = ran.stdout.lines().filter(|line| !line.contains("[proxy-pass-localhost]")).collect();
        assert!(wrong.is_empty() && ran.stderr.is_empty(), "{wrong:#?} {}", ran.stderr);
    }
}

#[test]
fn links_of_a_checkout_lead_where_they_will_when_it_is_deployed() {
    let directory = tree(&[
        ("nginx.conf", "events {}\nhttp {\n    include sites-enabled/*;\n}\n"),
        ("sites-available/app", "upstream app {}\n"),
        ("sites-enabled/.keep", ""),
    ]);
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, directory.path().join("sites-enabled").join(name)).expect("a link");
    };
    link("/etc/nginx/sites-available/app", "app");
    link("/etc/nginx/sites-available/gone", "gone");
    link("/srv/elsewhere/site", "elsewhere");
    link("../sites-available/lost", "lost");
    let ran = run_in(directory.path(), &["nginx.conf", "--format", "concise"], b"");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_fragment_is_judged_within_the_configuration_that_includes_it() {
    let main = "worker_processes 4;\nevents {}\nhttp {\n    include conf.d/*.conf;\n}\n";
    let part = "upstream a {\n    server 10.0.0.1:80 max_conns=5;\n}\n";
    let directory = tree(&[
        ("nginx.conf", main),
        ("conf.d/a.conf", part),
        ("conf.d/b.conf", "upstream b {}\n"),
        ("other/a.conf", part),
    ]);
    let within = run_in(directory.path(), &["conf.d/a.conf", "--format", "concise"], b"");
    assert_eq!(within.stdout.lines().count(), 1, "{}", within.stdout);
    assert!(within.stdout.starts_with("conf.d/a.conf:2:24: warning[max-conns-without-zone]"), "{}", within.stdout);
    // Nothing includes this one, so how many workers there are is not known.
    let alone = run_in(directory.path(), &["other/a.conf"], b"");
    assert_eq!(alone.status, 0, "{}", alone.stdout);
}

#[test]
fn a_fragment_can_say_what_it_is_part_of() {
    let directory = tree(&[
        ("stream.conf", "# nginx-lint: context stream\nupstream a {\n}\n"),
        ("wrong.conf", "# nginx-lint: context nowhere\nupstream a {\n    server 10.0.0.1;\n}\n"),
    ]);
    let known = run_in(directory.path(), &["stream.conf", "--format", "concise"], b"");
    assert!(known.stdout.contains("upstream-empty"), "{}", known.stdout);
    let unknown = run_in(directory.path(), &["wrong.conf"], b"");
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("wrong.conf:1: unknown context \"nowhere\""), "{}", unknown.stderr);
}

#[test]
fn a_dump_is_mapped_back_to_its_files() {
    let dump = "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n\
        # configuration file /etc/nginx/nginx.conf:\nevents {}\nhttp {\n    include conf.d/*.conf;\n}\n\n\
        # configuration file /etc/nginx/conf.d/a.conf:\n\nupstream a {\n    server 10.0.0.1 down;\n}\n\n";
    let ran = run_in(root(), &["-", "--format", "concise"], dump.as_bytes());
    assert_eq!(
        ran.stdout,
        "/etc/nginx/conf.d/a.conf:2:1: error[upstream-all-servers-down] every server of upstream \"a\" is down\n"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let ran = run_in(root(), &["-", "--format", "concise"], b"upstream a {\n}\n");
    assert_eq!(ran.stdout, "<stdin>:1:1: error[upstream-empty] upstream \"a\" has no server\n");
}

#[test]
fn a_placeholder_of_a_template_is_an_unknown_value() {
    for (target, status) in [("${BACKEND_HOST}:80", 0), ("${backend}.Example", 1)] {
        let text = format!("events {{}} http {{ server {{ location / {{ proxy_pass http://{target}; }} }} }}");
        let ran = run_in(root(), &["-"], text.as_bytes());
        assert_eq!(ran.status, status, "{target}: {}", ran.stdout);
    }
}

#[test]
fn directories_without_a_main_file_are_searched() {
    let directory = tree(&[
        ("a/etc/nginx/nginx.conf", ERROR),
        ("b/app.conf", "upstream b {}\n"),
        ("b/supervisord.conf", "[program:x]\ncommand=/bin/x\n"),
        ("c/sites-enabled/site", "upstream c {}\n"),
        (".git/x.conf", "upstream d {}\n"),
    ]);
    let ran = run_in(directory.path(), &[".", "--format", "concise"], b"");
    let rules: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(rules, ["./a/etc/nginx/nginx.conf:3:5", "./b/app.conf:1:1", "./c/sites-enabled/site:1:1"]);
    assert!(ran.stderr.contains("supervisord.conf: skipped"), "{}", ran.stderr);
}

#[test]
fn paths_of_other_machines_are_looked_up_where_they_are_said_to_be() {
    let directory = tree(&[
        ("web/nginx.conf", "events {}\nhttp {\n    include /opt/shared/a.conf;\n}\n"),
        ("shared/a.conf", "upstream a {}\n"),
        ("image/opt/shared/a.conf", "upstream b {}\n"),
        ("empty/x", ""),
    ]);
    let table: [(&[&str], &str); 4] = [
        (&["web"], ""),
        (
            &["web", "--map", "/opt/shared=shared"],
            "shared/a.conf:1:1: error[upstream-empty] upstream \"a\" has no server\n",
        ),
        (
            &["web", "--root", "image"],
            "image/opt/shared/a.conf:1:1: error[upstream-empty] upstream \"b\" has no server\n",
        ),
        (
            &["web", "--root", "empty"],
            "web/nginx.conf:3:13: error[include-missing] the file \"/opt/shared/a.conf\" does not exist\n",
        ),
    ];
    for (arguments, expected) in table {
        let ran = run_in(directory.path(), &[arguments, &["--format", "concise"]].concat(), b"");
        assert_eq!(ran.stdout, expected, "{arguments:?} {}", ran.stderr);
    }
}

#[test]
fn the_release_of_nginx_decides_about_some_rules() {
    let text = "events {}\nhttp {\n    upstream a {\n        server 10.0.0.1;\n        keepalive 8;\n    }\n    server {\n        location / {\n            proxy_pass http://a;\n        }\n    }\n}\n";
    let directory = tree(&[("nginx.conf", text)]);
    for (version, status) in [("1.22.1", 1), ("1.29.6", 1), ("1.29.7", 0), ("1.31.5", 0)] {
        let ran = run_in(directory.path(), &["nginx.conf", "--nginx-version", version], b"");
        assert_eq!(ran.status, status, "{version}: {}", ran.stdout);
    }
}

#[test]
fn a_snippet_that_is_included_often_is_reported_once() {
    let main = "events {}\nhttp {\n    server {\n        location /a { include s.conf; }\n        location /b { include s.conf; }\n        location /c { include s.conf; }\n    }\n}\n";
    let directory = tree(&[("nginx.conf", main), ("s.conf", "proxy_read_timeout 0;\n")]);
    let ran = run_in(directory.path(), &["nginx.conf"], b"");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn long_lines_tabs_and_wide_characters_are_drawn_in_place() {
    let padding = "x".repeat(2_500);
    let long =
        format!("upstream a {{ server 10.0.0.1; }} # {padding}\nroot {padding}; proxy_read_timeout 0; # {padding}\n");
    let directory = tree(&[
        ("long.conf", &format!("http {{\n{long}}}\n")),
        ("tabs.conf", "server {\n\tlocation / {\n\t\tproxy_read_timeout\t0; # tab\n\t}\n}\n"),
        ("wide.conf", "server {\n    set $greeting \u{4f60}\u{597d}; proxy_read_timeout 0; # \u{1b}[31m \u{202e}\n}\n"),
    ]);
    let drawn: Vec<String> = ["long.conf", "tabs.conf", "wide.conf"]
        .iter()
        .map(|file| {
            let ran = run_in(directory.path(), &[file], b"");
            assert!(ran.stdout.lines().all(|line| line.chars().count() < 130), "{file}: {}", ran.stdout);
            assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{file}");
            ran.stdout
        })
        .collect();
    insta::assert_snapshot!(drawn.join("\n"));
}

#[test]
fn the_nginx_that_is_meant_is_named_by_options_or_by_the_file_of_the_project() {
    let site =
        "events {}\nhttp {\n    server {\n        listen 443 ssl;\n        http2 on;\n        brotli on;\n    }\n}\n";
    let directory = tree(&[("nginx/nginx.conf", site)]);
    let names = |ran: &Ran| -> Vec<String> {
        ran.stdout.lines().filter(|line| line.contains("unknown-directive")).map(str::to_owned).collect()
    };
    let check = |more: &[&str]| {
        let arguments = [&["--format", "concise", "nginx/nginx.conf"], more].concat();
        names(&run_in(directory.path(), &arguments, b""))
    };
    assert_eq!(check(&[]), Vec::<String>::new());
    let old = "nginx/nginx.conf:5:9: error[unknown-directive] \"http2\" came with nginx 1.25.1, this configuration is for 1.22.1";
    let bare = "nginx/nginx.conf:6:9: error[unknown-directive] \"brotli\" needs the module ngx_http_brotli_filter_module, which is not there";
    assert_eq!(check(&["--nginx-version", "1.22.1"]), [old]);
    assert_eq!(check(&["--nginx-modules", "ngx_http_v2_module"]), [bare]);
    let config = directory.path().join("nginx-lint.toml");
    std::fs::write(&config, "[nginx]\nversion = \"1.22.1\"\nmodules = [\"ngx_http_v2_module\"]\n").expect("written");
    assert_eq!(check(&[]), [old, bare]);
    assert_eq!(check(&["--nginx-version", "1.25.1"]), [bare]);
    std::fs::write(&config, "[nginx]\nversoin = \"1.22.1\"\n").expect("written");
    let ran = run_in(directory.path(), &["nginx/nginx.conf"], b"");
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("there is no \"versoin\" here; did you mean version?"), "{}", ran.stderr);
    assert!(ran.stderr.contains("nginx-lint.toml:2:1]"), "{}", ran.stderr);
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    assert!(!run(&["fixtures/502"]).stdout.contains('\u{1b}'));
    assert!(run(&["fixtures/502", "--color", "always"]).stdout.contains("\u{1b}[31m"));
    assert!(!run(&["fixtures/502", "--color", "never"]).stdout.contains('\u{1b}'));
}

#[test]
fn explain_shows_the_page_of_a_rule() {
    let ran = run(&["explain", "timeout-zero"]);
    assert_eq!(ran.status, 0);
    assert_eq!(ran.stdout, std::fs::read_to_string(root().join("rules/timeout/timeout_zero.md")).expect("the page"));
    let near = run(&["explain", "timeout-zer0"]);
    assert_eq!(
        (near.status, near.stderr.as_str()),
        (2, "error: there is no rule \"timeout-zer0\"; did you mean timeout-zero?\n")
    );
    let far = run(&["explain", "nonsense"]);
    assert_eq!(
        (far.status, far.stderr.as_str()),
        (2, "error: there is no rule \"nonsense\"; nginx-lint rules lists them all\n")
    );
}

#[test]
fn rules_lists_them_for_people_and_programs() {
    let text = run(&["rules"]);
    insta::assert_snapshot!(text.stdout);
    let json: Value = serde_json::from_str(&run(&["rules", "--format", "json"]).stdout).expect("JSON");
    let listed = json.as_array().expect("a list");
    assert_eq!(listed.len(), text.stdout.lines().count());
    let keepalive = listed.iter().find(|rule| rule["name"] == "keepalive-missing-http-version").expect("listed");
    assert_eq!(keepalive["nginx_versions"], "before 1.29.7");
    assert_eq!(keepalive["group"], "upstream");
}

#[test]
fn the_way_of_a_request_in_words() {
    let ran = run(&["route", "http://shop.example/api/v1/users?id=1", "fixtures/route", "--header", "Accept: */*"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn the_way_of_a_request_that_files_decide_about() {
    let ran = run(&["route", "HEAD", "http://www.shop.example/", "fixtures/route"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn the_way_of_a_request_as_json() {
    let ran = run(&["route", "http://shop.example/old/%41?q", "fixtures/route", "--format", "json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    assert_eq!(document["schema"], 1);
    let end = &document["routes"][0]["end"];
    assert_eq!(
        (&end["end"], &end["uri"], &end["group"]["name"]),
        (&"pass".into(), &"/legacy/A?q".into(), &"app".into())
    );
    insta::assert_snapshot!(ran.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn a_request_to_where_nothing_listens() {
    let ran = run(&["route", "http://shop.example:8080/", "fixtures/route"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stdout.contains("Nothing listens on port 8080; there is 0.0.0.0:80."), "{}", ran.stdout);
    for (arguments, message) in [
        (&["route", "GET"][..], "after the method GET comes the URL"),
        (&["route", "http:///x", "fixtures/route"], "is no URL"),
        (&["route", "/x", "fixtures/route", "--listen", "host:80"], "this is a name"),
        (&["route", "/x", "fixtures/route", "--header", "Host"], "Name: value"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status, 2, "{arguments:?}");
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
}
