//! What the model says is in force, and what a running nginx does: every
//! directive whose lists are replaced, or that is not inherited, as far as it
//! can be seen from outside; and some of which the inner value counts.
//!
//! Each directive has a server of its own with the same places in it. Each of
//! its lines has a mark, and whoever looks at an answer can tell which marks
//! are in force. These must be the marks of the lines that the model names.

mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::thread;

use nginx_lint::catalog::{Context, Version};
use nginx_lint::model::{Block, Model, Profile};
use nginx_lint::tree::{self, Memory, Places};

use support::backends::Backend;
use support::client::ask_in_order;
use support::nginx::{Setup, installed};
use support::port::Port;
use support::schema::Kind;

/// Where a line stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Http,
    Server,
    /// `location /own/`.
    Own,
    /// An `if` in it.
    If,
    /// A `limit_except` in it.
    Except,
    /// A location in it.
    Over,
}

use Level::{Except, Http, If, Over, Own, Server};

/// Where a request goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// A location that says nothing.
    Plain,
    Own,
    /// In an `if` that says nothing.
    EmptyIf,
    /// In an `if` with a line.
    OwnIf,
    /// A method that `limit_except` is about.
    Excepted,
    /// A location in `/own/` that says nothing.
    Nested,
    /// A location in `/own/` with a line.
    Over,
}

/// How a mark is seen.
#[derive(Clone, Copy, Debug)]
enum Seen {
    /// It is in the answer.
    There,
    /// It is not in the answer.
    Gone,
    /// A request that names the mark is answered with this text.
    Asked(&'static str),
    /// A request that names the mark is answered without this text.
    AskedWithout(&'static str),
    /// The second such request is answered with this text.
    AskedTwice(&'static str),
}

/// A directive and how to see it.
struct Case {
    /// The directive; also the name of its server.
    name: &'static str,
    /// Where its lines stand, what they are, and their marks; a line without a
    /// mark cannot be seen.
    lines: Vec<(Level, String, String)>,
    /// What every location has, behind its own line.
    setup: &'static str,
    /// What the server has.
    server: &'static str,
    /// What follows the location's own part of the path.
    path: &'static str,
    seen: Seen,
    /// Places that cannot be looked at.
    without: &'static [Place],
}

/// What a proxied location needs.
const ECHO: &str = "proxy_pass http://<echo>/;";
const COOKIE: &str = "proxy_pass http://<origin>/cookie;";
const ORIGIN: &str = "proxy_pass http://<origin>/;";
const CACHED: &str = "proxy_pass http://<origin>/; proxy_cache z; proxy_cache_key $host$request_uri$request_method; \
                      proxy_cache_methods POST; add_header X-Cache $upstream_cache_status always;";
/// Answers with the media type `text/…` that the request names.
const TYPED: &str = "proxy_pass http://<origin>/t.;";

const ALL: [Level; 4] = [Http, Server, Own, Over];
const BELOW_HTTP: [Level; 3] = [Server, Own, Over];

/// A case whose lines are equal but for the mark, written `@`.
fn case(name: &'static str, levels: &[Level], line: &str, setup: &'static str, seen: Seen) -> Case {
    let lines = levels.iter().map(|level| {
        let mark = format!("{}-{level:?}", name.replace('_', "")).to_lowercase();
        (*level, line.replace('@', &mark).replace('%', &mark.replace('-', "_")), mark)
    });
    Case { lines: lines.collect(), ..fixed(name, &[], setup, seen) }
}

/// A case whose lines and marks are all different.
fn fixed(name: &'static str, lines: &[(Level, &str, &str)], setup: &'static str, seen: Seen) -> Case {
    let lines = lines.iter().map(|(level, line, mark)| (*level, (*line).to_owned(), (*mark).to_owned()));
    Case { name, lines: lines.collect(), setup, server: "", path: "", seen, without: &[] }
}

#[rustfmt::skip] // a table
fn cases() -> Vec<Case> {
    use Seen::{Asked, AskedTwice, AskedWithout, Gone, There};
    let posts: &[Place] = &[Place::Excepted];
    let and_if = |levels: &[Level]| [levels, &[If]].concat();
    vec![
        // What is sent to the server behind.
        case("proxy_set_header", &ALL, "proxy_set_header X-Mark @;", ECHO, There),
        fixed("proxy_method", &[(Server, "proxy_method PUT;", "PUT /"), (Own, "proxy_method PATCH;", "PATCH /"), (Over, "proxy_method DELETE;", "DELETE /")], ECHO, There),
        fixed("proxy_set_body", &[(Server, "proxy_set_body 1;", "Content-Length: 1\n"), (Own, "proxy_set_body 22;", "Content-Length: 2\n"), (Over, "proxy_set_body 333;", "Content-Length: 3\n")], ECHO, There),
        fixed("proxy_http_version", &[(Server, "proxy_http_version 1.1;", " HTTP/1.1\n"), (Own, "proxy_http_version 1.0;", " HTTP/1.0\n")], ECHO, There),
        case("fastcgi_param", &ALL, "fastcgi_param X_MARK @;", "fastcgi_pass <fastcgi>;", There),
        case("scgi_param", &ALL, "scgi_param X_MARK @;", "scgi_pass <raw>;", There),
        case("uwsgi_param", &ALL, "uwsgi_param X_MARK @;", "uwsgi_pass <raw>;", There),

        // What comes back from there.
        case("proxy_hide_header", &ALL, "proxy_hide_header X-@;", ORIGIN, Gone),
        case("scgi_hide_header", &ALL, "scgi_hide_header X-@;", "scgi_pass <raw>;", Gone),
        case("uwsgi_hide_header", &ALL, "uwsgi_hide_header X-@;", "uwsgi_pass <raw>;", Gone),
        fixed("proxy_pass_header", &[(Http, "proxy_pass_header X-Pad;", "X-Pad: "), (Server, "proxy_pass_header X-Accel-Charset;", "X-Accel-Charset: "), (Own, "proxy_pass_header X-Accel-Buffering;", "X-Accel-Buffering: "), (Over, "proxy_pass_header X-Accel-Limit-Rate;", "X-Accel-Limit-Rate: ")], "proxy_pass http://<origin>/hidden;", There),
        case("proxy_redirect", &ALL, "proxy_redirect http://old.example/ http://@/;", "proxy_pass http://<origin>/moved;", There),
        case("proxy_cookie_path", &ALL, "proxy_cookie_path /old /@;", COOKIE, There),
        case("proxy_cookie_domain", &ALL, "proxy_cookie_domain old.example @;", COOKIE, There),
        fixed("proxy_cookie_flags", &[(Http, "proxy_cookie_flags c secure;", "; Secure"), (Server, "proxy_cookie_flags c httponly;", "; HttpOnly"), (Own, "proxy_cookie_flags c samesite=lax;", "; SameSite=Lax"), (Over, "proxy_cookie_flags c samesite=strict;", "; SameSite=Strict")], COOKIE, There),
        case("proxy_cache_bypass", &ALL, "proxy_cache_bypass $%;", CACHED, Asked("X-Cache: BYPASS")),
        Case { server: "proxy_cache_valid 1m;", ..case("proxy_no_cache", &ALL, "proxy_no_cache $%;", CACHED, AskedTwice("X-Cache: MISS")) },
        fixed("proxy_cache_valid", &[(Http, "proxy_cache_valid 404 1m;", "404"), (Server, "proxy_cache_valid 201 1m;", "201"), (Own, "proxy_cache_valid 403 1m;", "403"), (Over, "proxy_cache_valid 410 1m;", "410")], CACHED, AskedTwice("X-Cache: HIT")),
        // proxy_store switches proxy_cache off.
        Case { server: NEW_KEYS, ..fixed("proxy_cache", &[(Server, "proxy_cache z;", "X-Cache: MISS"), (Own, "proxy_store off;", "")], ORIGIN, There) },
        Case { server: NEW_KEYS, ..fixed("proxy_cache", &[(Server, "proxy_cache z;", "X-Cache: MISS"), (Own, "proxy_store stored/$request_id;", "")], ORIGIN, There) },

        // What is sent to the client.
        case("add_header", &and_if(&ALL), "add_header X-Mark @;", ECHO, There),
        Case { without: posts, ..case("add_trailer", &and_if(&ALL), "add_trailer X-Mark @;", "return 200 text;", There) },
        fixed("expires", &[(Http, "expires 1h;", "max-age=3600\r"), (Server, "expires 2h;", "max-age=7200\r"), (Own, "expires 3h;", "max-age=10800\r"), (If, "expires 4h;", "max-age=14400\r"), (Over, "expires 5h;", "max-age=18000\r")], ECHO, There),
        Case { server: "sub_filter_types *;", ..case("sub_filter", &ALL, "sub_filter needle @;", ORIGIN, There) },
        Case { server: "sub_filter needle found;", ..case("sub_filter_types", &BELOW_HTTP, "sub_filter_types text/@;", TYPED, Asked("found")) },
        Case { server: "charset utf-8;", ..case("charset_types", &ALL, "charset_types text/@;", TYPED, Asked("charset=utf-8")) },
        Case { server: "add_after_body /pages/added;", ..case("addition_types", &ALL, "addition_types text/@;", TYPED, Asked("page added")) },
        Case { server: "ssi on;", ..case("ssi_types", &ALL, "ssi_types text/@;", TYPED, AskedWithout("<!--#")) },
        Case { server: "gzip on; gzip_min_length 0; gzip_proxied any;", ..case("gzip_types", &ALL, "gzip_types text/@;", TYPED, Asked("Content-Encoding: gzip")) },
        Case { server: "gzip on; gzip_min_length 0; gzip_proxied any; gzip_types text/plain;", ..case("gzip_disable", &BELOW_HTTP, "gzip_disable @;", ORIGIN, AskedWithout("Content-Encoding: gzip")) },
        Case { without: posts, ..case("error_page", &and_if(&ALL), "error_page 404 /pages/@;", "return 404;", There) },
        Case { path: "file.txt", server: "root files/types;", without: posts, ..fixed("types", &[(Server, "types { text/a txt; }", "text/a\r"), (Own, "types { text/b txt; }", "text/b\r"), (Over, "types { text/c txt; }", "text/c\r")], "", There) },

        // Files.
        Case { server: "root files/index;", without: posts, ..case("index", &ALL, "index @;", "", There) },
        Case { path: "file.txt", without: posts, ..fixed("root", &[(Http, "root files/root-http;", "root-http"), (Server, "root files/root-server;", "root-server"), (Own, "alias files/alias-own/;", "alias-own"), (If, "root files/root-if;", "root-if"), (Over, "root files/root-over;", "root-over")], "", There) },

        // Who may.
        fixed("allow", &[(Server, "deny all;", "403 Forbidden"), (Own, "allow 127.0.0.1;", "200 OK"), (Except, "deny 127.0.0.1;", "403 Forbidden"), (Over, "deny 127.0.0.1;", "403 Forbidden")], ECHO, There),
        Case { server: "add_header X-Invalid \"$invalid_referer.\";", ..case("valid_referers", &BELOW_HTTP, "valid_referers @.example;", ECHO, Asked("X-Invalid: .")) },
        Case { server: "modern_browser unlisted; add_header X-Ancient \"$ancient_browser.\";", ..case("ancient_browser", &ALL, "ancient_browser @;", ECHO, Asked("X-Ancient: 1.")) },
        case("limit_req", &ALL, "limit_req zone=%;", ECHO, AskedTwice("503 Service")),
        Case { server: "auth_request /pages/allowed; add_header X-Set $set_by_auth;", ..case("auth_request_set", &ALL, "auth_request_set $set_by_auth @;", ECHO, There) },
        Case { server: "add_header X-Client \"client $remote_addr\";", ..fixed("set_real_ip_from", &[(Own, "set_real_ip_from 127.0.0.1;", "client 10.1.1.1"), (Over, "set_real_ip_from 10.0.0.0/8;", "")], ECHO, There) },
        fixed("internal", &[(Own, "internal;", "404 Not Found")], ECHO, There),

        // What is not inherited.
        Case { server: "root files/index;", without: posts, ..case("try_files", &BELOW_HTTP, "try_files /missing /pages/@;", "", There) },
        // Not in an "if": what the location says is carried out, too.
        Case { without: &[Place::EmptyIf], ..case("return", &[Own, Over], "return 200 @;", "", There) },
        fixed("proxy_pass", &[(Own, "proxy_pass http://<echo>/;", "echo: "), (If, "proxy_pass http://<origin>;", "needle")], "", There),
        fixed("fastcgi_pass", &[(Own, "fastcgi_pass <fastcgi>;", "fastcgi: "), (If, "fastcgi_pass <closed>;", "502 Bad")], "", There),
        fixed("scgi_pass", &[(Own, "scgi_pass <raw>;", "raw: "), (If, "scgi_pass <closed>;", "502 Bad")], "", There),
        fixed("uwsgi_pass", &[(Own, "uwsgi_pass <raw>;", "raw: "), (If, "uwsgi_pass <closed>;", "502 Bad")], "", There),
        fixed("grpc_pass", &[(Own, "grpc_pass <closed>;", "502 Bad"), (If, "grpc_pass <raw>;", "502 Bad")], "", There),
        Case { server: "set $memcached_key key;", ..fixed("memcached_pass", &[(Own, "memcached_pass <closed>;", "502 Bad"), (If, "memcached_pass <raw>;", "502 Bad")], "", There) },
        fixed("empty_gif", &[(Own, "empty_gif;", "image/gif")], "", There),
        fixed("stub_status", &[(Own, "stub_status;", "Active connections")], "", There),
    ]
}

/// Nothing is found in the cache.
const NEW_KEYS: &str = "proxy_cache_valid 1m; proxy_cache_key $request_id; proxy_cache_methods POST; \
                        add_header X-Cache $upstream_cache_status;";

/// Names of a slot where they are not all that of the case.
fn names(case: &Case) -> Vec<&str> {
    match case.name {
        "root" => vec!["root", "alias"],
        "allow" => vec!["allow", "deny"],
        name => vec![name],
    }
}

/// A configuration of all cases.
struct Configuration<'c> {
    cases: &'c [Case],
    /// What stands in `http {}`.
    text: String,
    /// Of each case, the offset of each line in the text, and its mark.
    marks: Vec<Vec<(usize, &'c str)>>,
}

impl<'c> Configuration<'c> {
    fn new(cases: &'c [Case]) -> Configuration<'c> {
        let mut configuration = Configuration { cases, text: String::new(), marks: vec![Vec::new(); cases.len()] };
        configuration.push("map_hash_bucket_size 128; types { text/plain txt; } default_type text/plain;");
        configuration.push("proxy_cache_path cache keys_zone=z:1m;");
        for (index, case) in cases.iter().enumerate() {
            configuration.push_lines(index, Http);
            for (_, line, mark) in case.lines.iter().filter(|(_, _, mark)| uses_variable(case, mark)) {
                let name = variable(mark);
                configuration.push(&format!("map $arg_m ${name} {{ {mark} $host$uri$arg_if$request_method; }}"));
                if line.starts_with("limit_req ") {
                    configuration.push(&format!("limit_req_zone ${name} zone={name}:1m rate=1r/m;"));
                }
            }
        }
        for index in 0..cases.len() {
            configuration.push_server(index);
        }
        configuration.push_origin();
        configuration
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn push_lines(&mut self, index: usize, level: Level) {
        let case = &self.cases[index];
        for (_, line, mark) in case.lines.iter().filter(|(at, ..)| *at == level) {
            self.marks[index].push((self.text.len(), mark));
            self.push(line);
        }
    }

    /// The places of a case.
    fn push_server(&mut self, index: usize) {
        let case = &self.cases[index];
        self.push(&format!("server {{ listen <listen>; server_name {}; {}", host(index), case.server));
        self.push_lines(index, Server);
        self.push("location /pages/ { auth_request off; allow all; return 200 \"page $uri\"; }");
        self.push("location = /pages/added { return 200 \"page added\"; }");
        self.push("location = /pages/allowed { internal; auth_request off; return 204; }");
        self.push(&format!("location /plain/ {{ {} }}", case.setup));
        self.push("location /own/ {");
        self.push_lines(index, Own);
        // The last "if" that is true is the one that counts.
        self.push("if ($arg_if = empty) { set $unused 1; }");
        self.push("if ($arg_if = own) {");
        self.push_lines(index, If);
        self.push("}");
        self.push("limit_except GET {");
        self.push_lines(index, Except);
        self.push("}");
        self.push(case.setup);
        self.push(&format!("location /own/nested/ {{ {} }}", case.setup));
        self.push("location /own/over/ {");
        self.push_lines(index, Over);
        self.push(&format!("{} }} }} }}", case.setup));
    }

    /// The server that others pass requests to.
    fn push_origin(&mut self) {
        let typed = self.marks_of("_types").map(|mark| format!("text/{mark} {mark};")).collect::<String>();
        let headers = self.marks_of("_hide_header").map(|mark| format!("add_header X-{mark} 1;")).collect::<String>();
        let statuses =
            ["201", "403", "404", "410"].map(|status| format!("location = /{status} {{ return {status}; }}"));
        self.push(&format!("server {{ listen <origin>; expires off; types {{ {typed} }} {headers}"));
        self.push("location = /cookie { add_header Set-Cookie \"c=1; Path=/old; Domain=old.example\"; return 200 x; }");
        self.push("location / { return 200 \"needle <!--# echo var='uri' -->\"; }");
        self.push("location = /moved { return 302 http://old.example/page; }");
        self.push("location = /hidden { add_header X-Pad 1; add_header X-Accel-Charset utf-8;");
        self.push("add_header X-Accel-Buffering yes; add_header X-Accel-Limit-Rate 0; return 200 hidden; }");
        self.push(&statuses.concat());
        self.push("}");
    }

    /// The marks of all cases whose names end like this.
    fn marks_of(&self, end: &str) -> impl Iterator<Item = String> + use<'c> {
        let end = end.to_owned();
        let cases = self.cases.iter().filter(move |case| case.name.ends_with(&end));
        cases
            .flat_map(|case| case.lines.iter().map(|(_, _, mark)| mark.replace("text/", "")))
            .filter(|mark| mark.len() > 4)
    }
}

fn host(index: usize) -> String {
    format!("case{index}.example")
}

fn variable(mark: &str) -> String {
    mark.replace('-', "_")
}

fn uses_variable(case: &Case, mark: &str) -> bool {
    case.lines.iter().any(|(_, line, _)| line.contains(&variable(mark)))
        && mark.contains('-')
        && !case.lines.iter().any(|(_, line, _)| line.contains(mark))
}

/// The files that are served: each says what it is.
fn files(cases: &[Case]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for place in ["plain", "own", "own/nested", "own/over"] {
        files.push((format!("files/types/{place}/file.txt"), "text".to_owned()));
        files.push((format!("files/index/{place}/index.html"), "default".to_owned()));
        for (_, _, mark) in cases.iter().filter(|case| case.name == "index").flat_map(|case| &case.lines) {
            files.push((format!("files/index/{place}/{mark}"), mark.clone()));
        }
        for root in ["root-http", "root-server", "root-if", "root-over"] {
            files.push((format!("files/{root}/{place}/file.txt"), root.to_owned()));
        }
    }
    for place in ["", "nested/", "over/"] {
        files.push((format!("files/alias-own/{place}file.txt"), "alias-own".to_owned()));
    }
    files
}

impl Place {
    const ALL: [Place; 7] =
        [Place::Plain, Place::Own, Place::EmptyIf, Place::OwnIf, Place::Excepted, Place::Nested, Place::Over];

    fn exists_in(self, case: &Case) -> bool {
        let has = |level: Level| case.lines.iter().any(|(at, ..)| *at == level);
        !case.without.contains(&self) && (self != Place::OwnIf || has(If))
    }

    fn request(self, host: &str, path: &str, mark: &str) -> Vec<u8> {
        let method = if self == Place::Excepted { "POST" } else { "GET" };
        let (location, branch) = match self {
            Place::Plain => ("/plain/", ""),
            Place::Own | Place::Excepted => ("/own/", ""),
            Place::EmptyIf => ("/own/", "empty"),
            Place::OwnIf => ("/own/", "own"),
            Place::Nested => ("/own/nested/", ""),
            Place::Over => ("/own/over/", ""),
        };
        format!(
            "{method} {location}{path}?if={branch}&m={mark} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Referer: http://{mark}.example/\r\nUser-Agent: {mark}\r\nX-Real-IP: 10.1.1.1\r\n\
             Accept-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    fn block<'m>(self, server: Block<'m>) -> Block<'m> {
        let child = |outer: Block<'m>, name: &str, argument: &str| {
            let mut found =
                outer.directives(name).filter(|it| argument.is_empty() || it.arguments().any(|own| own == argument));
            found.next().and_then(|directive| directive.block()).expect("the place is there")
        };
        let own = child(server, "location", "/own/");
        match self {
            Place::Plain => child(server, "location", "/plain/"),
            Place::Own => own,
            Place::EmptyIf => child(own, "if", "empty)"),
            Place::OwnIf => child(own, "if", "own)"),
            Place::Excepted => child(own, "limit_except", ""),
            Place::Nested => child(own, "location", "/own/nested/"),
            Place::Over => child(own, "location", "/own/over/"),
        }
    }
}

/// The marks of a case that are in force for real.
fn observe(address: SocketAddr, case: &Case, host: &str, place: Place) -> BTreeSet<String> {
    let marks = case.lines.iter().map(|(_, _, mark)| mark).filter(|mark| !mark.is_empty());
    let ask = |path: &str, mark: &str, times: usize| {
        let requests = vec![place.request(host, path, mark); times];
        let answers =
            ask_in_order(address, &requests).unwrap_or_else(|error| panic!("{} at {place:?}: {error}", case.name));
        answers.into_iter().next_back().map(|answer| answer.text).unwrap_or_default()
    };
    match case.seen {
        Seen::There | Seen::Gone => {
            let answer = ask(case.path, "probe", 1);
            assert!(!answer.is_empty(), "{} at {place:?}: no answer", case.name);
            let there = matches!(case.seen, Seen::There);
            marks.filter(|mark| answer.contains(mark.as_str()) == there).cloned().collect()
        }
        Seen::Asked(text) => marks.filter(|mark| ask(mark, mark, 1).contains(text)).cloned().collect(),
        Seen::AskedWithout(text) => marks.filter(|mark| !ask(mark, mark, 1).contains(text)).cloned().collect(),
        Seen::AskedTwice(text) => marks.filter(|mark| ask(mark, mark, 2).contains(text)).cloned().collect(),
    }
}

/// Answers SCGI and uwsgi with what it was sent, and many headers. It ends
/// with the test.
fn start_raw(headers: String) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = vec![0; 64 * 1024];
            let Ok(length) = stream.read(&mut request) else { continue };
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            // nginx may have gone away, which it may.
            let _ = write!(stream, "Status: 200 OK\r\nContent-Type: text/plain\r\n{headers}\r\nraw: {request}");
        }
    });
    address
}

#[test]
fn nginx_does_what_is_said_to_be_in_force() {
    let installed = installed().expect("an nginx");
    let cases = cases();
    let configuration = Configuration::new(&cases);

    let echo = Backend::start("echo", Kind::Http).expect("a backend");
    let fastcgi = Backend::start("fastcgi", Kind::FastCgi).expect("a backend");
    let closed = Backend::start("closed", Kind::Closed).expect("a backend");
    let (listen, origin) = (Port::reserve().expect("a port"), Port::reserve().expect("a port"));
    let raw = start_raw(configuration.marks_of("_hide_header").map(|mark| format!("X-{mark}: 1\r\n")).collect());
    let addresses = [
        ("<listen>", listen.address()),
        ("<origin>", origin.address()),
        ("<echo>", echo.address()),
        ("<fastcgi>", fastcgi.address()),
        ("<closed>", closed.address()),
        ("<raw>", raw),
    ];
    let http = addresses
        .iter()
        .fold(configuration.text.clone(), |text, (name, address)| text.replace(name, &address.to_string()));
    let files = files(&cases);
    let files = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let setup = Setup { http: Some(&http), files, ..Setup::default() };
    let running = installed.prepare(&setup).expect("written").start().unwrap_or_else(|log| panic!("nginx: {log}"));

    // The names of the addresses stay: their offsets are known.
    let before = "events {} http {\n";
    let mut memory = Memory::default();
    memory.insert("nginx.conf", format!("{before}{}}}\n", configuration.text));
    let entry = Path::new("nginx.conf");
    let tree = tree::load(&memory, entry, &Places::of_entry(entry, Path::new("/nginx.conf"))).expect("it is in memory");
    let version = installed.version.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let version: Version = version.parse().expect("a version");
    let model = Model::new(&tree, Context::Main, Profile::of_version(Some(version)));

    let mut wrong = Vec::new();
    let mut compared = 0;
    for (index, case) in cases.iter().enumerate() {
        let slot = model.slot(case.name).expect("nginx has it");
        let is_it = |block: &Block<'_>| block.directives("server_name").any(|name| name.has_flag(&host(index)));
        let server = model.blocks().filter(|block| block.is(Context::Server)).find(is_it).expect("the server");
        for place in Place::ALL.into_iter().filter(|place| place.exists_in(case)) {
            let in_force = slot.in_force(place.block(server)).directives;
            assert!(in_force.iter().all(|directive| names(case).contains(&directive.name())), "{}", case.name);
            let mark_of = |offset: usize| configuration.marks[index].iter().find(|(at, _)| at + before.len() == offset);
            let said: BTreeSet<String> = in_force
                .iter()
                .filter_map(|directive| mark_of(directive.place().location.span.start as usize))
                .map(|(_, mark)| (*mark).to_owned())
                .filter(|mark| !mark.is_empty())
                .collect();
            let seen = observe(listen.address(), case, &host(index), place);
            compared += 1;
            if said != seen {
                wrong.push(format!("{} at {place:?}: said {said:?}, seen {seen:?}", case.name));
            }
        }
    }
    let log = running.stop().expect("it stops");
    assert!(wrong.is_empty(), "{} of {compared} places:\n{}\n{log}", wrong.len(), wrong.join("\n"));
    assert!(compared > 250, "{compared}");
}
