//! Configurations as large as one likes, always the same for the same numbers.
//!
//! [`tree`] is a server with many virtual hosts: a main file, groups of
//! servers, snippets that every host includes, and one file a host. It is
//! meant to be right: nginx accepts it once there is a certificate in `tls/`,
//! and a linter has nothing to say about it. [`map_file`] is one file with one
//! long map.
//!
//! Nothing here touches the disk but [`write`].

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// Paths below the directory of the configuration, and contents.
pub type Files = Vec<(PathBuf, String)>;

/// The main file of a tree.
pub const ENTRY: &str = "nginx.conf";

/// So many hosts share one group of servers.
const HOSTS_PER_GROUP: usize = 10;

const MAIN: &str = include_str!("templates/nginx.conf");

/// Files that are the same in every tree.
const FIXED: [(&str, &str); 9] = [
    ("mime.types", include_str!("templates/mime.types")),
    ("fastcgi_params", include_str!("templates/fastcgi_params")),
    ("snippets/acme.conf", include_str!("templates/acme.conf")),
    ("snippets/tls.conf", include_str!("templates/tls.conf")),
    ("snippets/headers.conf", include_str!("templates/headers.conf")),
    ("snippets/static.conf", include_str!("templates/static.conf")),
    ("snippets/proxy.conf", include_str!("templates/proxy.conf")),
    ("snippets/websocket.conf", include_str!("templates/websocket.conf")),
    ("snippets/php.conf", include_str!("templates/php.conf")),
];

/// A server with this many virtual hosts.
pub fn tree(hosts: usize) -> Files {
    let mut random = Random::new(hosts as u64);
    let mut files = vec![(PathBuf::from(ENTRY), main_file(hosts))];
    files.extend(FIXED.iter().map(|(path, content)| (PathBuf::from(path), (*content).to_owned())));
    files.push((PathBuf::from("conf.d/upstreams.conf"), groups(hosts.div_ceil(HOSTS_PER_GROUP), &mut random)));
    files.extend((0..hosts).map(|number| {
        let host = Host::new(number, &mut random);
        (PathBuf::from(format!("sites-enabled/{}.conf", host.name)), host.content(&mut random))
    }));
    files
}

/// A main file with a map of this many entries; 100,000 are about 2.6 MB.
pub fn map_file(entries: usize) -> String {
    let mut random = Random::new(entries as u64);
    let size = (entries * 2).next_power_of_two().max(2048);
    let mut text = format!(
        "worker_processes auto;\n\nevents {{\n    worker_connections 1024;\n}}\n\n\
         http {{\n    map_hash_bucket_size 128;\n    map_hash_max_size {size};\n\n    map $uri $moved_to {{\n        default \"\";\n"
    );
    for number in 0..entries {
        let _ = writeln!(text, "        /a/{number} /{};", random.pick(&WORDS));
    }
    text.push_str(
        "    }\n\n    server {\n        listen 80;\n        server_name example.com;\n\n        \
         if ($moved_to) {\n            return 301 $moved_to;\n        }\n    }\n}\n",
    );
    text
}

/// One text of at least this many bytes: virtual hosts one after another.
pub fn text(bytes: usize) -> String {
    let mut random = Random::new(bytes as u64);
    let mut text = String::with_capacity(bytes + 4096);
    let mut number = 0;
    while text.len() < bytes {
        text.push_str(&Host::new(number, &mut random).content(&mut random));
        number += 1;
    }
    text
}

/// Writes files below a directory.
///
/// # Errors
///
/// Those of the file system.
pub fn write(files: &Files, directory: &Path) -> io::Result<()> {
    for (path, content) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
        std::fs::write(path, content)?;
    }
    Ok(())
}

/// The hash of server names must hold them all.
fn main_file(hosts: usize) -> String {
    let size = (hosts * 8).next_power_of_two().max(1024);
    MAIN.replace("SERVER_NAMES", &size.to_string())
}

fn groups(count: usize, random: &mut Random) -> String {
    let mut text = String::from("# Groups of application servers.\n");
    for number in 0..count {
        let _ = write!(text, "\nupstream app_{number:04} {{\n    zone app_{number:04} 64k;\n    least_conn;\n");
        for server in 1..=2 + random.below(3) {
            let network = number % 250;
            let _ =
                writeln!(text, "    server 10.{}.{network}.{server}:8080 max_fails=3 fail_timeout=10s;", number / 250);
        }
        text.push_str("    keepalive 16;\n}\n");
    }
    text
}

const WORDS: [&str; 12] =
    ["shop", "blog", "portal", "status", "docs", "media", "tickets", "billing", "search", "intranet", "wiki", "forum"];

const AREAS: [&str; 8] = ["account", "orders", "reports", "catalogue", "invoices", "profile", "teams", "exports"];

/// One virtual host in the making.
struct Host {
    name: String,
    group: String,
    php: bool,
}

impl Host {
    fn new(number: usize, random: &mut Random) -> Host {
        Host {
            name: format!("{}-{number:05}.example.com", random.pick(&WORDS)),
            group: format!("app_{:04}", number / HOSTS_PER_GROUP),
            php: random.below(4) == 0,
        }
    }

    fn content(&self, random: &mut Random) -> String {
        let mut text = String::with_capacity(3072);
        self.redirect(&mut text);
        self.head(&mut text, random);
        self.areas(&mut text, random);
        self.fixed_locations(&mut text);
        if self.php {
            self.php(&mut text);
        } else {
            self.application(&mut text);
        }
        text.push_str("}\n");
        text
    }

    fn redirect(&self, text: &mut String) {
        let name = &self.name;
        let _ = write!(
            text,
            "# {name}: plain HTTP only leads to HTTPS.\n\
             server {{\n    listen 80;\n    listen [::]:80;\n    server_name {name} www.{name};\n\n    \
             include snippets/acme.conf;\n\n    \
             location / {{\n        return 301 https://{name}$request_uri;\n    }}\n}}\n\n"
        );
    }

    fn head(&self, text: &mut String, random: &mut Random) {
        let name = &self.name;
        let body = 1 + random.below(64);
        let _ = write!(
            text,
            "server {{\n    listen 443 ssl;\n    listen [::]:443 ssl;\n    server_name {name} www.{name};\n\n    \
             include snippets/tls.conf;\n    include snippets/headers.conf;\n\n    \
             root /srv/www/{name}/public;\n    index index.html;\n    client_max_body_size {body}m;\n\n"
        );
    }

    /// Parts of the application with settings of their own.
    fn areas(&self, text: &mut String, random: &mut Random) {
        let first = random.below(AREAS.len());
        for number in 0..2 + random.below(2) {
            let area = AREAS[(first + number) % AREAS.len()];
            let seconds = 15 * (1 + random.below(8));
            let group = &self.group;
            let _ = write!(
                text,
                "    location /{area}/ {{\n        include snippets/proxy.conf;\n        \
                 proxy_pass http://{group};\n        proxy_read_timeout {seconds}s;\n        \
                 proxy_send_timeout {seconds}s;\n    }}\n\n"
            );
        }
    }

    fn fixed_locations(&self, text: &mut String) {
        let (name, group) = (&self.name, &self.group);
        let _ = write!(
            text,
            "    # Files the application never sees.\n    \
             location /assets/ {{\n        include snippets/static.conf;\n        try_files $uri =404;\n    }}\n\n    \
             location ~* \\.(?:png|jpe?g|gif|webp|svg|woff2)$ {{\n        \
             include snippets/static.conf;\n        try_files $uri =404;\n    }}\n\n    \
             location = /favicon.ico {{\n        access_log off;\n        log_not_found off;\n    }}\n\n    \
             location /downloads/ {{\n        alias /srv/files/{name}/;\n        autoindex off;\n    }}\n\n    \
             # A connection that stays open.\n    \
             location /ws/ {{\n        include snippets/websocket.conf;\n        proxy_pass http://{group};\n    }}\n\n    \
             location = /healthz {{\n        access_log off;\n        default_type text/plain;\n        \
             return 200 \"ok\\n\";\n    }}\n\n    \
             error_page 404 /404.html;\n    error_page 500 502 503 504 /50x.html;\n\n    \
             location = /50x.html {{\n        internal;\n        root /srv/www/errors;\n    }}\n\n"
        );
    }

    fn php(&self, text: &mut String) {
        text.push_str(
            "    location / {\n        try_files $uri $uri/ /index.php?$args;\n    }\n\n    \
             location ~ \\.php$ {\n        include snippets/php.conf;\n        \
             fastcgi_pass unix:/run/php/php8.2-fpm.sock;\n    }\n",
        );
    }

    fn application(&self, text: &mut String) {
        let group = &self.group;
        let _ = write!(
            text,
            "    location / {{\n        try_files $uri @application;\n    }}\n\n    \
             location @application {{\n        include snippets/proxy.conf;\n        proxy_pass http://{group};\n    }}\n"
        );
    }
}

/// Marsaglia's xorshift64: enough to vary, and the same everywhere.
struct Random {
    state: u64,
}

impl Random {
    fn new(seed: u64) -> Random {
        // The state must not be zero.
        Random { state: seed ^ 0x9E37_79B9_7F4A_7C15 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}
