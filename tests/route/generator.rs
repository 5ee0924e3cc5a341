//! Configurations and requests by chance, the same for the same seed.

/// Chance that can be repeated (xorshift).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    /// A target, with a method in front or for GET.
    pub fn of(request: &str) -> Asked {
        let (method, target) = request.split_once(' ').unwrap_or(("GET", request));
        let mut headers =
            vec![("Host".to_owned(), "127.0.0.1".to_owned()), ("Connection".to_owned(), "close".to_owned())];
        if method == "POST" {
            headers.push(("Content-Length".to_owned(), "0".to_owned()));
        }
        Asked { method: method.to_owned(), target: target.to_owned(), headers }
    }
}

/// A configuration inside `http {}`: `{{listen}}`, `{{one}}`, `{{two}}` are
/// addresses, `{{root}}` a directory.
pub fn configuration(seed: u64) -> String {
    let mut writer = Writer { chance: Chance::new(seed), text: String::new(), next: 0, named: Vec::new() };
    writer.http();
    writer.text
}

/// Requests for it.
pub fn requests(seed: u64, count: usize) -> Vec<Asked> {
    let mut chance = Chance::new(seed ^ 0xABCD_EF01);
    (0..count).map(|_| request(&mut chance)).collect()
}

const SERVER_NAMES: [&str; 16] = [
    "a.example.com",
    "A.Example.COM",
    ".example.com",
    "*.example.com",
    "*.a.example.com",
    "b.test",
    "*.b.test",
    ".b.test",
    "www.*",
    "www.b.*",
    "\"~^(?<sub>[a-z]+)\\.reg\\.test$\"",
    "~^x\\d+\\.",
    "~REG",
    "\"\"",
    "_",
    "localhost",
];

const HOSTS: [&str; 20] = [
    "a.example.com",
    "A.EXAMPLE.com",
    "a.example.com:8080",
    "a.example.com.",
    "a.example.com.:80",
    "x.a.example.com",
    "example.com",
    "www.example.com",
    "b.test",
    "x.b.test",
    "x.y.b.test",
    "www.b.test",
    "www.b.c.d",
    "www",
    "sub.reg.test",
    "sub1.reg.test",
    "x12.foo",
    "localhost",
    "127.0.0.1:80",
    "[::1]:8080",
];

const PATTERNS: [&str; 22] = [
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/b/",
    "/ab",
    "/b",
    "/b/",
    "/b/c/",
    "/b/c",
    "/c/",
    "/img/",
    "\"/a b/\"",
    "/é/",
    "/a/b/c/",
    "/x.php",
    "/A/",
    "/b/c/d/",
    "/a/%",
    "/i",
    "/dir/",
    "/c",
];

const REGEXES: [&str; 16] = [
    "^/a/(.*)$",
    "\\.(php|html)$",
    "/b",
    "\"^/(?<first>[^/]+)/(?<rest>.*)$\"",
    "^/A",
    "c/?$",
    "\\.php(/|$)",
    "^/a(/|$)",
    "//",
    "\"[ é+]\"",
    "^/([ab])/([^/]*)/?(.*)$",
    "%",
    "^/img/(?<image>\\w+)",
    "d",
    "/(?<tail>[^/]*)$",
    "^/(b|c)/",
];

const TEXTS: [&str; 20] = [
    "$uri",
    "$uri$is_args$args",
    "$request_uri",
    "u=$uri a=$args",
    "$1-$2-$3",
    "$first:$rest",
    "$host $http_host",
    "$m1 $m2 $m3",
    "$m4$1",
    "$arg_q$arg_X",
    "$http_x_test",
    "$cookie_c",
    "$sub $server_name",
    "$v1,$v2",
    "$scheme://$host$uri",
    "${uri}x",
    "$document_uri?$query_string",
    "$request_method $request",
    "$image $tail $document_root",
    "$server_port $server_protocol $request_filename",
];

struct Writer {
    chance: Chance,
    text: String,
    next: usize,
    named: Vec<String>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn mark(&mut self) {
        self.next += 1;
        let line = format!("add_header X-Where w{} always;", self.next);
        self.line(&line);
    }

    fn http(&mut self) {
        self.line("map $uri $m1 { default d; /a x; /A/ y; ~^/b/(?<inmap>.*)$ m$inmap; ~*c/(.*) z$1; }");
        self.line("map $arg_q $m2 { 1 one; A letter; '' none; ~^(\\w)(\\w) $2$1; }");
        self.line("map $host $m3 { hostnames; .example.com e; *.b.test f; www.* g; default $host; }");
        self.line("map $uri$args $m4 { volatile; default $args; ~b(.)(.) $2$1; }");
        self.line("upstream group { server {{one}}; }\nupstream Other { server {{two}}; }");
        self.line("root {{root}};");
        self.line("variables_hash_bucket_size 128;");
        if self.chance.one_in(8) {
            self.line("port_in_redirect off;");
        }
        if self.chance.one_in(8) {
            self.line("proxy_set_header X-All $host;\nproxy_set_header Host $http_host;");
        }
        let count = 1 + self.chance.below(4);
        let default = if self.chance.one_in(2) { self.chance.below(count) } else { usize::MAX };
        for index in 0..count {
            self.server(index == default);
        }
    }

    fn server(&mut self, default: bool) {
        self.named.clear();
        self.line("server {");
        self.line(if default { "listen {{listen}} default_server;" } else { "listen {{listen}};" });
        for _ in 0..self.chance.below(4) {
            let name = self.chance.of(&SERVER_NAMES);
            self.line(&format!("server_name {name};"));
        }
        // Captures and variables have to exist somewhere.
        self.line(
            "if ($uri ~ \"^/never/(?<sub>x)(?<first>x)(?<rest>x)(?<image>x)(?<tail>x)$\") { set $v1 x; set $v2 x; }",
        );
        self.mark();
        if self.chance.one_in(10) {
            self.line("merge_slashes off;");
        }
        if self.chance.one_in(10) {
            let line = self.chance.of(&["server_name_in_redirect on;", "absolute_redirect off;"]);
            self.line(line);
        }
        if self.chance.one_in(5) {
            self.rewrite_module(0);
        }
        for name in ["@one", "@two"] {
            if self.chance.one_in(2) {
                self.named.push(name.to_owned());
            }
        }
        if self.chance.one_in(5) {
            self.error_page();
        }
        self.locations("", false, 0);
        for name in self.named.clone() {
            self.line(&format!("location {name} {{"));
            self.mark();
            self.body("", Kind::Named, 3);
            self.line("}");
        }
        self.line("}");
    }

    /// Several locations in a block; none of them twice.
    fn locations(&mut self, parent: &str, parent_is_regex: bool, depth: usize) {
        let mut prefixes: Vec<String> = Vec::new();
        let mut exacts: Vec<String> = Vec::new();
        let count = if depth == 0 { 2 + self.chance.below(7) } else { 1 + self.chance.below(3) };
        for _ in 0..count {
            if self.chance.below(10) < 3 || parent_is_regex {
                let regex = self.chance.of(&REGEXES);
                let modifier = self.chance.of(&["~", "~*"]);
                self.location(modifier, regex, Kind::Regex, depth);
                continue;
            }
            let pattern = self.chance.of(&PATTERNS);
            if !pattern.trim_matches('"').starts_with(parent) {
                continue;
            }
            let modifier = self.chance.of(&["", "", "", "", "=", "^~"]);
            let known = if modifier == "=" { &mut exacts } else { &mut prefixes };
            if known.iter().any(|known| known == pattern) {
                continue;
            }
            known.push(pattern.to_owned());
            let kind = if modifier == "=" { Kind::Exact } else { Kind::Prefix };
            self.location(modifier, pattern, kind, depth);
        }
    }

    fn location(&mut self, modifier: &str, pattern: &str, kind: Kind, depth: usize) {
        self.line(&format!("location {modifier} {pattern} {{"));
        self.mark();
        if self.chance.one_in(20) {
            self.line("internal;");
        }
        self.body(pattern.trim_matches('"'), kind, depth);
        if depth < 2 && kind != Kind::Exact && self.chance.one_in(4) {
            let parent = if kind == Kind::Regex { "" } else { pattern.trim_matches('"') };
            self.locations(parent, kind == Kind::Regex, depth + 1);
        }
        self.line("}");
    }

    fn body(&mut self, pattern: &str, kind: Kind, depth: usize) {
        if self.chance.one_in(8) {
            self.error_page();
        }
        if self.chance.one_in(4) {
            self.rewrite_module(depth + 1);
        }
        if self.chance.one_in(10) {
            let text = self.chance.of(&TEXTS);
            self.line(&format!("proxy_set_header X-Own \"{text}\";"));
        }
        if self.chance.one_in(15) && kind != Kind::Named {
            self.line("limit_except GET { deny all; }");
        }
        if self.chance.one_in(20) {
            let line = self.chance.of(&["deny all;", "allow all;\ndeny all;"]);
            self.line(line);
        }
        match self.chance.below(10) {
            0..=5 => self.proxy_pass(kind),
            6 => self.give_back(),
            7 => self.try_files(),
            8 if kind != Kind::Named && kind != Kind::Regex && pattern.ends_with('/') => {
                self.line("alias {{root}}/dir/;")
            }
            8 if kind == Kind::Regex => self.line("alias {{root}}/dir/$1;"),
            _ => {
                if self.chance.one_in(3) {
                    let line = self.chance.of(&[
                        "index a.html index.html;",
                        "index /a/b;",
                        "index none;",
                        "root {{root}}/dir/;",
                    ]);
                    self.line(line);
                }
            }
        }
        if self.chance.one_in(6) {
            self.condition(kind);
        }
    }

    fn error_page(&mut self) {
        let codes = self.chance.of(&["404", "403 404", "404 500 400", "405", "301", "302 303"]);
        let overwrite = self.chance.of(&["", "", "=", "=200", "=503"]);
        let named = self.named.first().cloned().unwrap_or("@missing".to_owned());
        let to = match self.chance.below(4) {
            0 => "/a/error?code=1".to_owned(),
            1 => "/b$uri".to_owned(),
            2 => "https://other.example$request_uri".to_owned(),
            _ => named,
        };
        self.line(&format!("error_page {codes} {overwrite} {to};"));
        if self.chance.one_in(5) && !self.text.ends_with("recursive_error_pages on;\n") {
            self.line("recursive_error_pages on;");
        }
    }

    /// `set`, `rewrite`, `break`, `if` without a location's directives.
    fn rewrite_module(&mut self, depth: usize) {
        for _ in 0..=self.chance.below(3) {
            match self.chance.below(8) {
                0 | 1 => self.set(),
                2..=5 => self.rewrite(),
                6 if depth > 0 => self.line("break;"),
                _ => {
                    let condition = self.chance.of(&CONDITIONS);
                    self.line(&format!("if ({condition}) {{"));
                    match self.chance.below(4) {
                        0 => self.set(),
                        1 => self.give_back(),
                        _ => self.rewrite(),
                    }
                    self.line("}");
                }
            }
        }
    }

    fn set(&mut self) {
        let name = self.chance.of(&["$v1", "$v2", "$v1", "$args"]);
        let text = self.chance.of(&TEXTS);
        self.line(&format!("set {name} \"{text}\";"));
    }

    fn rewrite(&mut self) {
        let regex = self.chance.of(&[
            "^/a/(.*)$",
            "^(.*)$",
            "^/(?<first>[^/]*)/(?<rest>.*)$",
            "b",
            "^/b(/|$)",
            "\\.php$",
            "^/([ab])/([^/]*)/?(.*)$",
            "^/c(.*)",
        ]);
        let replacement = self.chance.of(&[
            "/b/$1",
            "/$1",
            "/b/$1?x=$2",
            "/c?",
            "/a b/$1",
            "/b$uri",
            "/$rest/$first",
            "/a/?q=$arg_q&y=$1",
            "c$1",
            "https://$host/$1",
            "$scheme://other/$1?z=1",
            "/$m1/$1",
            "/$m4$1",
            "/é/$1",
            "/new%20$1",
            "/$args",
        ]);
        let flag = self.chance.of(&["", "", "last", "last", "break", "break", "redirect", "permanent"]);
        self.line(&format!("rewrite \"{regex}\" \"{replacement}\" {flag};"));
    }

    fn give_back(&mut self) {
        let text = self.chance.of(&TEXTS);
        let line = match self.chance.below(10) {
            0..=3 => format!("return 200 \"{text}\";"),
            4 => "return 301 \"/x$uri\";".to_owned(),
            5 => format!("return 302 \"https://${{host}}{text}\";"),
            6 => "return 404;".to_owned(),
            7 => format!("return 403 \"{text}\";"),
            8 => self
                .chance
                .of(&["return 204;", "return 444;", "return 503;", "return https://x.example;", "return 405;"])
                .to_owned(),
            _ => "return 307 $uri;".to_owned(),
        };
        self.line(&line);
    }

    fn proxy_pass(&mut self, kind: Kind) {
        if self.chance.one_in(12) {
            self.line("fastcgi_pass {{three}};\nfastcgi_index i.php;\nfastcgi_param QUERY_STRING $query_string;");
            self.line("fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\nfastcgi_param PATH_INFO $fastcgi_path_info;");
            self.line("fastcgi_param DOCUMENT_URI $document_uri;\nfastcgi_param EMPTY $arg_q if_not_empty;");
            if self.chance.one_in(2) {
                self.line("fastcgi_split_path_info ^(.*\\.php)(.*)$;");
            }
            return;
        }
        let with_uri = ["/", "/new/", "/new", "/x?y=z", "?q", "/a%20b/", "/é"];
        let host = self.chance.of(&["{{one}}", "{{two}}", "group", "other", "OTHER"]);
        let variables = [
            "$uri",
            "$request_uri",
            "/$1",
            "$uri$is_args$args",
            "/v/$v1",
            "/$2?$1",
            "$document_uri",
            "?$args",
            "/${m2}x",
        ];
        let uri = match self.chance.below(10) {
            0..=3 => "",
            4..=7 if matches!(kind, Kind::Prefix | Kind::Exact) => self.chance.of(&with_uri),
            4..=7 => "",
            _ => self.chance.of(&variables),
        };
        if self.chance.one_in(12) {
            self.line(&format!("set $backend {host};\nproxy_pass http://$backend{uri};"));
        } else {
            self.line(&format!("proxy_pass http://{host}{uri};"));
        }
        if self.chance.one_in(15) {
            self.line("proxy_http_version 1.1;");
        }
        if self.chance.one_in(20) {
            self.line("proxy_method POST;");
        }
    }

    fn try_files(&mut self) {
        let files = self.chance.of(&["$uri", "$uri $uri/", "$uri.html", "/dir$uri /a", "$uri/", "/none", "$1"]);
        let named = self.named.first().cloned().unwrap_or("@missing".to_owned());
        let last = match self.chance.below(5) {
            0 => "=404".to_owned(),
            1 => "/b/?$args".to_owned(),
            2 => "$uri/".to_owned(),
            3 => "/index.html".to_owned(),
            _ => named,
        };
        self.line(&format!("try_files {files} {last};"));
    }

    /// An `if` with directives of a location.
    fn condition(&mut self, kind: Kind) {
        for _ in 0..=self.chance.below(2) {
            let condition = self.chance.of(&CONDITIONS);
            self.line(&format!("if ({condition}) {{"));
            self.mark();
            match self.chance.below(5) {
                0 => self.set(),
                1 => self.rewrite(),
                2 => self.give_back(),
                3 if kind != Kind::Exact => self.line("proxy_pass http://{{two}};"),
                _ => self.line("expires off;"),
            }
            self.line("}");
        }
    }
}

const CONDITIONS: [&str; 16] = [
    "$arg_q",
    "$args = \"\"",
    "$arg_q = 1",
    "$arg_q != 1",
    "$uri ~ ^/a",
    "$uri ~* \"^/B/(.*)\"",
    "$uri !~ b",
    "$request_method = POST",
    "$http_x_test ~ (.)(.)",
    "$host = b.test",
    "$cookie_c",
    "$m2",
    "$m1 = d",
    "-f $request_filename",
    "!-d {{root}}$uri",
    "$v1",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prefix,
    Exact,
    Regex,
    Named,
}

fn request(chance: &mut Chance) -> Asked {
    let method = chance.of(&["GET", "GET", "GET", "GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS"]).to_owned();
    let mut target = String::new();
    if chance.one_in(25) {
        target.push_str("http://");
        target.push_str(chance.of(&["a.example.com", "b.test:81", "WWW.x", "sub.reg.test"]));
    }
    let segments = 1 + chance.below(4);
    let mut path = String::new();
    for _ in 0..segments {
        path.push_str(chance.of(&["/", "/", "/", "/", "/", "/", "/", "//", "/./", "/../", "%2F", "/%2e%2e/"]));
        path.push_str(chance.of(&[
            "a",
            "b",
            "c",
            "a",
            "b",
            "",
            "ab",
            "x.php",
            "img",
            "a%20b",
            "%C3%A9",
            "d",
            "A",
            "%61",
            "a+b",
            "a%2Bb",
            "%25",
            "x;y=1",
            "a:b",
            "%3Fz",
            "b.html",
            "dir",
            "index.html",
            "a.html",
            "..",
            ".",
            "a%23b",
            "a&b",
        ]));
    }
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    if chance.one_in(3) {
        path.push('/');
    }
    if chance.one_in(60) {
        path.push_str(chance.of(&["%", "%zz", "%00", "\x01", "%2"]));
    }
    target.push_str(&path);
    if chance.one_in(3) {
        target.push('?');
        target.push_str(
            chance.of(&["", "q=1", "q=ab&x=2", "a=1?b", "q=a%20b", "Q=x+y", "x", "q=&q=2", "a=é", "xq=1&q=0"]),
        );
    }
    if chance.one_in(40) {
        target.push_str("#frag?x");
    }
    let host = if chance.one_in(40) { chance.of(&["a..b", "a/b", "", ":80"]) } else { chance.of(&HOSTS) };
    let mut headers = vec![("Host".to_owned(), host.to_owned()), ("Connection".to_owned(), "close".to_owned())];
    if method == "POST" || method == "PUT" {
        headers.push(("Content-Length".to_owned(), "0".to_owned()));
    }
    if chance.one_in(3) {
        headers.push(("X-Test".to_owned(), chance.of(&["ab", "0", "b c", ""]).to_owned()));
    }
    if chance.one_in(6) {
        headers.push(("Cookie".to_owned(), chance.of(&["c=1", "d=2; c=0; e", "C=x", "xc=1"]).to_owned()));
    }
    Asked { method, target, headers }
}
