//! What is in force: the model's answer for small configurations, and what
//! `nginx-lint effective` prints. That a running nginx does the same,
//! `effective_agrees` shows.

use std::path::Path;
use std::process::Command;

use nginx_lint::catalog::{self, Context, Version};
use nginx_lint::model::{Block, Directive, Model, NoSlot, Profile};
use nginx_lint::tree::{self, Memory, Places, Tree};

/// A configuration and what is asked of it.
struct Question {
    about: &'static str,
    directive: &'static str,
    version: Option<&'static str>,
    configuration: &'static str,
    /// Each place where something changes: what counts, `(default)` behind
    /// defaults, and behind ` - ` what does not count any more.
    answer: &'static [&'static str],
}

#[rustfmt::skip] // a table
const QUESTIONS: &[Question] = &[
    Question {
        about: "a value of an inner block replaces the outer one",
        directive: "proxy_read_timeout", version: None,
        configuration: "http { proxy_read_timeout 1s; server { location /a { proxy_read_timeout 2s; location /a/b { if ($x) { } } } location /c { } } server { proxy_read_timeout 3s; } }",
        answer: &["http: 1s", "location /a: 2s - 1s", "server: 3s - 1s"],
    },
    Question {
        about: "a default is in force where nothing is said",
        directive: "proxy_read_timeout", version: None,
        configuration: "http { server { location /a { proxy_read_timeout 2s; } } }",
        answer: &["http: 60s (default)", "location /a: 2s"],
    },
    Question {
        about: "one line discards a whole list, down to an if",
        directive: "add_header", version: Some("1.28.0"),
        configuration: "http { add_header A 1; add_header B 2; server { location / { if ($x) { add_header C 3; } } } }",
        answer: &["http: A 1, B 2", "if: C 3 - A 1, B 2"],
    },
    Question {
        about: "merge keeps the outer list behind the own one, and is inherited",
        directive: "add_header", version: Some("1.29.3"),
        configuration: "http { add_header A 1; add_header_inherit merge; server { add_header B 2; location / { add_header C 3; } } }",
        answer: &["http: A 1", "server: B 2, A 1", "location /: C 3, B 2, A 1"],
    },
    Question {
        about: "off drops the outer list even where there is no own one",
        directive: "add_trailer", version: Some("1.29.3"),
        configuration: "http { add_trailer A 1; server { add_trailer_inherit off; location / { add_trailer C 3; } location /on { add_trailer_inherit on; } } }",
        answer: &["http: A 1", "server:  - A 1", "location /: C 3"],
    },
    Question {
        about: "an older release has no add_header_inherit",
        directive: "add_header", version: Some("1.28.0"),
        configuration: "http { add_header A 1; add_header_inherit merge; server { add_header B 2; } }",
        answer: &["http: A 1", "server: B 2 - A 1"],
    },
    Question {
        about: "headers that are not named keep their defaults, in the case of the release",
        directive: "proxy_set_header", version: Some("1.22.1"),
        configuration: "http { server { proxy_set_header host a; location / { proxy_set_header X b; } } }",
        answer: &[
            "http: Host $proxy_host (default), Connection close (default)",
            "server: host a, Connection close (default)",
            "location /: X b, Host $proxy_host (default), Connection close (default) - host a",
        ],
    },
    Question {
        about: "Connection is not sent since 1.29.7",
        directive: "proxy_set_header", version: Some("1.29.7"),
        configuration: "http { server { } }",
        answer: &["http: Host $proxy_host (default)"],
    },
    Question {
        about: "the first type of the default is always compressed",
        directive: "gzip_types", version: None,
        configuration: "http { gzip_types text/css; server { gzip_types *; } }",
        answer: &["http: text/css, text/html (default)", "server: * - text/css"],
    },
    Question {
        about: "allow and deny are one list",
        directive: "deny", version: None,
        configuration: "http { allow 10.0.0.0/8; deny all; server { location / { limit_except GET { deny all; } } location /open { allow all; } } }",
        answer: &["http: allow 10.0.0.0/8, deny all", "limit_except GET: deny all - allow 10.0.0.0/8, deny all", "location /open: allow all - allow 10.0.0.0/8, deny all"],
    },
    Question {
        about: "root and alias share a slot, which nested locations inherit",
        directive: "root", version: None,
        configuration: "http { root /a; server { location /i/ { alias /b/; location /i/j/ { } location /i/k/ { root /c; } } } }",
        answer: &["http: root /a", "location /i/: alias /b/ - root /a", "location /i/k/: root /c - alias /b/"],
    },
    Question {
        about: "try_files acts where it stands, not even in an if",
        directive: "try_files", version: None,
        configuration: "http { server { try_files $uri =404; location / { try_files $uri /x; if ($x) { } location /n { } } location /o { } } }",
        answer: &["server: $uri =404", "location /: $uri /x - $uri =404", "if:  - $uri /x", "location /n:  - $uri /x", "location /o:  - $uri =404"],
    },
    Question {
        about: "proxy_pass is kept by if and limit_except, not by nested locations",
        directive: "proxy_pass", version: None,
        configuration: "http { server { location / { proxy_pass http://a; if ($x) { } limit_except GET { } location /n { } } } }",
        answer: &["location /: http://a", "location /n:  - http://a"],
    },
    Question {
        about: "memcached_pass is kept by if only",
        directive: "memcached_pass", version: None,
        configuration: "http { server { location / { memcached_pass a; if ($x) { } limit_except GET { } } } }",
        answer: &["location /: a", "limit_except GET:  - a"],
    },
    Question {
        about: "what is carried out in sequence discards nothing",
        directive: "rewrite", version: None,
        configuration: "http { server { rewrite a b; rewrite c d; location / { rewrite e f; if ($x) { rewrite g h; } } } }",
        answer: &["server: a b, c d", "location /: e f", "if: g h"],
    },
    Question {
        about: "access_log off silences all of its level, and is inherited",
        directive: "access_log", version: None,
        configuration: "http { server { access_log a; access_log off; location / { } location /l { access_log b; access_log c; } } }",
        answer: &["http: logs/access.log combined (default)", "server: off - a", "location /l: b, c - off"],
    },
    Question {
        about: "the main error_log is inherited by http, stream and mail",
        directive: "error_log", version: None,
        configuration: "error_log a; http { server { error_log b; } } stream { server { error_log c; } } mail { server { } }",
        answer: &["main: a", "server: b - a", "server: c - a"],
    },
    Question {
        about: "stream has values of its own",
        directive: "proxy_timeout", version: None,
        configuration: "stream { server { proxy_timeout 5s; } server { } }",
        answer: &["stream: 10m (default)", "server: 5s"],
    },
    Question {
        about: "lists of stream are replaced, too",
        directive: "allow", version: None,
        configuration: "http { allow all; } stream { deny all; server { allow 10.0.0.1; } }",
        answer: &["http: allow all", "stream: deny all", "server: allow 10.0.0.1 - deny all"],
    },
    Question {
        about: "mail, too",
        directive: "auth_http_header", version: None,
        configuration: "mail { auth_http_header A 1; server { auth_http_header B 2; } }",
        answer: &["mail: A 1", "server: B 2 - A 1"],
    },
    Question {
        about: "keepalive_timeout of an upstream is another directive",
        directive: "keepalive_timeout", version: None,
        configuration: "http { keepalive_timeout 5s; upstream u { server a; } server { keepalive_timeout 6s; } }",
        answer: &["http: 5s", "upstream u: 60s (default)", "server: 6s - 5s"],
    },
    Question {
        about: "proxy_store switches an outer proxy_cache off, and the other way round",
        directive: "proxy_cache", version: None,
        configuration: "http { proxy_cache z; server { location /s { proxy_store on; location /s/n { } location /s/c { proxy_cache y; } } location /o { proxy_store off; } } }",
        answer: &["http: z", "location /s: off because of proxy_store on - z", "location /s/c: y"],
    },
    Question {
        about: "image_filter is inherited by nested locations",
        directive: "image_filter", version: None,
        configuration: "http { server { location / { image_filter size; location /n { } } } }",
        answer: &["location /: size"],
    },
    Question {
        about: "a part that was not seen may say something",
        directive: "proxy_buffering", version: None,
        configuration: "http { include missing.conf; server { proxy_buffering off; location / { } } }",
        answer: &["http: on (default) ?", "server: off"],
    },
    Question {
        about: "a module outside of nginx may inherit as it likes",
        directive: "brotli", version: None,
        configuration: "http { brotli on; server { location / { brotli off; } } }",
        answer: &["http: on", "server:  ?", "location /: off"],
    },
];

fn load(configuration: &str) -> Tree {
    let mut memory = Memory::default();
    memory.insert("nginx.conf", configuration.as_bytes());
    let entry = Path::new("nginx.conf");
    tree::load(&memory, entry, &Places::of_entry(entry, Path::new("/nginx.conf"))).expect("it is in memory")
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn label(block: Block<'_>) -> String {
    let Some(head) = block.head() else { return "main".to_owned() };
    match (head.name(), head.argument(0)) {
        ("location" | "limit_except" | "upstream", Some(argument)) => format!("{} {argument}", head.name()),
        (name, _) => name.to_owned(),
    }
}

fn answer(question: &Question) -> Vec<String> {
    let tree = load(question.configuration);
    let model = Model::new(&tree, Context::Main, Profile::of_version(question.version.map(version)));
    let slot = model.slot(question.directive).expect("it has a value");
    let shown = |directive: &Directive<'_>| {
        let arguments = directive.arguments().collect::<Vec<_>>().join(" ");
        if slot.names.len() > 1 { format!("{} {arguments}", directive.name()) } else { arguments }
    };
    let mut answer = Vec::new();
    let everywhere = model.everywhere_in_force(&slot);
    for (block, in_force) in &everywhere {
        assert_eq!(slot.in_force(*block), *in_force, "{}: alone as with all others", question.about);
        let outer = slot.outer(*block).and_then(|outer| everywhere.iter().find(|(block, _)| *block == outer));
        let is_same = outer.is_some_and(|(_, outer)| outer.is_same(in_force) && in_force.discarded.is_empty());
        let says_nothing = *in_force == Default::default();
        if is_same || (outer.is_none() && says_nothing) {
            continue;
        }
        let mut values: Vec<String> = in_force.directives.iter().map(shown).collect();
        values.extend(in_force.defaults.iter().map(|text| format!("{text} (default)")));
        values.extend(in_force.switched_off_by.iter().map(|rival| {
            format!("off because of {} {}", rival.name(), rival.arguments().collect::<Vec<_>>().join(" "))
        }));
        let mut line = format!("{}: {}", label(*block), values.join(", "));
        if !in_force.discarded.is_empty() {
            line += &format!(" - {}", in_force.discarded.iter().map(shown).collect::<Vec<_>>().join(", "));
        }
        line += if in_force.unseen { " ?" } else { "" };
        answer.push(line);
    }
    answer
}

#[test]
fn what_is_in_force() {
    for question in QUESTIONS {
        assert_eq!(answer(question), question.answer, "{}", question.about);
    }
}

#[test]
fn defaults_of_earlier_releases() {
    /// A release and its defaults.
    type Release = (&'static str, &'static [&'static str]);
    let table: [(&str, Context, &[Release]); 8] = [
        ("keepalive_requests", Context::Http, &[("1.18.0", &["100"]), ("1.19.9", &["100"]), ("1.19.10", &["1000"])]),
        ("keepalive_requests", Context::Upstream, &[("1.18.0", &["100"]), ("1.22.1", &["1000"])]),
        ("proxy_http_version", Context::Http, &[("1.29.6", &["1.0"]), ("1.29.7", &["1.1"])]),
        (
            "proxy_set_header",
            Context::Http,
            &[("1.29.6", &["Host $proxy_host", "Connection close"]), ("1.30.0", &["Host $proxy_host"])],
        ),
        ("keepalive", Context::Upstream, &[("1.29.6", &[]), ("1.29.7", &["32 local"])]),
        ("sendfile_max_chunk", Context::Http, &[("1.21.3", &["0"]), ("1.21.4", &["2m"])]),
        ("ssl_protocols", Context::MailServer, &[("1.22.1", &["TLSv1 TLSv1.1 TLSv1.2"])]),
        (
            "ssl_protocols",
            Context::Server,
            &[
                ("1.23.3", &["TLSv1 TLSv1.1 TLSv1.2"]),
                ("1.23.4", &["TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"]),
                ("1.27.2", &["TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"]),
                ("1.27.3", &["TLSv1.2 TLSv1.3"]),
            ],
        ),
    ];
    for (name, context, releases) in table {
        let directive = catalog::find_in(name, context).expect("it is known");
        for (release, expected) in releases {
            assert_eq!(directive.default_in(version(release)), *expected, "{name} in {release}");
        }
    }
}

#[test]
fn what_has_no_value() {
    let tree = load("http { }");
    let of = |release: Option<&str>| Model::new(&tree, Context::Main, Profile::of_version(release.map(version)));
    assert_eq!(of(None).slot("proxy_pas").err(), Some(NoSlot::Unknown));
    assert_eq!(of(None).slot("location").err(), Some(NoSlot::Container));
    assert_eq!(of(None).slot("if").err(), Some(NoSlot::Container));
    assert!(matches!(of(Some("1.28.0")).slot("add_header_inherit").err(), Some(NoSlot::NotInThisNginx(_))));
    assert!(of(Some("1.29.3")).slot("add_header_inherit").is_ok());
    assert!(of(None).slot("types").is_ok());
}

#[test]
fn lines_stand_in_blocks() {
    let tree = load("http {\n  server {\n    location / {\n      root /a;\n    }\n\n  }\n}\n\nevents {}\n");
    let model = Model::new(&tree, Context::Main, Profile::default());
    let expected =
        ["http", "server", "location /", "location /", "location /", "server", "server", "http", "main", "events"];
    for (line, expected) in (1..).zip(expected) {
        let found = model.blocks_around(nginx_lint::source::FileId(0), line);
        assert_eq!(found.into_iter().map(label).collect::<Vec<_>>(), [expected], "line {line}");
    }
}

// The command.

struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs `nginx-lint effective` in the directory of the example.
fn run(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_nginx-lint"))
        .arg("effective")
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/effective"))
        .output()
        .expect("the binary runs");
    Ran {
        status: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn printed(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    ran.stdout
}

#[test]
fn the_command_for_people() {
    let questions: [&[&str]; 9] = [
        &["proxy_set_header", "--nginx-version", "1.22.1"],
        &["proxy_read_timeout"],
        &["add_header"],
        &["try_files"],
        &["root"],
        &["keepalive_requests"],
        &["worker_processes"],
        &["proxy_read_timeout", "--at", "conf.d/shop.conf:24"],
        &["proxy_set_body"],
    ];
    let shown =
        questions.map(|arguments| format!("$ nginx-lint effective {}\n{}", arguments.join(" "), printed(arguments)));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_command_for_programs() {
    insta::assert_snapshot!(printed(&["allow", "--at", "conf.d/status.conf:11", "--format", "json"]));
    let document = printed(&["proxy_set_header", "--format", "json", "--all", "--nginx-version", "1.22.1"]);
    let document: serde_json::Value = serde_json::from_str(&document).expect("one JSON document");
    let places = document["configurations"][0]["places"].as_array().expect("a list");
    assert_eq!(places.len(), 11, "http, two servers, six locations, if and limit_except");
    assert_eq!(places[0]["values"][2]["origin"], "default");
}

#[test]
fn a_file_is_asked_about_within_its_configuration() {
    let shown = printed(&["add_header", "conf.d/shop.conf"]);
    assert!(shown.contains("- X-Content-Type-Options nosniff"), "{shown}");
    let shown = printed(&["proxy_read_timeout", "conf.d/status.conf"]);
    assert!(shown.contains("server on 127.0.0.1:8081  30s  nginx.conf:9"), "{shown}");
}

#[test]
fn what_the_command_cannot_answer() {
    let table: [(&[&str], &str); 7] = [
        (&["proxy_pasd"], "there is no directive \"proxy_pasd\"; did you mean proxy_pass?"),
        (&["location"], "\"location\" is a block of other directives; it has no value of its own"),
        (
            &["add_header_inherit", "--nginx-version", "1.22.1"],
            "nginx 1.22.1 does not have \"add_header_inherit\"; it came with 1.29.3",
        ),
        (&["root", "--at", "nginx.conf:999"], "nginx.conf has no line 999; it has 21"),
        (&["root", "--at", "other.conf:1", "nginx.conf"], "other.conf is not a part of this configuration"),
        (
            &["proxy_set_header", "--at", "nginx.conf:16"],
            "\"proxy_set_header\" has no value in upstream app: it stands in http, server, location",
        ),
        (
            &["root", "--at", "nginx.conf"],
            "error: invalid value 'nginx.conf' for '--at <FILE:LINE>': it takes the form FILE:LINE, such as nginx.conf:12",
        ),
    ];
    for (arguments, message) in table {
        let ran = run(arguments);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
}
