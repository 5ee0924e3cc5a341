//! The program nginx, and what it says of itself.

use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::unistd::geteuid;

use crate::facts::Binary;

use super::super::Sources;

/// Where it is looked for.
const PLACES: [&str; 5] = [
    "/usr/sbin/nginx",
    "/usr/local/nginx/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/usr/local/openresty/nginx/sbin/nginx",
    "/usr/sbin/angie",
];

/// The longest that it may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that is read of what it says.
const MOST: u64 = 256 * 1024;

/// The nginx that would be started: the first in `PATH`, or in the usual
/// places.
pub(super) fn installed(sources: &Sources) -> Option<Binary> {
    let path = std::env::var_os("PATH").filter(|_| sources.are_this_machine()).unwrap_or_default();
    let in_path = std::env::split_paths(&path).filter(|directory| directory.is_absolute());
    let places = in_path.map(|directory| directory.join("nginx")).chain(PLACES.iter().map(PathBuf::from));
    let place = places.into_iter().find(|place| is_program(&sources.at(place)))?;
    ask(&sources.at(&place), &place)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether the program of a process may be run to ask for its version: only
/// its owner, who is root or ourselves, can have put something else there.
/// Anybody may call a process "nginx: master process".
pub(super) fn is_trusted(program: &Path, uid: Option<u32>) -> bool {
    let is_known = |uid: u32| uid == 0 || uid == geteuid().as_raw();
    let is_safe = |metadata: Metadata| is_known(metadata.uid()) && metadata.permissions().mode() & 0o022 == 0;
    uid.is_some_and(is_known) && fs::metadata(program).is_ok_and(is_safe)
}

/// Runs `nginx -V`, which reads no configuration.
pub(super) fn ask(program: &Path, shown_as: &Path) -> Option<Binary> {
    let mut child = Command::new(program)
        .arg("-V")
        // A list of sockets to inherit.
        .env_remove("NGINX")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let stderr = child.stderr.take();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(MOST).read_to_end(&mut said);
        }
        // Nobody may be waiting any more.
        let _ = sender.send(said);
    });
    let said = receiver.recv_timeout(PATIENCE);
    // It has ended, or has had its time.
    let _ = child.kill();
    let _ = child.wait();
    describe(&String::from_utf8_lossy(&said.ok()?), shown_as)
}

/// nginx says `nginx version: nginx/1.22.1`; programs made of it may say their
/// own name there, or before that.
fn describe(text: &str, path: &Path) -> Option<Binary> {
    let after = |mark: &str| text.lines().find_map(|line| Some(line.split_once(mark)?.1));
    let named = after("nginx version: ").or_else(|| after(" version: "))?;
    let (_, version) = named.split_once('/')?;
    let numbers = version.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    // openresty adds a fourth number of its own.
    let version: Vec<&str> = numbers.split('.').filter(|part| !part.is_empty()).take(3).collect();
    let is_of_compiler = |argument: &String| {
        ["--with-cc-opt=", "--with-ld-opt=", "--with-cc="].iter().any(|name| argument.starts_with(name))
    };
    let mut arguments = split_arguments(after("configure arguments: ").unwrap_or_default());
    arguments.retain(|argument| !is_of_compiler(argument));
    Some(Binary { path: path.to_string_lossy().into_owned(), version: version.join("."), arguments })
}

/// Words as a shell would take them apart: single and double quotes.
fn split_arguments(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == '\'' || c == '"') {
            quote = Some(c);
            word.get_or_insert_default();
        } else if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(c);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_of_themselves() {
        let table = [
            ("nginx version: nginx/1.22.1\nconfigure arguments: --a --with-cc-opt='-g -O2' --b=c", "1.22.1", 2),
            ("nginx version: nginx/1.28.3 (Ubuntu)\nconfigure arguments: --x='a b'", "1.28.3", 1),
            ("nginx version: openresty/1.21.4.1\n", "1.21.4", 0),
            ("Tengine version: Tengine/3.1.0\nnginx version: nginx/1.24.0\n", "1.24.0", 0),
            ("Angie version: Angie/1.5.0\n", "1.5.0", 0),
        ];
        for (text, version, arguments) in table {
            let binary = describe(text, Path::new("/usr/sbin/nginx")).expect("a version");
            assert_eq!((binary.version.as_str(), binary.arguments.len()), (version, arguments), "{text}");
        }
        assert!(describe("GNU bash", Path::new("/bin/bash")).is_none());
    }
}
