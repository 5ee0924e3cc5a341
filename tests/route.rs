//! `route` says what a real nginx does.
//!
//! Configurations and requests come from a seeded generator; an nginx of the
//! test's own answers on loopback: every block marks its answers, and backends
//! repeat what they got. So the location that was really taken and the request
//! that was really sent are seen. `cargo test` runs a slice;
//! `NGINX_LINT_ROUTES=500 cargo test --test route` runs that many
//! configurations, `NGINX_LINT_ROUTES_FROM` says from which seed on.

#[path = "route/generator.rs"]
mod generator;
#[path = "route/predicted.rs"]
mod predicted;
#[path = "route/real.rs"]
mod real;
mod support;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use nginx_lint::catalog::{Context, Family};
use nginx_lint::model::{Model, Profile, outermost_context};
use nginx_lint::tree::{self, Memory, Places};

use generator::{Asked, configuration, requests};
use real::{World, ask, start};

/// Configurations in a slice.
const SLICE: u64 = 25;

/// Requests for each.
const REQUESTS: usize = 20;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_requests_go_where_nginx_sends_them() {
    let (count, from) = (number("NGINX_LINT_ROUTES", SLICE), number("NGINX_LINT_ROUTES_FROM", 1));
    let next = AtomicU64::new(from);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let world = World::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        break;
                    }
                    let outcome = compare(&world, &configuration(seed), &requests(seed, REQUESTS));
                    let mut wrong = wrong.lock().expect("no panic");
                    match outcome {
                        Ok(differences) => {
                            wrong.extend(differences.into_iter().map(|text| format!("seed {seed}: {text}")))
                        }
                        Err(problem) => wrong.push(format!("seed {seed}: {problem}")),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), count as usize * REQUESTS, wrong.join("\n\n"));
}

/// A configuration, and requests with what comes of them: the status, the mark
/// of the block in force, `Location`, and the request line of the upstream or
/// the body. `route` and nginx must both say so.
type Fixed = (&'static str, &'static [(&'static str, &'static str)]);

const FIXED: &[Fixed] = &[
    // Locations.
    (
        "server { listen {{listen}}; add_header X-Where s always;
         location / { add_header X-Where root always; return 200 $uri; }
         location = /a { add_header X-Where exact always; return 200; }
         location /a/ { add_header X-Where a always; return 200;
             location ~ [.]x$ { add_header X-Where nested always; return 200; } }
         location ^~ /b/ { add_header X-Where b always; return 200; }
         location ~ [.]x$ { add_header X-Where regex always; return 200; }
         location /p/ { add_header X-Where p always; proxy_pass http://{{one}}; } }",
        &[
            ("/a", "200 exact"),
            ("/a/1", "200 a"),
            ("/a/1.x", "200 nested"),
            ("/b/1.x", "200 b"),
            ("/c/1.x", "200 regex"),
            ("/c//d/../%20", "200 root /c/"),
            ("/p?q", "301 p LISTEN/p/?q"),
            ("/p/?q", "200 p one: GET /p/?q HTTP/1.0"),
            ("/../x", "400 s"),
        ],
    ),
    // A regular expression keeps what is below it from being a redirect.
    (
        "server { listen {{listen}}; location ~ ^/a { add_header X-Where a always; return 200;
             location ~ b { add_header X-Where b always; return 200; } }
         location /ab/ { add_header X-Where ab always; return 200; } }",
        &[("/a", "200 a"), ("/ab", "200 b"), ("/ab/", "200 b")],
    ),
    // What goes upstream.
    (
        "server { listen {{listen}};
         location /plain/ { proxy_pass http://{{one}}; }
         location /uri/ { proxy_pass http://{{one}}/new/; }
         location /args/ { proxy_pass http://{{one}}/new?a=; }
         location /break/ { rewrite ^/break/(.*)$ /x/$1 break; proxy_pass http://{{one}}/lost/; }
         location /variable/ { proxy_pass http://{{one}}$uri; }
         location /if/ { proxy_pass http://{{one}}/if-/; if ($arg_q) { add_header X-Where if always; } }
         location @named { proxy_pass http://{{two}}; }
         location /named/ { error_page 404 = @named; return 404; } }",
        &[
            ("/plain/%20//..?q", "200 one: GET /plain/%20//..?q HTTP/1.0"),
            ("/uri/%20//b?q", "200 one: GET /new/%20/b?q HTTP/1.0"),
            ("/uri/%2f%3f", "200 one: GET /new/%3F HTTP/1.0"),
            ("/args/b?q", "200 one: GET /new?a=b?q HTTP/1.0"),
            ("/break/b?q", "200 one: GET /x/b?q HTTP/1.0"),
            ("/variable/%41?q", "200 one: GET /variable/A HTTP/1.0"),
            ("/if/b?q=1", "200 if one: GET /if-/b?q=1 HTTP/1.0"),
            ("/named/%41?q", "200 two: GET /named/%41?q HTTP/1.0"),
        ],
    ),
    // Captures are escaped for arguments and for set, when the path was.
    (
        "server { listen {{listen}};
         location ~ ^/a/(.*)$ { set $v1 $1; return 200 $v1-$1; }
         location ~ ^/b/(.*)$ { rewrite ^/b/(.*)$ /c/$1?x=$1 last; }
         location /c/ { return 200 $uri?$args; }
         location ~ ^/d/(.*)$ { rewrite ^/d/(.*)$ /e/$1?x=$1 permanent; } }",
        &[
            ("/a/x&y", "200 x&y-x&y"),
            ("/a/%20&", "200 %20%26- &"),
            ("/b/%20&?q", "200 /c/ &?x=%20%26&q"),
            ("/d/%20&?q", "301 LISTEN/e/%20&?x=%20%26&q"),
        ],
    ),
    // Setting $args leaves what it means.
    (
        "server { listen {{listen}}; location /a { return 200 $args-$is_args; }
         location /b { set $args x=1; proxy_pass http://{{one}}; } }",
        &[("/a?q", "200 q-?"), ("/b?q", "200 one: GET /b?x=1 HTTP/1.0")],
    ),
    // Behind break nothing is set, and there is no host.
    (
        "server { listen {{listen}}; location / { break; set $backend {{one}}; proxy_pass http://$backend/x; } }",
        &[("/", "500")],
    ),
    // A path without a slash in front becomes a part of the name.
    (
        "upstream group { server {{one}}; }
         server { listen {{listen}}; location / { rewrite ^/(.*)$ $1 break; proxy_pass http://group$uri; }
         location /a/ { rewrite ^ $uri break; proxy_pass http://group$uri; } }",
        &[("/x", "502"), ("/a/x", "200 one: GET /a/x HTTP/1.0")],
    ),
    // A map is evaluated once, unless it is volatile; its captures stay.
    (
        "map $uri $once { ~^/(.) 1$1; } map $uri $again { volatile; ~^/(.) 2$1; }
         server { listen {{listen}}; set $v1 $once$again; location / { rewrite ^/a /b; return 200 $once$again$1; }
         location /b { return 200 $once$again$1; } }",
        &[("/a", "200 1a2bb"), ("/c", "200 1c2cc")],
    ),
    // An error page for a path that cannot be read: no header is known.
    (
        "server { listen {{listen}}; error_page 400 /e; location /e { proxy_pass http://{{one}}; }
         location /r { rewrite ^/r(.*)$ https://x/$1 last; } }",
        &[("/%zz", "400 one: GET /e HTTP/1.0"), ("/r%C3%A9", "302 https://x/%C3%A9")],
    ),
    // Files that are not there.
    (
        "root {{root}}; server { listen {{listen}}; error_page 404 = @missing;
         location @missing { return 200 missing; }
         location /files/ { alias {{root}}/dir/; }
         location /tried/ { try_files /none $uri/index.html =404; error_page 404 /b.html; }
         location ~ ^/regex/(.*)$ { alias {{root}}/dir/$1; } }",
        &[
            ("/none", "200 missing"),
            ("/a.html", "200"),
            ("/dir", "301 LISTEN/dir/"),
            ("/files/a", "200"),
            ("/files/none", "200 missing"),
            ("/tried/x", "404"),
            ("/regex/a", "200"),
            ("/regex/a/", "200 missing"),
            ("POST /a.html", "405"),
            ("POST /none", "200 missing"),
        ],
    ),
    // The header of a redirect stays when an error page takes it.
    (
        "server { listen {{listen}}; error_page 301 =503 /e; error_page 302 https://y.example/; location /e { return 200 e; }
         location /a { return 301 /b; } location /c { return 302 /d; } location /f { return 308 /g; } }",
        &[("/a", "503 LISTEN/b e"), ("/c", "302 https://y.example/"), ("/f", "308 LISTEN/g")],
    ),
    // Too many changes.
    (
        "server { listen {{listen}}; location / { rewrite ^(.*)$ /a$1 last; } }",
        &[("/", "500")],
    ),
    // limit_except has no rewrites of its location.
    (
        "server { listen {{listen}}; location / { return 200 x; limit_except GET { deny all; } } }",
        &[("/", "200 x"), ("HEAD /", "200"), ("POST /", "403")],
    ),
    // Servers: exact, longest suffix, longest prefix, regular expression, default.
    (
        "server { listen {{listen}}; server_name a.test .b.test; return 200 one; }
         server { listen {{listen}} default_server; server_name *.a.test; return 200 two; }
         server { listen {{listen}}; server_name www.* ~^(?<sub>[a-z]+)[.]c[.]test$; return 200 three$sub; }
         server { listen {{listen}}; server_name b.test *.x.a.test; return 200 four; }",
        &[
            ("http://A.test/", "200 one"),
            ("http://a.test.:80/", "200 one"),
            ("http://b.test/", "200 one"),
            ("http://x.b.test/", "200 one"),
            ("http://x.a.test/", "200 two"),
            ("http://y.x.a.test/", "200 four"),
            ("http://www.c.test/", "200 three"),
            ("http://sub.c.test/", "200 threesub"),
            ("http://other/", "200 two"),
        ],
    ),
];

#[test]
fn fixed_requests_go_where_nginx_sends_them() {
    let world = World::new();
    let mut wrong = Vec::new();
    for (configuration, cases) in FIXED {
        let asked: Vec<Asked> = cases.iter().map(|(request, _)| Asked::of(request)).collect();
        let (running, port, text) = start(&world, configuration).unwrap_or_else(|problem| panic!("{problem}"));
        let answers = ask(port.address(), &asked).unwrap_or_else(|problem| panic!("{problem}"));
        let predictions = predicted::predict(&world, &text, port.address(), &asked);
        running.stop().unwrap_or_else(|problem| panic!("{problem}"));
        for (((request, expected), answer), (prediction, _)) in cases.iter().zip(answers).zip(predictions) {
            let expected = expected.replace("LISTEN", &format!("http://{}", port.address()));
            let (said, predicted) = (answer.in_short(), prediction.map(|prediction| prediction.in_short()));
            if said != expected || predicted.as_ref() != Some(&expected) {
                wrong.push(format!("{request}: expected {expected}\n  nginx:     {said}\n  predicted: {predicted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever stands in a configuration, the way of a request has an end.
#[test]
fn every_way_has_an_end() {
    let requests = ["/", "/index.php", "/a/b/../%2e%2e/%zz", "/static/a.css?v=1", "/api/v1/users/", "*", ""];
    let files =
        walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")).into_iter().filter_map(Result::ok);
    let mut count = 0;
    for file in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "conf")) {
        let tree = predicted::load(file.path());
        let outermost = outermost_context(&tree.files[0]);
        let model = Model::new(&tree, outermost, Profile::default());
        let names = model.servers(Family::Http).filter_map(|server| server.directive("server_name")?.argument(0));
        let host = names.map(str::to_owned).next().unwrap_or_default();
        for (target, port) in
            requests.iter().flat_map(|target| [(target, Some(80)), (target, Some(443)), (target, None)])
        {
            let asked = Asked { target: (*target).to_owned(), ..Asked::of("/") };
            let mut request = predicted::request(&asked, None);
            request.headers[0].1.clone_from(&host);
            request.port = port;
            request.secure = port == Some(443);
            count += model.route(&request).steps.len();
        }
    }
    assert!(count > 1_000, "{count} steps are few");
    let cycle = "map $uri $a { default $b$b; } map $uri $b { volatile; default $a$a; }
        server { listen 80; location / { rewrite ^ /$a; try_files $uri $uri/ $uri.html $uri; } }";
    let nested = format!("server {{ listen 80; {}{} }}", "location / {".repeat(5_000), "}".repeat(5_000));
    for text in [cycle, &nested] {
        let mut memory = Memory::default();
        memory.insert("/nginx.conf", format!("events {{}} http {{ {text} }}"));
        let entry = Path::new("/nginx.conf");
        let tree = tree::load(&memory, entry, &Places::of_entry(entry, entry)).expect("the entry is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let route = model.route(&predicted::request(&Asked::of("/a"), None));
        assert!(!route.steps.is_empty());
    }
}

/// The requests that nginx answers in another way than predicted.
fn compare(world: &World, configuration: &str, requests: &[Asked]) -> Result<Vec<String>, String> {
    let (running, port, text) = start(world, configuration)?;
    let answers = ask(port.address(), requests)?;
    let predictions = predicted::predict(world, &text, port.address(), requests);
    let log = running.stop()?;
    let mut wrong = Vec::new();
    for ((asked, answer), (prediction, way)) in requests.iter().zip(answers).zip(predictions) {
        let same = prediction.as_ref().is_some_and(|prediction| prediction.agrees_with(&answer));
        if !same {
            wrong.push(format!(
                "{} {} {:?}\n  nginx:     {answer:?}\n  predicted: {prediction:?}\n{way}",
                asked.method, asked.target, asked.headers
            ));
        }
    }
    if !wrong.is_empty() && std::env::var_os("NGINX_LINT_ROUTES_SHOW").is_some() {
        wrong.push(format!("{text}\n{log}"));
    }
    Ok(wrong)
}
