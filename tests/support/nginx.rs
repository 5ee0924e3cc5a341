//! A real nginx with a directory of its own: everything it reads and writes is
//! in there, and it listens only where a configuration says so.

use super::process::Process;
use nginx_lint::catalog;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

/// How long nginx may take to start, and `nginx -t` to judge.
const PATIENCE: Duration = Duration::from_secs(8);

/// The nginx of this machine.
pub struct Installed {
    /// Its name or path.
    pub program: String,
    /// Such as `[1, 22, 1]`.
    pub version: Vec<u32>,
    /// What `nginx -V` says it was built with.
    arguments: Vec<String>,
}

/// What a configuration consists of.
#[derive(Default)]
pub struct Setup<'a> {
    /// Text outside of every block.
    pub main: &'a str,
    /// Text inside `http {}`; without it there is no such block.
    pub http: Option<&'a str>,
    /// Text inside `stream {}`; without it there is no such block.
    pub stream: Option<&'a str>,
    /// Further files: paths relative to nginx.conf, and what they hold.
    pub files: Vec<(&'a str, String)>,
    /// The number of files nginx may have open when it starts.
    pub open_files: Option<u32>,
}

/// A configuration written out, ready to be tested or started.
pub struct Prepared {
    directory: TempDir,
    program: String,
    open_files: Option<u32>,
}

/// What `nginx -t` said.
pub struct Verdict {
    pub accepted: bool,
    pub output: String,
}

/// A running nginx; dropping it ends it.
pub struct Running {
    process: Process,
    // After the process: it is ended before its directory goes.
    prepared: Prepared,
}

/// The nginx of this machine, or why there is none to use. `NGINX_LINT_NGINX`
/// names another one.
pub fn installed() -> Result<&'static Installed, String> {
    static INSTALLED: OnceLock<Result<Installed, String>> = OnceLock::new();
    INSTALLED.get_or_init(find).as_ref().map_err(Clone::clone)
}

fn find() -> Result<Installed, String> {
    // An ordinary user's PATH often lacks the sbin directories.
    let named = std::env::var("NGINX_LINT_NGINX");
    let places = match &named {
        Ok(program) => vec![program.as_str()],
        Err(_) => vec!["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"],
    };
    for program in &places {
        if let Ok(output) = Command::new(program).arg("-V").output() {
            return describe(program, &output);
        }
    }
    Err(format!("this test needs nginx, and none could be run; tried: {}", places.join(", ")))
}

fn describe(program: &str, output: &Output) -> Result<Installed, String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let (_, rest) = text.split_once("nginx version: ").ok_or(format!("`{program} -V` says no version: {text}"))?;
    let (_, rest) = rest.split_once('/').ok_or(format!("`{program} -V` says no version: {text}"))?;
    let version = rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    let arguments = text.split_whitespace().map(str::to_owned).collect();
    Ok(Installed { program: program.to_owned(), version: numbers(version)?, arguments })
}

/// The numbers of a version such as `1.22.1`.
pub fn numbers(version: &str) -> Result<Vec<u32>, String> {
    let parsed: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    parsed.map_err(|_| format!("\"{version}\" is no version such as \"1.22.1\""))
}

impl Installed {
    /// Writes a configuration into a new directory.
    pub fn prepare(&self, setup: &Setup<'_>) -> io::Result<Prepared> {
        let directory = TempDir::new()?;
        // Who owns what we just made is who we are.
        let is_root = fs::metadata(directory.path())?.uid() == 0;
        fs::write(directory.path().join("nginx.conf"), self.configuration(setup, is_root))?;
        fs::write(directory.path().join("backend.pem"), include_str!("tls/backend.pem"))?;
        fs::write(directory.path().join("backend.key"), include_str!("tls/backend.key"))?;
        for (path, text) in &setup.files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
            fs::write(path, text)?;
        }
        Ok(Prepared { directory, program: self.program.clone(), open_files: setup.open_files })
    }

    fn configuration(&self, setup: &Setup<'_>, is_root: bool) -> String {
        let mut text = String::new();
        if setup.stream.is_some() {
            text.push_str(&self.load("stream"));
        }
        // Workers of a root's nginx run as "nobody" and could not enter our
        // directory; another user's nginx keeps the user and warns of "user".
        text.push_str(if is_root { "user root;\n" } else { "" });
        text.push_str("daemon off;\npid nginx.pid;\nlock_file nginx.lock;\nerror_log stderr info;\n");
        text.push_str(if has(setup.main, "worker_processes") { "" } else { "worker_processes 1;\n" });
        text.push_str(if has(setup.main, "events") { "" } else { "events {}\n" });
        text.push_str(setup.main);
        text.push('\n');
        if let Some(http) = setup.http {
            text.push_str(&format!("http {{\n{HTTP}{http}\n}}\n"));
        }
        if let Some(stream) = setup.stream {
            text.push_str(&format!("stream {{\n{stream}\n}}\n"));
        }
        text
    }

    /// The modules that are built in, beyond those that always are.
    pub fn modules(&self) -> Vec<String> {
        let has = |option: &str| self.arguments.iter().any(|argument| argument == option);
        let is_built_in = |module: &&catalog::Module| match module.configure {
            Some(option) if option.starts_with("--without-") => !has(option),
            Some(option) => has(option),
            None => module.name.starts_with("ngx_openssl_"),
        };
        catalog::modules().iter().filter(is_built_in).map(|module| module.name.to_owned()).collect()
    }

    /// The `load_module` that `stream {}` or `mail {}` needs, if it does.
    pub fn load(&self, family: &str) -> String {
        let dynamic = format!("--with-{family}=dynamic");
        if !self.arguments.contains(&dynamic) {
            return String::new();
        }
        let directory = self.arguments.iter().find_map(|argument| argument.strip_prefix("--modules-path="));
        format!("load_module {}/ngx_{family}_module.so;\n", directory.unwrap_or("modules"))
    }
}

/// The compiled-in places belong to the system's nginx.
const HTTP: &str = "access_log off;
client_body_temp_path temp_client;
proxy_temp_path temp_proxy;
fastcgi_temp_path temp_fastcgi;
uwsgi_temp_path temp_uwsgi;
scgi_temp_path temp_scgi;
";

fn has(text: &str, directive: &str) -> bool {
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).any(|word| word == directive)
}

impl Prepared {
    /// Asks `nginx -t`.
    pub fn test(&self) -> Result<Verdict, String> {
        let process = self.run(&["-t"])?;
        let ended = process.wait_for_end(PATIENCE);
        let (status, output) = process.end().map_err(|error| format!("nginx -t: {error}"))?;
        if !ended {
            return Err(format!("nginx -t took longer than {PATIENCE:?}"));
        }
        Ok(Verdict { accepted: status.success(), output })
    }

    /// Starts nginx. When this returns, nginx listens; else it returns the log.
    pub fn start(self) -> Result<Running, String> {
        let process = self.run(&[])?;
        // Written once every socket of the configuration listens.
        if process.wait_for(|log| log.contains("start worker process "), PATIENCE) {
            return Ok(Running { process, prepared: self });
        }
        let (_, log) = process.end().map_err(|error| format!("nginx: {error}"))?;
        Err(log)
    }

    fn run(&self, arguments: &[&str]) -> Result<Process, String> {
        let directory = self.directory.path().display().to_string();
        let mut all = vec!["-p", &directory, "-c", "nginx.conf", "-e", "stderr"];
        all.extend(arguments);
        let started = Process::start(&self.program, &all, self.directory.path(), self.open_files);
        started.map_err(|error| format!("cannot run nginx: {error}"))
    }
}

impl Running {
    /// Where its nginx.conf is.
    pub fn directory(&self) -> &Path {
        self.prepared.directory.path()
    }

    /// Ends nginx and returns its complete error log.
    pub fn stop(self) -> Result<String, String> {
        let (_, log) = self.process.end().map_err(|error| format!("cannot stop nginx: {error}"))?;
        Ok(log)
    }
}
