//! Files of logs: packed, rotated, broken, endless, and those that are still
//! written.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use nginx_lint::facts::{Log, LogFile};
use nginx_lint::logs::{AccessFormat, Follower, Gatherer, Kind, Source, read, rotated};

fn line(second: usize, path: &str) -> String {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "2024/11/21 {hour:02}:{minute:02}:{second:02} [error] 7#8: *9 no live upstreams while connecting to upstream, \
         client: 203.0.113.7, server: a, request: \"GET {path} HTTP/1.1\", upstream: \"http://app{path}\", host: \"a\"\n"
    )
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn error_log(path: &Path) -> Source {
    Source { path: path.to_path_buf(), kind: Kind::Error }
}

fn read_all(sources: &[Source], since: Option<&str>) -> Log {
    let mut gatherer = Gatherer::default();
    read(sources, since, &mut gatherer);
    gatherer.finish()
}

/// How often the messages of these files were seen, and what is told of the
/// only file.
fn read_one(path: &Path, since: Option<&str>) -> (u64, LogFile) {
    let log = read_all(&[error_log(path)], since);
    assert_eq!(log.files.len(), 1);
    (log.seen.iter().map(|one| one.count).sum(), log.files[0].clone())
}

fn write(directory: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).expect("a file in a temporary directory");
    path
}

#[test]
fn files_are_read_plain_and_packed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = [line(1, "/a"), "of no line\n".to_owned(), line(2, "/a"), line(3, "/a").trim_end().to_owned()].concat();
    let expected = LogFile {
        bytes: text.len() as u64,
        lines: 4,
        first: Some("2024-11-21 00:00:01".to_owned()),
        last: Some("2024-11-21 00:00:03".to_owned()),
        ..LogFile::default()
    };
    // By what is in them, not by their names; and those that were joined.
    let (one, other) = text.split_at(text.len() / 2);
    let joined = [packed(one.as_bytes()), packed(other.as_bytes())].concat();
    let files = [("plain.gz", text.clone().into_bytes()), ("packed", packed(text.as_bytes())), ("joined", joined)];
    for (name, bytes) in files {
        let path = write(directory.path(), name, bytes);
        let (count, file) = read_one(&path, None);
        assert_eq!(count, 3, "{name}");
        assert_eq!(file, LogFile { path: path.to_string_lossy().into_owned(), ..expected.clone() });
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text: String = (0..2000).map(|second| line(second, &format!("/{second}"))).collect();
    let whole = packed(text.as_bytes());
    let cut = write(directory.path(), "cut.gz", &whole[..whole.len() / 2]);
    let (count, file) = read_one(&cut, None);
    assert_eq!(file.problem.as_deref(), Some("it ends in the middle of what gzip packed"));
    assert!(count > 100 && file.lines > 100, "what is there is read: {count}");
    let broken = [&whole[..whole.len() / 2], &[0x55; 400], &whole[whole.len() / 2..]].concat();
    assert!(read_one(&write(directory.path(), "broken.gz", broken), None).1.problem.is_some());
    let table = [
        (directory.path().join("missing"), "not there"),
        (directory.path().to_path_buf(), "it is no regular file"),
        (PathBuf::from("/dev/null"), "it is no regular file"),
        (write(directory.path(), "a.xz", b"\xfd7zXZ\0\0\0\0"), "it is packed by xz; only gzip is read"),
        (write(directory.path(), "a.zst", b"\x28\xb5\x2f\xfd\0\0\0\0"), "it is packed by zstd; only gzip is read"),
    ];
    for (path, problem) in table {
        let (count, file) = read_one(&path, None);
        assert_eq!((count, file.problem.as_deref()), (0, Some(problem)), "{}", path.display());
    }
    // All are told of, in their order.
    let sources = [error_log(&cut), error_log(&directory.path().join("missing"))];
    assert_eq!(read_all(&sources, None).files.len(), 2);
}

#[test]
fn garbage_and_endless_lines_are_read_over() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut bytes: Vec<u8> = (0..200_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bytes.push(b'\n');
    bytes.extend(line(1, "/a").bytes());
    // A line of three MiB that begins as one of nginx does, and one without
    // an end.
    bytes.extend(line(2, "/b").trim_end().bytes());
    bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
    bytes.push(b'\n');
    bytes.extend(line(3, "/c").bytes());
    bytes.extend(std::iter::repeat_n(0, 2 << 20));
    let (count, file) = read_one(&write(directory.path(), "garbage", &bytes), None);
    assert_eq!(count, 3);
    assert_eq!((file.bytes, file.problem), (bytes.len() as u64, None));
}

#[test]
fn older_files_are_found_beside_a_log_and_the_oldest_is_first() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let names = [
        "error.log",
        "error.log.1",
        "error.log.2.gz",
        "error.log.10.gz",
        "error.log-20241120",
        "error.log-20241119.gz",
        "error.log-20241119-1732000000.gz",
        "error.log-2024112100.xz",
        "error.log.old",
        "error.log-1",
        "error.log.1.bak",
        "other-error.log.1",
        "error.log.gz",
    ];
    for name in names {
        write(directory.path(), name, "");
    }
    let found = rotated(&directory.path().join("error.log"));
    let found: Vec<&str> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let expected = [
        "error.log-20241119.gz",
        "error.log-20241119-1732000000.gz",
        "error.log-20241120",
        "error.log-2024112100.xz",
        "error.log.10.gz",
        "error.log.2.gz",
        "error.log.1",
    ];
    // One date may sort before the other with an hour in it, as text.
    assert_eq!(found, expected);
    assert_eq!(rotated(Path::new("/")), [] as [PathBuf; 0]);
    assert_eq!(rotated(&directory.path().join("missing/error.log")), [] as [PathBuf; 0]);
}

#[test]
fn lines_before_a_time_are_left_out_and_most_of_a_large_file_is_not_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let last: usize = 24 * 3600 - 1;
    // Nearly sorted, with lines in between that have no time.
    let text: String = (0..last)
        .step_by(4)
        .map(|second| {
            let late = if second % 40 == 0 { second.saturating_sub(1) } else { second };
            let extra = if second % 400 == 0 { "a line of a stack\n".repeat(40) } else { String::new() };
            line(late, "/a") + &extra
        })
        .collect();
    let plain = write(directory.path(), "plain", &text);
    let gz = write(directory.path(), "packed", packed(text.as_bytes()));
    let table = ["2024-11-20 00:00:00", "2024-11-21 00:00:00", "2024-11-21 12:34:56", "2024-11-21 23:59:00"];
    for since in table {
        let lines = text.lines().filter(|line| line.starts_with("2024"));
        let expected = lines.filter(|line| line[..19].replace('/', "-").as_str() >= since).count() as u64;
        let (by_search, file) = read_one(&plain, Some(since));
        let (by_all, _) = read_one(&gz, Some(since));
        assert_eq!((by_search, by_all), (expected, expected), "{since}");
        assert!(file.first.as_deref() >= Some(since), "{since}: {file:?}");
    }
    let (_, file) = read_one(&plain, Some("2024-11-21 23:59:00"));
    assert!(file.bytes < text.len() as u64 * 3 / 4, "{} of {}", file.bytes, text.len());
    assert_eq!(read_one(&plain, Some("2024-11-22 00:00:00")).0, 0);
    // What was last written days before is not opened.
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    File::options().write(true).open(&plain).and_then(|file| file.set_modified(old)).expect("a file's time");
    assert_eq!(read_one(&plain, Some("2024-11-21 12:34:56")).1.bytes, 0);
}

#[test]
fn access_logs_and_those_of_php_fpm_are_read() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let format = "[$time_local] \"$request\" $status $upstream_addr $upstream_status";
    let text = "[21/Nov/2024:10:00:00 +0000] \"GET /a HTTP/1.1\" 502 127.0.0.1:1 502 0.001\n\
        [21/Nov/2024:10:00:01 +0000] \"GET /a HTTP/1.1\" 502 127.0.0.1:1 502 -\n\
        [21/Nov/2024:10:00:02 +0000] \"GET /a HTTP/1.1\" 200 127.0.0.1:1 200 0.001\n";
    let access = write(directory.path(), "access.log", text);
    let php = "[21-Nov-2024 10:00:00] NOTICE: ready to handle connections\n\
        [21-Nov-2024 10:00:01] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it\n";
    let php = Source { path: write(directory.path(), "php-fpm.log", php), kind: Kind::PhpFpm };
    let access = |format: &str| Source {
        path: access.clone(),
        kind: Kind::Access(AccessFormat::parse(format).expect("a format about upstreams")),
    };
    let log = read_all(&[access(&format!("{format} $upstream_header_time")), php, access(format)], None);
    let seen: Vec<(u64, Option<&str>)> = log.seen.iter().map(|one| (one.count, one.detail.as_deref())).collect();
    assert_eq!(seen, [(1, Some("502")), (1, Some("www"))]);
    let told: Vec<(u64, Option<&str>)> = log.files.iter().map(|file| (file.lines, file.first.as_deref())).collect();
    assert_eq!(told, [(3, Some("2024-11-21 10:00:00")), (2, Some("2024-11-21 10:00:00")), (0, None)]);
    let problem = log.files[2].problem.as_deref().unwrap_or_default();
    assert!(problem.contains("no $upstream_header_time"), "{problem}");
}

/// 200,000 different clients, hosts and paths.
#[test]
fn what_is_kept_of_a_large_log_is_bounded() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("error.log");
    let mut file = std::io::BufWriter::new(File::create(&path).expect("a file in a temporary directory"));
    let lines = 200_000;
    for number in 0..lines {
        let text = format!(
            "2024/11/21 10:00:00 [error] 7#8: *{number} upstream timed out (110: Connection timed out) while reading \
             response header from upstream, client: 2001:db8::{number:x}, server: a, request: \"GET /{number}/{} \
             HTTP/1.1\", upstream: \"http://127.0.0.1:{}/{number}\", host: \"h{number}.example\"",
            "y".repeat(100),
            number % 60_000
        );
        writeln!(file, "{text}").expect("a file in a temporary directory");
    }
    file.flush().expect("a file in a temporary directory");
    let log = read_all(&[error_log(&path)], None);
    assert!(log.seen.len() <= 4096, "{}", log.seen.len());
    assert!(log.seen.iter().all(|one| one.clients.len() <= 10 && one.requests.len() <= 10));
    assert_eq!(log.seen.iter().map(|one| one.count).sum::<u64>() + log.left_out, lines);
    assert_eq!(log.files[0].lines, lines);
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a file in a temporary directory");
}

#[test]
fn logs_are_followed_through_rotation() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("error.log");
    let late = directory.path().join("late.log");
    append(&path, &line(1, "/old"));
    let mut follower = Follower::new(&[error_log(&path), error_log(&late), error_log(directory.path())]);
    let mut gatherer = Gatherer::default();
    let mut poll = || follower.poll(&mut gatherer).expect("what is there can be read");
    assert_eq!(poll(), 0);
    // A line that is written in two pieces is one line.
    let whole = line(2, "/a");
    append(&path, &whole[..50]);
    assert_eq!(poll(), 0);
    append(&path, &whole[50..]);
    assert_eq!(poll(), 1);
    assert_eq!(poll(), 0);
    // Moved away, written on, and the new one comes later.
    fs::rename(&path, directory.path().join("error.log.1")).expect("a file can be moved");
    append(&directory.path().join("error.log.1"), &line(3, "/b"));
    assert_eq!(poll(), 1);
    append(&directory.path().join("error.log.1"), &line(4, "/c"));
    append(&path, &(line(5, "/d") + &line(6, "/e")));
    assert_eq!(poll(), 3);
    assert_eq!(poll(), 0);
    // Copied and emptied.
    File::options().write(true).truncate(true).open(&path).expect("a file can be emptied");
    append(&path, &line(7, "/f"));
    assert_eq!(poll(), 1);
    // One that was not there is read from its beginning.
    append(&late, &line(8, "/g"));
    assert_eq!(poll(), 1);
    fs::remove_file(&late).expect("a file can be removed");
    assert_eq!(poll(), 0);
    append(&late, &line(9, "/h"));
    assert_eq!(poll(), 1);
    let mut requests: Vec<String> = gatherer.finish().seen.iter().map(|one| one.requests[0].value.clone()).collect();
    requests.sort();
    assert_eq!(requests, ["GET a/a", "GET a/b", "GET a/c", "GET a/d", "GET a/e", "GET a/f", "GET a/g", "GET a/h"]);
}
