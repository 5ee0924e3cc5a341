//! Failures staged on 127.0.0.1 with a real nginx and what is behind it: the
//! error log says what it must, and `nginx-lint doctor` names the cause and
//! the line first.

mod support;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nginx_lint::facts::Signature;
use serde_json::Value;

use support::nginx;
use support::parallel::in_parallel;
use support::stage::{Prop, Ran, Scene, Stage, Who, is_root};

/// Nobody waits longer for doctor; the slowest thing on these stages is a name
/// server that is asked twice.
const SOON: Duration = Duration::from_secs(20);

/// A failure, and what is to be said of it.
struct Failure {
    name: &'static str,
    scene: Scene<'static>,
    /// How clients are made to notice.
    noticed: Noticed,
    /// What they get.
    status: u16,
    /// What the error log then has; nothing where nginx sees no failure.
    signatures: &'static [Signature],
    /// The rule of the first finding; a second one where it is that in a
    /// container.
    rules: &'static [&'static str],
    /// Part of its message; `{{NAME}}` is the port of a backend, `{{own}}` the
    /// name of this program.
    says: &'static [&'static str],
}

/// How clients notice.
enum Noticed {
    /// By one request.
    Request,
    /// By so many connections at the same time.
    Connections(usize),
}

const SIMPLE: Scene<'_> = Scene { main: "", http: "", backends: &[], props: None };

const PHP: &str = r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_pass unix:{{dir}}/php/php.sock; # <- here
        }
    }";

const PLAIN_TARGET: &str = r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_pass http://{{app}}; # <- here
        }
    }";

const FAILURES: [Failure; 10] = [
    Failure {
        name: "dead port",
        scene: Scene { http: PLAIN_TARGET, backends: &[("app", "closed")], ..SIMPLE },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::UpstreamRefused],
        rules: &["live-upstream-refused", "live-container-loopback"],
        says: &["{{app}}"],
    },
    Failure {
        name: "wrong port next to the right one",
        scene: Scene {
            http: r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_pass http://{{mistyped}}; # <- here
        }
    }",
            backends: &[("app", "http"), ("mistyped", "closed near app")],
            ..SIMPLE
        },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::UpstreamRefused],
        rules: &["live-upstream-refused"],
        says: &["{{mistyped}}", "{{own}} listens on 127.0.0.1:{{app}}"],
    },
    Failure {
        name: "TLS on a port that is asked without",
        scene: Scene { http: PLAIN_TARGET, backends: &[("app", "tls")], ..SIMPLE },
        noticed: Noticed::Request,
        status: 400,
        signatures: &[],
        rules: &["live-tls-vs-plain"],
        says: &["{{app}}"],
    },
    Failure {
        name: "no TLS on a port that is asked with",
        scene: Scene {
            http: r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_pass https://{{app}}; # <- here
        }
    }",
            backends: &[("app", "sends HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")],
            ..SIMPLE
        },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::TlsWrongVersionNumber],
        rules: &["live-tls-vs-plain"],
        says: &["{{app}}"],
    },
    Failure {
        name: "socket of php missing",
        scene: Scene { http: PHP, props: Some(no_socket), ..SIMPLE },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::UnixMissing],
        rules: &["live-unix-socket"],
        says: &["php.sock"],
    },
    Failure {
        name: "socket of php shut",
        scene: Scene { http: PHP, props: Some(shut_socket), ..SIMPLE },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::UnixDenied],
        rules: &["live-unix-socket"],
        says: &["php"],
    },
    Failure {
        name: "slow backend",
        scene: Scene {
            http: r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_read_timeout 1s; # <- here
            proxy_pass http://{{app}};
        }
    }",
            backends: &[("app", "slow 5000ms")],
            ..SIMPLE
        },
        noticed: Noticed::Request,
        status: 504,
        signatures: &[Signature::ReadHeaderTimedOut],
        rules: &["log-response-timed-out"],
        says: &["1s"],
    },
    Failure {
        name: "too big header",
        scene: Scene { http: PLAIN_TARGET, backends: &[("app", "cookies 5000")], ..SIMPLE },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::TooBigHeader],
        rules: &["log-too-big-header"],
        says: &["proxy_buffer_size"],
    },
    Failure {
        name: "name gone from the name server",
        scene: Scene {
            http: r"    resolver {{names}} ipv6=off valid=5s; # <- here
    resolver_timeout 2s;
    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            set $app app.shop.example; # <- here
            proxy_pass http://$app:3000; # <- here
        }
    }",
            backends: &[("names", "dns")],
            ..SIMPLE
        },
        noticed: Noticed::Request,
        status: 502,
        signatures: &[Signature::NameNotFound],
        rules: &["live-resolver"],
        says: &["app.shop.example"],
    },
    Failure {
        name: "limit of open files reached",
        scene: Scene {
            main: r"worker_rlimit_nofile 20; # <- here
events {
    worker_connections 64; # <- here
}
",
            http: r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_pass http://{{app}};
        }
    }",
            backends: &[("app", "silent")],
            ..SIMPLE
        },
        noticed: Noticed::Connections(40),
        status: 500,
        signatures: &[Signature::AcceptTooManyFiles, Signature::SocketTooManyFiles],
        rules: &["live-rlimit-vs-connections"],
        says: &["20"],
    },
];

const HEALTHY: Scene<'_> = Scene {
    main: "events {\n    worker_connections 256;\n}\n",
    http: r#"    upstream app {
        server {{app}};
        keepalive 8;
    }
    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_pass http://app;
        }
    }"#,
    backends: &[("app", "http")],
    ..SIMPLE
};

const WITH_A_KEY: Scene<'_> = Scene {
    http: r"    server {
        listen {{listen}};
        server_name shop.example;
        location / {
            proxy_pass http://{{app}};
        }
    }
    server {
        listen {{tls}} ssl;
        server_name backend.example;
        ssl_certificate {{dir}}/backend.pem;
        ssl_certificate_key {{dir}}/backend.key;
        return 204;
    }",
    backends: &[("app", "http"), ("tls", "closed")],
    ..SIMPLE
};

/// The directory of the socket, and nothing in it.
fn no_socket(directory: &Path) -> io::Result<Prop> {
    fs::create_dir(directory.join("php"))?;
    fs::set_permissions(directory.join("php"), Permissions::from_mode(0o755))?;
    Ok(Prop::default())
}

/// A socket that somebody listens on and the workers may not connect to: by
/// its permissions, or, where they run as ourselves, behind a shut directory.
fn shut_socket(directory: &Path) -> io::Result<Prop> {
    no_socket(directory)?;
    let (place, path) = (directory.join("php"), directory.join("php/php.sock"));
    let socket = Some(UnixListener::bind(&path)?);
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    if is_root() {
        return Ok(Prop { socket, shut: None });
    }
    fs::set_permissions(&place, Permissions::from_mode(0o600))?;
    Ok(Prop { socket, shut: Some(place) })
}

#[test]
fn ten_failures_are_named_with_their_line() {
    let wrong = in_parallel(STAGES, &FAILURES, |failure| {
        let staged = stage(failure);
        let judged = staged.and_then(|stage| expect_doctor(&stage, failure));
        judged.err().map(|problem| format!("{}: {problem}", failure.name))
    });
    assert!(wrong.is_empty(), "{} of {}:\n\n{}\n", wrong.len(), FAILURES.len(), wrong.join("\n\n"));
}

#[test]
fn a_healthy_machine_gets_no_finding() {
    let stage = set(&HEALTHY);
    assert_eq!(stage.ask(3), Ok(vec![Some(200); 3]));
    let log = stage.log();
    assert!(log.seen.is_empty() && log.unknown == 0, "{}", stage.text_of_log());
    let (ran, document) = doctor(&stage, &["--min-severity", "info"], Who::Ourselves).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(findings(&document), Vec::<&Value>::new(), "{}", ran.stdout);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let counts = &document["examined"]["counts"];
    assert!(counts["addresses"] == 1 && counts["logs"] == 1, "{counts}");
    let words =
        stage.run(&binary(), &["doctor", "nginx.conf"], Who::Ourselves).unwrap_or_else(|error| panic!("{error}"));
    assert!(words.stdout.contains("looked at"), "an all-clear says what of: {}", words.stdout);
}

#[test]
fn what_doctor_saved_is_judged_the_same_again() {
    for failure in [&FAILURES[0], &FAILURES[5], &FAILURES[7]] {
        let stage = stage(failure).unwrap_or_else(|problem| panic!("{}: {problem}", failure.name));
        let (_, now) = doctor(&stage, &["--facts", "seen.json"], Who::Ourselves).unwrap_or_else(|e| panic!("{e}"));
        let arguments = ["check", "nginx.conf", "--facts", "seen.json", "--format", "json"];
        let again = stage.run(&binary(), &arguments, Who::Ourselves).unwrap_or_else(|error| panic!("{error}"));
        let again = document(&again).unwrap_or_else(|error| panic!("{error}"));
        assert!(!of_the_machine(&now).is_empty(), "{}: {now:#}", failure.name);
        assert_eq!(of_the_machine(&now), of_the_machine(&again), "{}", failure.name);
    }
}

/// Somebody who may read neither key nor log hears of both, and not that all
/// is well.
#[test]
fn what_may_not_be_read_is_not_called_fine() {
    let stage = set(&WITH_A_KEY);
    assert_eq!(stage.ask(1), Ok(vec![Some(200)]));
    for name in ["backend.key", "error.log"] {
        fs::set_permissions(stage.path(name), Permissions::from_mode(0o000)).expect("it is ours");
    }
    // Our own copy may lie where nobody else can go.
    let program = stage.path("nginx-lint");
    fs::copy(binary(), &program).expect("a copy");
    let arguments = ["doctor", "nginx.conf", "--format", "json"];
    let ran = stage.run(&program, &arguments, Who::Nobody).unwrap_or_else(|error| panic!("{error}"));
    let document = document(&ran).unwrap_or_else(|error| panic!("{error}"));
    let missed = document["examined"]["not_examined"].as_array().expect("a list");
    for name in ["backend.key", "error.log"] {
        let path = stage.path(name).display().to_string();
        let is_listed = |missed: &Value| missed["what"].as_str().is_some_and(|what| what.contains(&path));
        assert!(missed.iter().any(is_listed), "{name} is not in {missed:#?}");
    }
    assert_eq!(document["examined"]["counts"]["logs"], 0, "{document:#}");
    let words = stage.run(&program, &["doctor", "nginx.conf"], Who::Nobody).unwrap_or_else(|error| panic!("{error}"));
    assert!(words.stdout.contains("not examined") && words.stdout.contains("backend.key"), "{}", words.stdout);
}

/// Sets the stage of a failure, and lets clients notice it.
fn stage(failure: &Failure) -> Result<Stage, String> {
    let installed = nginx::installed()?;
    let mut stage = Stage::set(installed, &failure.scene)?;
    match failure.noticed {
        Noticed::Request => {
            let statuses = stage.ask(1)?;
            if statuses != [Some(failure.status)] {
                return Err(format!("clients get {statuses:?}, not {}:\n{}", failure.status, stage.text_of_log()));
            }
        }
        Noticed::Connections(count) => {
            stage.connect(count)?;
            stage.wait_for(failure.signatures[0])?;
            stage.ask_over_connections();
        }
    }
    for signature in failure.signatures {
        stage.wait_for(*signature)?;
    }
    let others: Vec<Signature> = stage.log().seen.iter().map(|evidence| evidence.signature).collect();
    let other = others.iter().find(|signature| !failure.signatures.contains(signature));
    match other {
        Some(other) => Err(format!("the log has {other:?}, too:\n{}", stage.text_of_log())),
        None => Ok(stage),
    }
}

fn set(scene: &Scene<'_>) -> Stage {
    let installed = nginx::installed().unwrap_or_else(|problem| panic!("{problem}"));
    Stage::set(installed, scene).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Whether the first finding of doctor is of the right rule, on a line that is
/// marked, and says what it must.
fn expect_doctor(stage: &Stage, failure: &Failure) -> Result<(), String> {
    let (ran, document) = doctor(stage, &[], Who::Ourselves)?;
    let shown = || format!("{}\n{}", brief(&document), ran.stderr);
    let Some(first) = findings(&document).into_iter().next() else { return Err(format!("no finding\n{}", shown())) };
    let mut wrong = Vec::new();
    if !failure.rules.iter().any(|rule| first["rule"] == *rule) {
        wrong.push(format!("the first finding is not of {}", failure.rules.join(" or ")));
    }
    let marked = stage.marked_lines();
    if !first["line"].as_u64().is_some_and(|line| marked.contains(&line)) {
        wrong.push(format!("the first finding is not at line {marked:?}"));
    }
    let message = first["message"].as_str().unwrap_or_default();
    let says = failure.says.iter().map(|text| fill_in(stage, text));
    wrong
        .extend(says.filter(|text| !message.contains(text)).map(|text| format!("the message does not say \"{text}\"")));
    if !failure.signatures.is_empty() && first["evidence"]["count"].as_u64().unwrap_or_default() == 0 {
        wrong.push("the first finding has no evidence of the log".to_owned());
    }
    if ran.status != Some(1) {
        wrong.push(format!("the status is {:?}", ran.status));
    }
    if ran.took > SOON {
        wrong.push(format!("it took {:?}", ran.took));
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n{}", wrong.join("\n"), shown())) }
}

/// Runs doctor on a stage.
fn doctor(stage: &Stage, more: &[&str], who: Who) -> Result<(Ran, Value), String> {
    let mut arguments = vec!["doctor", "nginx.conf", "--format", "json", "--connect-cap", "2"];
    arguments.extend(more);
    let ran = stage.run(&binary(), &arguments, who)?;
    let document = document(&ran)?;
    Ok((ran, document))
}

fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_nginx-lint"))
}

fn document(ran: &Ran) -> Result<Value, String> {
    serde_json::from_str(&ran.stdout).map_err(|error| format!("no JSON ({error}): {}{}", ran.stdout, ran.stderr))
}

fn findings(document: &Value) -> Vec<&Value> {
    document["findings"].as_array().map(|findings| findings.iter().collect()).unwrap_or_default()
}

/// The findings as one line each.
fn brief(document: &Value) -> String {
    let line = |finding: &Value| {
        let count = &finding["evidence"]["count"];
        format!(
            "  {} {}: {} (line {}, seen {count})",
            finding["severity"], finding["rule"], finding["message"], finding["line"]
        )
    };
    findings(document).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is said of the machine and its logs, in one order: of the text alone
/// `check` says more.
fn of_the_machine(document: &Value) -> Vec<String> {
    let is_of_machine = |finding: &&Value| finding["group"] == "live" || finding["group"] == "log";
    let mut found: Vec<String> = findings(document).into_iter().filter(is_of_machine).map(Value::to_string).collect();
    found.sort();
    found
}

/// Puts ports and our own name into a text.
fn fill_in(stage: &Stage, text: &str) -> String {
    let mut filled = text.replace("{{own}}", &own_name());
    while let Some((before, after)) = filled.split_once("{{") {
        let Some((name, rest)) = after.split_once("}}") else { break };
        filled = format!("{before}{}{rest}", stage.address_of(name).port());
    }
    filled
}

/// What the system calls this program.
fn own_name() -> String {
    fs::read_to_string("/proc/self/comm").unwrap_or_default().trim_end().to_owned()
}

/// So many stages stand at a time.
const STAGES: usize = 3;
