//! Input that means no good: depth, size, bytes, cycles, special files.
//!
//! Whatever it is given, the command ends within a time limit and within a
//! memory limit, with exit code 0, 1 or 2, never with a panic, and never with
//! 0 for something it could not read. What it prints cannot steer a terminal.
//!
//! Here are tables of cases that are run as black boxes; `hostile/stages.rs`
//! sends random bytes through the stages in this process, where more can be
//! looked at.

#[path = "hostile/run.rs"]
mod run;
#[path = "hostile/stages.rs"]
mod stages;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use run::{
    BINARY, Case, FAILED, FINDINGS, FORMATS, LARGE, MB, NOT_CLEAN, Outcome, READ, bytes, command, complaints, http,
    lines, run, run_all, unsound,
};
use tempfile::TempDir;

// Depth and size.

#[test]
fn depth_costs_nothing() {
    let million = 1_000_000;
    run_all(
        &[
            Case::file("a million braces", "{".repeat(million), FINDINGS),
            Case::file("a million blocks", "a{".repeat(million), FINDINGS),
            Case::file("a million locations", "location /{".repeat(million), FINDINGS),
            Case::file("a million blocks, all closed", "a{".repeat(million) + &"}".repeat(million), FINDINGS),
            Case::file("a thousand locations", http(&nested(999)), FINDINGS),
        ],
        &["full"],
    );
}

fn nested(depth: usize) -> String {
    format!("server {{\n{}{}}}\n", "location / {\n".repeat(depth), "}\n".repeat(depth))
}

#[test]
fn a_large_file_of_closing_braces_takes_time_and_memory_in_proportion() {
    run_all(&[Case::file("closing braces", "}".repeat(LARGE), FINDINGS)], &["full"]);
}

#[test]
fn ten_million_statements_take_memory_in_proportion() {
    run_all(&[Case::file("a;a;a;", "a;".repeat(LARGE / 10), READ)], &["full"]);
}

#[test]
fn one_large_word_takes_memory_in_proportion() {
    let word = |byte: u8| vec![byte; LARGE];
    run_all(
        &[
            Case::file("one plain word", word(b'x'), FINDINGS),
            Case::file("one word of NUL bytes", word(0), FINDINGS),
            Case::file("one comment", bytes(&[b"#", &word(b'x')]), READ),
            Case::file("only blanks", word(b' '), READ),
        ],
        &["full"],
    );
}

/// Each of these was, or could be, quadratic in its length.
#[test]
fn statements_on_one_line_take_time_in_proportion() {
    let blocks = "a{}".repeat(300_000);
    run_all(
        &[
            Case::file("blocks, then one that is open", blocks.clone() + "a{", FINDINGS),
            Case::file("blocks, then one that was never opened", blocks + "}", FINDINGS),
            Case::file("one block too many again and again", "a{}}".repeat(300_000), FINDINGS),
            Case::file("missing semicolons", "a{b}".repeat(300_000), FINDINGS),
        ],
        &["full"],
    );
}

// Long lines.

/// Where a mistake stands in a line of 5,000 and of 5,000,000 characters.
#[test]
fn of_a_long_line_only_a_window_is_shown() {
    let mistake = "upstream dead { server 127.0.0.1:9 down; } server { listen 80 }";
    let mut cases = Vec::new();
    for length in [5_000, 5_000_000] {
        let filler = |length: usize| "index a.html; ".repeat(length / 14);
        for (place, before, behind) in [("begin", 0, length), ("middle", length / 2, length / 2), ("end", length, 0)] {
            let line = format!("events{{}} http{{ {}{mistake}{} }}", filler(before), filler(behind));
            let name = format!("{length} characters, a mistake at the {place}");
            cases.push(Case::file(&name, line, FINDINGS).saying(":1:"));
        }
    }
    let mut all = Vec::new();
    for case in &cases {
        let outcome = case.run("full", |_| {});
        all.extend(complaints(case, "full", &outcome));
        let longest = outcome.stdout().lines().map(|line| line.chars().count()).max();
        if longest.is_some_and(|length| length > 300) {
            all.push(format!("{}: a line of {longest:?} characters", case.name));
        }
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n\n"));
}

#[test]
fn many_findings_on_one_line_take_time_in_proportion() {
    let group = |number: usize| format!("upstream g{number} {{ server 127.0.0.1:9 down; }} ");
    let line: String = (0..30_000).map(group).collect();
    run_all(&[Case::file("groups on one line", http(&line), FINDINGS)], &FORMATS);
}

#[test]
fn many_labels_take_time_in_proportion() {
    let servers = lines(30_000, |number| format!("server 127.0.0.1:{number} down;"));
    run_all(
        &[Case::file("one group of many servers", http(&format!("upstream g {{\n{servers}}}")), FINDINGS)],
        &FORMATS,
    );
}

// Many of a kind: a rule that compares each with each does not end in time.

#[test]
fn many_of_a_kind_take_time_in_proportion() {
    let n = 50_000;
    let per_line = |line: &dyn Fn(usize) -> String| lines(n, line);
    let server = |inside: &str| http(&format!("server {{\nlisten 80;\n{inside}\n}}"));
    let groups = per_line(&|i| format!("upstream g{i} {{ server 127.0.0.1:9; }}"));
    let passes = per_line(&|i| format!("location /{i} {{ proxy_pass http://g{i}; }}"));
    let map = |name: &str, value: &str| {
        format!("map $uri ${name} {{\n{}}}\n", per_line(&|i| format!("/{i} {}{value};", i % 1000)))
    };
    run_all(
        &[
            Case::file("groups and what passes to them", http(&format!("{groups}server {{\n{passes}}}")), READ),
            Case::file("locations", server(&per_line(&|i| format!("location /{i} {{ return 200; }}"))), READ),
            Case::file(
                "regular expressions",
                server(&per_line(&|i| format!("location ~ ^/{i}/ {{ return 200; }}"))),
                READ,
            ),
            Case::file(
                "servers",
                http(&per_line(&|i| format!("server {{ listen 80; server_name h{i}.example.com; }}"))),
                READ,
            ),
            Case::file("equal servers", http(&per_line(&|_| "server { listen 80; server_name a; }".to_owned())), READ),
            Case::file("ports", server(&per_line(&|i| format!("listen {};", i + 1000))), READ),
            Case::file("headers", server(&per_line(&|i| format!("add_header X-{i} a;"))), READ),
            Case::file("equal headers", server(&per_line(&|_| "proxy_set_header Host $host;".to_owned())), READ),
            Case::file("equal directives", server(&per_line(&|_| "root /srv;".to_owned())), READ),
            Case::file("conditions", server(&per_line(&|i| format!("if ($uri = /{i}) {{ return 403; }}"))), READ),
            Case::file("variables", server(&per_line(&|i| format!("set $v{i} $v{};", i.saturating_sub(1)))), READ),
            Case::file("one variable", server(&(per_line(&|i| format!("set $v {i};")) + &passes_to("$v"))), READ),
            Case::file("names", server(&format!("server_name {};", per_line(&|i| format!("h{i}.example.com")))), READ),
            Case::file(
                "values of values",
                http(&(map("a", "$b") + &map("b", "$a") + &format!("server {{\n{}\n}}", passes_to("$a")))),
                READ,
            ),
            Case::file("comments", lines(1_000_000, |_| "# nginx-lint: nothing".to_owned()), READ),
        ],
        &["full"],
    );
}

fn passes_to(target: &str) -> String {
    lines(2_000, |number| format!("location /p{number} {{ proxy_pass http://{target}; }}"))
}

// Quotes and Lua.

#[test]
fn quotes_that_nothing_closes() {
    let behind = "a b;\n".repeat(MB / 5);
    run_all(
        &[
            Case::file("a quote at the end", "events {}\nhttp {\n  root \"", FINDINGS),
            Case::file("a double quote and much behind it", format!("root \"/srv;\n{behind}"), FINDINGS),
            Case::file("a single quote and much behind it", format!("root '/srv;\n{behind}"), FINDINGS),
            Case::file("ten thousand quotes", "root \"/srv;\n".repeat(10_001), FINDINGS),
            Case::file("ten thousand quotes of both kinds", "a \"b;\nc 'd;\n".repeat(5_000), FINDINGS),
            Case::file("quotes on one line", "\"a\"b ".repeat(200_000), FINDINGS),
            Case::file("escaped quotes", format!("a \"{}", "\\\"".repeat(MB)), FINDINGS),
            Case::file("backslashes", "\\".repeat(MB), FINDINGS),
            Case::file("a backslash at the end", "a \\", FINDINGS),
            Case::file("dollars and braces", "${".repeat(MB), FINDINGS),
        ],
        &FORMATS,
    );
}

#[test]
fn lua_that_does_not_end() {
    let lua = |code: &str| http(&format!("init_by_lua_block {{\n{code}\n}}\nserver {{ listen 80; }}"));
    run_all(
        &[
            Case::file("an open block", "events {}\nhttp {\n  init_by_lua_block { if a then {", FINDINGS),
            Case::file("an open block and much behind it", lua(&"{\n".repeat(MB)), FINDINGS),
            Case::file("an odd quote", lua("-- it's\nlocal a = \"b"), READ),
            Case::file("odd quotes", lua(&"local a = \"b\n local c = 'd\n".repeat(50_000)), READ),
            Case::file("an open string of escaped quotes", lua(&"\"\\".repeat(MB / 4)), READ),
            Case::file("an open long bracket", lua(&format!("[[{}", "a\n".repeat(MB))), NOT_CLEAN),
            Case::file("open long brackets", lua(&"[[ ".repeat(100_000)), NOT_CLEAN),
            Case::file("open long brackets of all levels", lua(&long_brackets(2_000)), NOT_CLEAN),
            Case::file("dashes", lua(&"-".repeat(MB)), READ),
        ],
        &["full"],
    );
}

fn long_brackets(levels: usize) -> String {
    lines(levels, |level| format!("[{}[", "=".repeat(level)))
}

/// Each block makes the reader start anew behind it.
#[test]
fn many_lua_blocks_take_time_in_proportion() {
    let block = "content_by_lua_block{}";
    run_all(
        &[
            Case::file("blocks on lines of their own", format!("{block}\n").repeat(50_000), READ),
            Case::file("blocks on one line", block.repeat(50_000), READ),
        ],
        &["full"],
    );
}

#[test]
fn braces_in_lua_take_memory_in_proportion() {
    let code = "{}".repeat(LARGE / 4);
    run_all(&[Case::file("braces", format!("init_by_lua_block {{\n{code}\n}}"), READ)], &["full"]);
}

// Bytes.

#[test]
fn bytes_that_are_no_text() {
    let valid = "events {}\nhttp {\n  server {\n    listen 80;\n  }\n}\n";
    let every: Vec<u8> = (0..=255).collect();
    run_all(
        &[
            Case::file("an empty file", "", READ),
            Case::file("one byte", "a", FINDINGS),
            Case::file("a line feed", "\n", READ),
            Case::file("every byte", every.clone(), NOT_CLEAN),
            Case::file("every byte in quotes", bytes(&[b"a \"", &every[..34], &every[35..92], b"\";"]), READ),
            Case::file("not UTF-8", bytes(&[b"events {} http { root /\xff\xfe\xc3; }"]), READ),
            Case::file("UTF-16", valid.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), NOT_CLEAN),
            Case::file("NUL bytes", valid.replace("listen", "\0listen\0"), READ),
            Case::file("CR LF", valid.replace('\n', "\r\n"), READ),
            Case::file("CR", valid.replace('\n', "\r"), READ),
            Case::file("a byte order mark", format!("\u{feff}{valid}"), FINDINGS),
            Case::file("only a byte order mark", "\u{feff}", NOT_CLEAN),
            Case::file("half a byte order mark", bytes(&[b"\xef\xbb", valid.as_bytes()]), READ),
            Case::file("wide characters", http("server { server_name \u{1f980}\u{301}; root /\u{4e2d}; }"), READ),
            Case::file("an archive", bytes(&[b"\x1f\x8b\x08\0\0\0\0\0\0\x03", &every]), NOT_CLEAN),
        ],
        &FORMATS,
    );
}

/// Every place of a configuration that may turn up in a message.
#[test]
fn escapes_in_words_do_not_reach_the_terminal() {
    let templates = [
        "upstream BAD { server 127.0.0.1:9 down; }",
        "upstream \"a BAD\" { server BAD down; }",
        "server { listen BAD; server_name BAD; root BAD; }",
        "server { BAD on; }",
        "server { listen 80 BAD; }",
        "server { location BAD { proxy_pass http://BAD; } }",
        "server { location / { proxy_pass BAD://a; proxy_read_timeout BAD; } }",
        "server { location ~ BAD( { return 200; } }",
        "include BAD.conf;",
        "include \"missing/BAD\";",
        "map $uri $BAD { default BAD; }",
        "server { set $a BAD; return 301 $BAD; }",
        "server { access_log BAD BAD; client_max_body_size BAD; }",
        "server { listen 80 } # BAD",
        "server { listen \"80\"BAD; }",
        "# nginx-lint: context BAD\n# nginx-lint: ignore BAD",
        "root \"BAD;",
    ];
    let bads: [&[u8]; 6] = [
        b"\x1b[31mred\x1b[0m",
        b"\x1b]0;title\x07",
        "\u{9b}31m".as_bytes(),
        "\u{202e}x".as_bytes(),
        b"\x08\x7f",
        b"\xff\x1b[",
    ];
    let mut cases = Vec::new();
    for template in templates {
        for bad in bads {
            let content: Vec<u8> = replace(http(template).as_bytes(), b"BAD", bad);
            cases.push(Case::file(&format!("{} in {template}", bad.escape_ascii()), content, &[0, 1, 2]));
        }
    }
    run_all(&cases, &["full", "json"]);
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let text: Vec<char> = text.iter().map(|byte| char::from(*byte)).collect();
    let text: String = text.into_iter().collect();
    let from: String = from.iter().map(|byte| char::from(*byte)).collect();
    let to: String = to.iter().map(|byte| char::from(*byte)).collect();
    text.replace(&from, &to).chars().map(|character| character as u8).collect()
}

/// A name may also hold a line feed, which must not begin a line that looks
/// like a finding.
#[test]
fn escapes_in_file_names_do_not_reach_the_terminal() {
    let dead = "upstream dead { server 127.0.0.1:9 down; }";
    let names: [&[u8]; 5] = [
        b"a\x1b[31m.conf",
        b"a\nforged.conf:1:1: error[x] forged",
        "a\u{9b}31m.conf".as_bytes(),
        b"a\xff.conf",
        b"a\rb.conf",
    ];
    let mut all = Vec::new();
    for name in names {
        let name = OsStr::from_bytes(name);
        let shown = name.as_bytes().escape_ascii().to_string();
        let tree = [
            (PathBuf::from("nginx.conf"), http("include sites-enabled/*;")),
            (Path::new("sites-enabled").join(name), dead.to_owned()),
        ];
        let included = Case::new(&format!("{shown}, included"), tree, FINDINGS);
        let named = Case::new(&format!("{shown}, an argument"), [(PathBuf::from(name), dead)], FINDINGS);
        let missing = Case::new(&format!("{shown}, missing"), [] as [(PathBuf, Vec<u8>); 0], FAILED);
        let other = Case::new(&format!("{shown}, no configuration"), [(Path::new("conf.d").join(name), "no")], FAILED);
        let cases = [
            included,
            Case { arguments: vec![name.to_owned()], ..named },
            Case { arguments: vec![name.to_owned()], ..missing },
            other.with_arguments(&["."]),
        ];
        for (case, format) in cases.iter().flat_map(|case| FORMATS.map(|format| (case, format))) {
            let outcome = case.run(format, |_| {});
            all.extend(complaints(case, format, &outcome));
            if outcome.stdout().lines().chain(outcome.stderr().lines()).any(|line| line.starts_with("forged")) {
                all.push(format!("{} ({format}): a line that looks like a finding", case.name));
            }
        }
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n\n"));
}

// Includes.

#[test]
fn includes_that_lead_back() {
    run_all(
        &[
            Case::new("itself", [("nginx.conf", http("include nginx.conf;"))], FINDINGS),
            Case::new(
                "itself, under other names",
                [("nginx.conf", http("include ./nginx.conf; include a/../nginx.conf;"))],
                NOT_CLEAN,
            ),
            Case::new(
                "each other",
                [
                    ("nginx.conf", http("include a.conf;")),
                    ("a.conf", "include b.conf;".into()),
                    ("b.conf", "include a.conf;".into()),
                ],
                FINDINGS,
            ),
            Case::new(
                "through a pattern",
                [("nginx.conf", http("include conf.d/*.conf;")), ("conf.d/a.conf", "include conf.d/*.conf;".into())],
                FINDINGS,
            ),
            each_all_others(16),
            each_all_others(100),
        ],
        &FORMATS,
    );
}

/// Every order of the files is a chain of its own.
fn each_all_others(count: usize) -> Case {
    let others = (0..count).map(|number| (format!("conf.d/{number}.conf"), "include conf.d/*;".to_owned()));
    let entry = ("nginx.conf".to_owned(), http("include conf.d/*;"));
    Case::new(&format!("{count} files, each all others"), others.chain([entry]), FINDINGS)
}

#[test]
fn includes_that_multiply() {
    let twelve = |content: &dyn Fn(usize) -> String| -> Vec<(String, String)> {
        let files = (0..12).map(|i| (format!("{i}.conf"), content(i)));
        files
            .chain([("12.conf".into(), "root /srv;".into()), ("nginx.conf".into(), http("server { include 0.conf; }"))])
            .collect()
    };
    let often = |include: &'static str| lines(3_000, |_| format!("include {include};"));
    let many = (0..1_000).map(|i| (format!("conf.d/{i}.conf"), "# nothing\n".to_owned()));
    run_all(
        &[
            Case::new(
                "ten times the next one, twelve times",
                twelve(&|i| lines(10, |_| format!("include {}.conf;", i + 1))),
                FINDINGS,
            )
            .saying("include"),
            Case::new(
                "one file three thousand times",
                [("nginx.conf".into(), http(&often("a.conf"))), ("a.conf".to_owned(), "# nothing".into())],
                READ,
            ),
            Case::new(
                "a thousand files three thousand times",
                many.chain([("nginx.conf".into(), http(&often("conf.d/*")))]),
                READ,
            ),
            Case::new(
                "a hundred thousand missing files",
                [("nginx.conf", http(&lines(100_000, |i| format!("include missing{i}.conf;"))))],
                FINDINGS,
            ),
        ],
        &["full"],
    );
}

#[test]
fn a_chain_of_two_thousand_includes() {
    let chain = |content: &'static str| {
        let files = (0..2_000).map(move |i| (format!("{i}.conf"), format!("{content}include {}.conf;\n", i + 1)));
        files.chain([
            ("2000.conf".into(), "upstream dead { server 127.0.0.1:9 down; }".into()),
            ("nginx.conf".into(), http("include 0.conf;")),
        ])
    };
    run_all(
        &[
            Case::new("a finding at the end", chain(""), FINDINGS).saying("dead"),
            Case::new("a finding in each", chain("upstream dead { server 127.0.0.1:9 down; }\n"), FINDINGS),
        ],
        &FORMATS,
    );
}

/// Ten names for one directory, and a pattern nine deep.
#[test]
fn a_pattern_that_goes_round_in_circles() {
    let case = Case::new(
        "circles",
        [("nginx.conf", http("include d/*/*/*/*/*/*/*/*/*.conf;")), ("d/a.conf", String::new())],
        &[0, 1, 2],
    );
    let outcome = case.run("full", |directory| {
        for number in 0..10 {
            symlink(".", directory.join(format!("d/{number}"))).expect("a link");
        }
    });
    assert_eq!(complaints(&case, "full", &outcome), Vec::<String>::new());
}

#[test]
fn a_dump_of_many_files() {
    let includes = lines(20_000, |number| format!("include missing/{number}.conf;"));
    let files = lines(20_000, |number| format!("# configuration file /etc/nginx/conf.d/{number}.conf:\nroot /srv;\n"));
    let dump = format!("# configuration file /etc/nginx/nginx.conf:\n{}\n{files}", http(&includes));
    run_all(
        &[
            Case::stdin("a dump", dump, READ),
            Case::stdin("only a marker", "# configuration file /etc/nginx/nginx.conf:\n", &[0, 1, 2]),
            Case::stdin("a marker without a path", "# configuration file :\n", &[0, 1, 2]),
        ],
        &["full"],
    );
}

// Many arguments, many fragments.

/// As a commit hook is called: with every file that has changed.
#[test]
fn a_thousand_files_as_arguments() {
    let names: Vec<String> = (0..1_000).map(|number| format!("sites-enabled/{number}.conf")).collect();
    let host = "server { listen 80; location / { return 204; } }\n";
    let hosts = || names.iter().map(|name| (name.clone(), host.to_owned()));
    let arguments: Vec<&str> = names.iter().map(String::as_str).collect();
    let entry = [("nginx.conf".to_owned(), http("include sites-enabled/*;"))];
    run_all(
        &[
            Case::new("within their configuration", hosts().chain(entry), READ).with_arguments(&arguments),
            Case::new("on their own", hosts(), READ).with_arguments(&arguments),
            Case::new("a directory without nginx.conf", hosts(), READ).with_arguments(&["."]),
        ],
        &["full"],
    );
}

// Special files.

fn make_fifo(path: &Path) {
    let status = Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(status.success());
}

/// Name, argument, what stands in `http`, what else is in the directory, exit
/// codes, what is said.
type Special = (&'static str, &'static str, &'static str, fn(&Path), &'static [i32], &'static str);

#[test]
fn what_is_no_file_is_not_waited_for() {
    let table: [Special; 9] = [
        ("a pipe", "pipe.conf", "", |d| make_fifo(&d.join("pipe.conf")), FAILED, "pipe.conf"),
        (
            "a pipe, included",
            "nginx.conf",
            "include pipe.conf;",
            |d| make_fifo(&d.join("pipe.conf")),
            FAILED,
            "pipe.conf",
        ),
        (
            "a pipe, by a pattern",
            "nginx.conf",
            "include *e.conf;",
            |d| make_fifo(&d.join("pipe.conf")),
            FAILED,
            "pipe.conf",
        ),
        (
            "a directory, included",
            "nginx.conf",
            "include d;",
            |d| fs::create_dir(d.join("d")).expect("d"),
            FINDINGS,
            "",
        ),
        (
            "a directory, by a pattern",
            "nginx.conf",
            "include d*;",
            |d| fs::create_dir(d.join("d")).expect("d"),
            FINDINGS,
            "",
        ),
        (
            "a link to nowhere",
            "nginx.conf",
            "include l*;",
            |d| symlink("nowhere", d.join("l")).expect("l"),
            NOT_CLEAN,
            "",
        ),
        ("a link to itself", "nginx.conf", "include l;", |d| symlink("l", d.join("l")).expect("l"), NOT_CLEAN, ""),
        (
            "a link to itself, by a pattern",
            "nginx.conf",
            "include l*;",
            |d| symlink("l", d.join("l")).expect("l"),
            NOT_CLEAN,
            "",
        ),
        (
            "a link to /dev/zero",
            "nginx.conf",
            "include l;",
            |d| symlink("/dev/zero", d.join("l")).expect("l"),
            FAILED,
            "l",
        ),
    ];
    let mut all = Vec::new();
    for (name, argument, inside, prepare, codes, says) in table {
        let case = Case::file(name, http(inside), codes).with_arguments(&[argument]).saying(says);
        let outcome = case.run("full", prepare);
        all.extend(complaints(&case, "full", &outcome));
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n\n"));
}

#[test]
fn what_cannot_be_read_is_never_right() {
    let nothing = || [] as [(&str, &str); 0];
    let mut cases: Vec<Case> = ["/dev/zero", "/dev/null", "/proc/self/mem", "/dev/tty", "missing.conf", "missing/", ""]
        .into_iter()
        .map(|path| Case::new(path, nothing(), FAILED).with_arguments(&[path]).saying(path))
        .collect();
    cases.extend([
        Case::new("no argument", nothing(), FAILED).with_arguments(&["--root", "missing", "missing.conf"]),
        Case::new("an empty directory", nothing(), FAILED).with_arguments(&["."]),
        Case::new("a directory of other things", [("README.md", "# hello"), ("src/main.c", "int main;")], FAILED)
            .with_arguments(&["."]),
        Case::new("one that is right and one that is missing", [("nginx.conf", http(""))], FAILED)
            .with_arguments(&["nginx.conf", "missing.conf"]),
        Case::stdin("an empty standard input", "", FAILED),
        Case::stdin("blanks on standard input", " \n\t\r\n", FAILED),
    ]);
    run_all(&cases, &FORMATS);
}

/// Standard input that never ends, and one that is a directory.
#[test]
fn standard_input_has_a_limit() {
    for path in ["/dev/zero", "/"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = command(directory.path(), &["-"]);
        command.stdin(File::open(path).expect(path));
        let outcome = run(command);
        assert_eq!((unsound(&outcome), outcome.code), (Vec::new(), Some(2)), "{path}: {}", outcome.stderr());
    }
}

#[test]
fn a_file_beyond_all_bounds_is_not_read() {
    let case = Case::new("600 MB", [] as [(&str, &str); 0], FAILED).saying("larger");
    let outcome = case.run("full", |directory| {
        let file = File::create(directory.join("nginx.conf")).expect("a file");
        file.set_len(600 * MB as u64).expect("a hole");
    });
    assert_eq!(complaints(&case, "full", &outcome), Vec::<String>::new());
}

#[test]
fn a_file_this_user_may_not_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let entry = directory.path().join("nginx.conf");
    fs::write(&entry, http("include closed.conf; include closed.d/*; include open.conf;")).expect("a file");
    for closed in ["closed.conf", "open.conf"] {
        fs::write(directory.path().join(closed), "root /srv;").expect("a file");
    }
    fs::set_permissions(directory.path().join("closed.conf"), fs::Permissions::from_mode(0o000)).expect("a mode");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let Some(outcome) = run_without_privileges(&directory, &["nginx.conf"]) else { return };
    assert_eq!(unsound(&outcome), Vec::<String>::new());
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr());
    assert!(outcome.stderr().contains("closed.conf"), "{}", outcome.stderr());
}

/// Permissions do not stop root, so root runs a copy of the binary as nobody.
/// None where that is not possible: then there is nothing to see here.
fn run_without_privileges(directory: &TempDir, arguments: &[&str]) -> Option<Outcome> {
    if File::open(directory.path().join("closed.conf")).is_err() {
        return Some(run(command(directory.path(), arguments)));
    }
    let copy = directory.path().join("binary");
    fs::copy(BINARY, &copy).expect("a copy of the binary");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(copy).args(arguments);
    command.current_dir(directory.path()).stdin(Stdio::null());
    let usable = Command::new("setpriv").args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"]).status();
    usable.is_ok_and(|status| status.success()).then(|| run(command))
}

// Standard output.

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let groups = lines(5_000, |number| format!("upstream g{number} {{ server 127.0.0.1:9 down; }}"));
    fs::write(directory.path().join("nginx.conf"), http(&groups)).expect("a file");
    for format in FORMATS {
        let mut command = command(directory.path(), &["nginx.conf", "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let mut first = String::new();
        let stdout = child.stdout.take().expect("stdout");
        BufReader::new(stdout).read_line(&mut first).expect("a first line");
        let output = child.wait_with_output().expect("it ends");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{format}: {:?}", output.status);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

/// Findings that reach nobody are not a success.
#[test]
fn a_full_disk_is_an_error() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("nginx.conf"), http("server { listen 80; }")).expect("a file");
    for format in ["full", "json"] {
        let mut command = command(directory.path(), &["nginx.conf", "--format", format]);
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = command.stdout(full).output().expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{format}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}
