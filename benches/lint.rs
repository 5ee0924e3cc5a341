//! How long each stage takes, and the whole.
//!
//!     cargo bench --bench lint
//!
//! The real command can be timed on the same configurations:
//!
//!     cargo bench --bench lint -- --write DIRECTORY HOSTS
//!
//! writes a server with that many virtual hosts, and beside it `map.conf`, one
//! file with 100,000 entries. `nginx -t -p DIRECTORY -c DIRECTORY/nginx.conf`
//! accepts the server once it has a certificate:
//!
//!     openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=example.com \
//!         -keyout DIRECTORY/tls/privkey.pem -out DIRECTORY/tls/fullchain.pem

mod generator;

use std::io;
use std::path::{Path, PathBuf};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use nginx_lint::catalog::Context;
use nginx_lint::engine::{self, Finding};
use nginx_lint::facts::Log;
use nginx_lint::logs::Gatherer;
use nginx_lint::model::{Model, Profile};
use nginx_lint::rules;
use nginx_lint::source::SourceFile;
use nginx_lint::syntax::ParsedFile;
use nginx_lint::tree::{self, Disk, Places, Tree};
use tempfile::TempDir;

const MAP_ENTRIES: usize = 100_000;

fn main() -> io::Result<()> {
    match write_request(std::env::args().skip(1)) {
        Some((directory, hosts)) => write(&directory, hosts),
        None => {
            divan::main();
            Ok(())
        }
    }
}

/// `--write DIRECTORY HOSTS`, wherever cargo puts its own arguments.
fn write_request(arguments: impl Iterator<Item = String>) -> Option<(PathBuf, usize)> {
    let mut behind = arguments.skip_while(|argument| argument != "--write").skip(1);
    Some((PathBuf::from(behind.next()?), behind.next()?.parse().ok()?))
}

fn write(directory: &Path, hosts: usize) -> io::Result<()> {
    generator::write(&generator::tree(hosts), directory)?;
    std::fs::create_dir_all(directory.join("tls"))?;
    std::fs::write(directory.join("map.conf"), generator::map_file(MAP_ENTRIES))
}

/// A server on disk, removed when the benchmark is over.
struct Server {
    directory: TempDir,
}

impl Server {
    fn new(hosts: usize) -> Server {
        let directory = tempfile::tempdir().expect("a temporary directory");
        generator::write(&generator::tree(hosts), directory.path()).expect("a server on disk");
        Server { directory }
    }

    fn load(&self) -> Tree {
        let entry = self.directory.path().join(generator::ENTRY);
        tree::load(&Disk, &entry, &Places::of_entry(&entry, &entry)).expect("the main file can be read")
    }
}

fn model(tree: &Tree) -> Model<'_> {
    Model::new(tree, Context::Main, Profile::default())
}

fn check(server: &Server) -> Vec<Finding> {
    engine::run(&model(&server.load()), rules::ALL, engine::Severity::Warning)
}

/// Bytes to tokens and statements.
mod syntax {
    use super::*;

    fn parse(bencher: Bencher<'_, '_>, text: &str) {
        bencher
            .counter(BytesCount::of_str(text))
            .with_inputs(|| SourceFile::new("bench.conf", text.as_bytes().to_vec()))
            .bench_values(|source| black_box(ParsedFile::new(source)));
    }

    #[divan::bench(sample_count = 20)]
    fn hosts_20_mb(bencher: Bencher<'_, '_>) {
        parse(bencher, &generator::text(20_000_000));
    }

    #[divan::bench(sample_count = 50)]
    fn one_map(bencher: Bencher<'_, '_>) {
        parse(bencher, &generator::map_file(MAP_ENTRIES));
    }
}

/// The stages for a thousand virtual hosts, one by one.
mod thousand_hosts {
    use super::*;

    #[divan::bench(sample_count = 50)]
    fn load(bencher: Bencher<'_, '_>) {
        let server = Server::new(1_000);
        bencher.bench_local(|| server.load());
    }

    #[divan::bench(sample_count = 50)]
    fn build_model(bencher: Bencher<'_, '_>) {
        let tree = Server::new(1_000).load();
        bencher.bench_local(|| black_box(model(&tree)).directive_count());
    }

    // What the model finds out when first asked belongs to this stage, so
    // every run gets a fresh one.
    #[divan::bench(sample_count = 50)]
    fn run_rules(bencher: Bencher<'_, '_>) {
        let tree = Server::new(1_000).load();
        bencher
            .with_inputs(|| model(&tree))
            .bench_local_refs(|model| engine::run(model, rules::ALL, engine::Severity::Warning));
    }
}

/// All stages together, to see that time grows as the configuration does.
#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 10, sample_size = 1)]
fn whole_check(bencher: Bencher<'_, '_>, hosts: usize) {
    let server = Server::new(hosts);
    bencher.bench_local(|| check(&server));
}

/// Lines of an error log, of which one in five is not known, from many clients
/// about many paths.
fn log(lines: u32) -> String {
    let messages = [
        "connect() failed (111: Connection refused) while connecting to upstream",
        "upstream timed out (110: Connection timed out) while reading response header from upstream",
        "upstream sent too big header while reading response header from upstream",
        "upstream prematurely closed connection while reading response header from upstream",
        "something that nobody knows of",
    ];
    let line = |number: u32| {
        let (second, minute) = (number % 60, number / 60 % 60);
        let (a, b, path) = (number % 251, number / 251 % 241, number % 3_001);
        let message = messages[number as usize % messages.len()];
        format!(
            "2026/11/21 10:{minute:02}:{second:02} [error] 7#7: *{number} {message}, client: 203.0.{b}.{a}, server: \
             www.example.com, request: \"GET /p{path}/x?{number} HTTP/1.1\", upstream: \
             \"http://127.0.0.1:3000/p{path}/x\", host: \"www.example.com\"\n"
        )
    };
    (0..lines).map(line).collect()
}

/// What the logs room makes of an error log.
#[divan::bench(sample_count = 10)]
fn read_log(bencher: Bencher<'_, '_>) {
    let text = log(100_000);
    bencher.counter(BytesCount::of_str(&text)).bench(|| -> Log {
        let mut gatherer = Gatherer::default();
        black_box(&text).lines().for_each(|line| gatherer.add_line(line.as_bytes()));
        gatherer.finish()
    });
}
