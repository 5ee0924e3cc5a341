//! A failure staged on 127.0.0.1: a whole nginx as it is found on a machine,
//! with a configuration, a pid file and an error log of its own, and what is
//! behind it. All of it goes on while somebody looks at it, and ends with the
//! stage.

use super::backends::Backend;
use super::case::{Addresses, fill_in};
use super::client::{ask_at_once, ask_in_order};
use super::nginx::{Installed, Running, Setup};
use super::port::Port;
use super::process::Process;
use super::schema::Kind;
use nginx_lint::facts::{Log, Signature};
use nginx_lint::logs::Gatherer;
use nix::unistd::{Gid, Group, Uid, User};
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long nginx may take to start, and the log to say what it must.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a command may look at the stage.
const LIMIT: Duration = Duration::from_secs(40);
/// Between two looks at what is waited for.
const BREATH: Duration = Duration::from_millis(20);
/// Who a root's nginx lets its workers be.
const NOBODY: &str = "nobody";

/// What is staged.
///
/// In the texts `{{listen}}` is where nginx takes requests, `{{NAME}}` a
/// backend, `{{NAME.port}}` its port, and `{{dir}}` the directory of the stage.
#[derive(Clone, Copy, Default)]
pub struct Scene<'a> {
    /// Text outside of every block; with an `events` of its own, or without.
    pub main: &'a str,
    /// Text inside `http {}`.
    pub http: &'a str,
    /// Names and kinds, as in the proofs of a page. Three more are
    /// known: `"tls"` speaks TLS, `"cookies 5000"` answers with a cookie of that
    /// length, and `"closed near NAME"` does not listen on a port that is
    /// written almost like that of another backend.
    pub backends: &'a [(&'a str, &'a str)],
    /// What is in the directory before nginx starts.
    pub props: Option<Props>,
}

/// Puts something into the directory of a stage.
pub type Props = fn(&Path) -> io::Result<Prop>;

/// What has to be kept for as long as the stage stands.
#[derive(Default)]
pub struct Prop {
    /// A socket that somebody listens on.
    pub socket: Option<UnixListener>,
    /// A directory that is to be opened again at the end.
    pub shut: Option<PathBuf>,
}

/// A stage on which everything runs; dropping it ends everything.
pub struct Stage {
    // What is held open, then nginx, then what is behind it, then the place.
    held: Vec<TcpStream>,
    _nginx: Process,
    _behind: Vec<Behind>,
    prop: Prop,
    directory: TempDir,
    address: SocketAddr,
    addresses: Addresses,
    _port: Port,
}

/// Something behind nginx.
enum Behind {
    Backend(Backend),
    Tls(Running, Port),
    Closed(Port),
}

/// What a command said.
pub struct Ran {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it wrote.
    pub stdout: String,
    /// See there.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Stage {
    /// Sets it up and starts nginx. When this returns, nginx listens.
    pub fn set(installed: &Installed, scene: &Scene<'_>) -> Result<Stage, String> {
        let directory = TempDir::new().map_err(say("no directory"))?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).map_err(say("no directory"))?;
        let port = Port::reserve().map_err(say("no port"))?;
        let mut addresses: Addresses = [("listen".to_owned(), port.address())].into();
        let mut behind = Vec::new();
        for (name, kind) in scene.backends {
            let (address, one) = start_behind(installed, name, kind, &addresses)?;
            addresses.insert((*name).to_owned(), address);
            behind.push(one);
        }
        let prop = scene.props.map(|props| props(directory.path())).transpose().map_err(say("no props"))?;
        let configuration = configuration(scene, directory.path(), &addresses)?;
        fs::write(directory.path().join("nginx.conf"), configuration).map_err(say("no configuration"))?;
        for (name, text) in
            [("backend.pem", include_str!("tls/backend.pem")), ("backend.key", include_str!("tls/backend.key"))]
        {
            fs::write(directory.path().join(name), text).map_err(say("no certificate"))?;
        }
        let nginx = start(installed, directory.path())?;
        let address = port.address();
        let prop = prop.unwrap_or_default();
        Ok(Stage { held: Vec::new(), _nginx: nginx, _behind: behind, prop, directory, address, addresses, _port: port })
    }

    /// A file in its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where a backend is.
    pub fn address_of(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }

    /// Sends requests at once, and returns the status of each answer.
    pub fn ask(&self, count: usize) -> Result<Vec<Option<u16>>, String> {
        let requests = vec![REQUEST.to_vec(); count];
        let answers = match count {
            1 => ask_in_order(self.address, &requests)?,
            _ => ask_at_once(self.address, &requests)?,
        };
        Ok(answers.iter().map(|answer| answer.status).collect())
    }

    /// Opens connections and keeps them.
    pub fn connect(&mut self, count: usize) -> Result<(), String> {
        for _ in 0..count {
            let connected = TcpStream::connect_timeout(&self.address, PATIENCE);
            self.held.push(connected.map_err(|error| format!("cannot connect to nginx: {error}"))?);
        }
        Ok(())
    }

    /// Sends a request over each of the connections that are kept.
    pub fn ask_over_connections(&mut self) {
        // nginx may have ended one: then it has answered, too.
        self.held.iter_mut().for_each(|connection| drop(connection.write_all(REQUEST)));
    }

    /// What the error log says now.
    pub fn log(&self) -> Log {
        let mut gatherer = Gatherer::default();
        let bytes = fs::read(self.path("error.log")).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').for_each(|line| gatherer.add_line(line));
        gatherer.finish()
    }

    /// Waits until the error log has a message.
    pub fn wait_for(&self, signature: Signature) -> Result<(), String> {
        let says = || self.log().seen.iter().any(|evidence| evidence.signature == signature);
        if wait_until(PATIENCE, says) {
            Ok(())
        } else {
            Err(format!("the log has no {signature:?}:\n{}", self.text_of_log()))
        }
    }

    /// The error log as it is.
    pub fn text_of_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("error.log")).unwrap_or_default()).into_owned()
    }

    /// The lines of the configuration that say `# <- here`, counted from 1.
    pub fn marked_lines(&self) -> Vec<u64> {
        let text = fs::read_to_string(self.path("nginx.conf")).unwrap_or_default();
        (1..).zip(text.lines()).filter(|(_, line)| line.contains("# <- here")).map(|(number, _)| number).collect()
    }

    /// Runs a program in the directory of the stage, and ends it when it takes
    /// too long.
    pub fn run(&self, program: &Path, arguments: &[&str], who: Who) -> Result<Ran, String> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if let (Who::Nobody, Some(nobody)) = (who, nobody()) {
            command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        }
        let start = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let ended = wait_until(LIMIT, || has_ended(&mut child));
        let _ = child.kill();
        let status = child.wait().map_err(|error| format!("cannot wait: {error}"))?;
        let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
        let ran = Ran { status: status.code(), stdout: text(stdout), stderr: text(stderr), took: start.elapsed() };
        if ended { Ok(ran) } else { Err(format!("longer than {LIMIT:?}: {}{}", ran.stdout, ran.stderr)) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A directory that we may not enter could not be removed.
        if let Some(shut) = &self.prop.shut {
            let _ = fs::set_permissions(shut, Permissions::from_mode(0o700));
        }
    }
}

/// What could not be done.
fn say(what: &str) -> impl Fn(io::Error) -> String + '_ {
    move |error| format!("{what}: {error}")
}

/// As whom a command runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Who runs the tests.
    Ourselves,
    /// Somebody without rights, where we may choose.
    Nobody,
}

/// Whether we are root.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

fn nobody() -> Option<User> {
    User::from_name(NOBODY).ok().flatten().filter(|_| is_root())
}

const REQUEST: &[u8] = b"GET /cart HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

fn start_behind(
    installed: &Installed,
    name: &str,
    kind: &str,
    known: &Addresses,
) -> Result<(SocketAddr, Behind), String> {
    let failed = |error: io::Error| format!("cannot start backend {name}: {error}");
    if kind == "tls" {
        let port = Port::reserve().map_err(failed)?;
        let address = port.address();
        let http = format!(
            "server {{ listen {address} ssl; ssl_certificate backend.pem; ssl_certificate_key backend.key; return 200; }}"
        );
        let prepared = installed.prepare(&Setup { http: Some(&http), ..Setup::default() }).map_err(failed)?;
        return Ok((address, Behind::Tls(prepared.start()?, port)));
    }
    if let Some(length) = kind.strip_prefix("cookies ").and_then(|length| length.parse().ok()) {
        let cookie = "c".repeat(length);
        let text = format!("HTTP/1.1 200 OK\r\nSet-Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n");
        let backend = Backend::start(name, Kind::Sends(text)).map_err(failed)?;
        return Ok((backend.address(), Behind::Backend(backend)));
    }
    if let Some(other) = kind.strip_prefix("closed near ") {
        let other = known.get(other).ok_or(format!("{other} is no backend before {name}"))?;
        let port = Port::reserve_near(other.port()).map_err(failed)?;
        return Ok((port.address(), Behind::Closed(port)));
    }
    let backend = Backend::start(name, Kind::try_from(kind.to_owned())?).map_err(failed)?;
    Ok((backend.address(), Behind::Backend(backend)))
}

fn configuration(scene: &Scene<'_>, directory: &Path, addresses: &Addresses) -> Result<String, String> {
    let user = nobody().map(|nobody| format!("user {NOBODY} {};\n", name_of_group(nobody.gid))).unwrap_or_default();
    let events = if scene.main.contains("events") { "" } else { "events {}\n" };
    let text = format!(
        "{user}daemon off;
worker_processes 1;
pid {{{{dir}}}}/nginx.pid;
lock_file {{{{dir}}}}/nginx.lock;
error_log {{{{dir}}}}/error.log notice;
{}{events}
http {{
    access_log off;
    client_body_temp_path {{{{dir}}}}/temp_client;
    proxy_temp_path {{{{dir}}}}/temp_proxy;
    fastcgi_temp_path {{{{dir}}}}/temp_fastcgi;
    uwsgi_temp_path {{{{dir}}}}/temp_uwsgi;
    scgi_temp_path {{{{dir}}}}/temp_scgi;
{}
}}
",
        scene.main, scene.http
    );
    fill_in(&text.replace("{{dir}}", &directory.display().to_string()), addresses)
}

fn name_of_group(gid: Gid) -> String {
    let group = Group::from_gid(gid).ok().flatten();
    group.map_or_else(|| "nogroup".to_owned(), |group| group.name)
}

fn start(installed: &Installed, directory: &Path) -> Result<Process, String> {
    let (place, configuration) = (directory.display().to_string(), directory.join("nginx.conf"));
    let configuration = configuration.display().to_string();
    let arguments = ["-p", &place, "-c", &configuration, "-e", "stderr"];
    let process = Process::start(&installed.program, &arguments, directory, None);
    let mut process = process.map_err(|error| format!("cannot run nginx: {error}"))?;
    // Written once every socket of the configuration listens.
    let log = directory.join("error.log");
    let listens = || fs::read_to_string(&log).is_ok_and(|log| log.contains("start worker process "));
    if wait_until(PATIENCE, || listens() || process.has_ended()) && listens() {
        return Ok(process);
    }
    let (_, said) = process.end().map_err(|error| format!("nginx: {error}"))?;
    Err(format!("nginx did not start: {said}{}", fs::read_to_string(&log).unwrap_or_default()))
}

fn wait_until(at_most: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + at_most;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(BREATH);
    }
}

fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
