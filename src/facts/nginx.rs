//! The nginx that is installed, and the one that runs.

use serde::{Deserialize, Serialize};

/// nginx on this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nginx {
    /// The program that would be started.
    pub binary: Option<Binary>,
    /// Whether an nginx runs that reads this configuration; none when that
    /// could not be found out.
    pub runs: Option<bool>,
    /// Its master process.
    pub master: Option<Process>,
    /// Its worker processes.
    pub workers: Vec<Process>,
    /// The systemd unit that starts it.
    pub unit: Option<Unit>,
    /// The user that the workers run as, or will.
    pub user: Option<User>,
    /// The directory that relative paths begin at: logs, temporary files,
    /// `root`.
    pub prefix: Option<String>,
    /// The directory of the main file: certificates and what is included begin
    /// there.
    pub configuration_directory: Option<String>,
}

impl Nginx {
    /// A path of the configuration from the root on, as the keys of
    /// [`super::Facts::files`]: of a log, a temporary file, a `root`. None when
    /// it is not known where it begins.
    pub fn below_prefix(&self, path: &str) -> Option<String> {
        absolute(self.prefix.as_deref(), path)
    }

    /// The same for certificates, keys, and files of passwords.
    pub fn beside_configuration(&self, path: &str) -> Option<String> {
        absolute(self.configuration_directory.as_deref(), path)
    }
}

fn absolute(directory: Option<&str>, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    directory.map(|directory| format!("{}/{path}", directory.trim_end_matches('/')))
}

impl Binary {
    /// What an option such as `--prefix` was set to when it was built.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
    }
}

/// What `nginx -V` says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Binary {
    /// Its path.
    pub path: String,
    /// Such as `1.22.1`.
    pub version: String,
    /// What it was told when it was built, but for the options of compiler and
    /// linker: `--with-http_ssl_module`, `--prefix=/usr/share/nginx`.
    pub arguments: Vec<String>,
}

/// A process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it started, in seconds since 1970.
    pub started_at: Option<i64>,
    /// How many files it may have open: what it has now.
    pub open_files_soft: Option<u64>,
    /// How many it may give itself.
    pub open_files_hard: Option<u64>,
    /// How many it has open.
    pub files_open: Option<u64>,
    /// Its program was replaced since it started.
    pub is_replaced: Option<bool>,
    /// The version of its program, where that may be asked.
    pub version: Option<String>,
    /// The number of its user.
    pub uid: Option<u32>,
    /// Whether it may raise its limits (it has CAP_SYS_RESOURCE).
    pub may_raise_limits: Option<bool>,
}

/// What systemd was told about nginx, from the files of the unit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// Such as `nginx.service`.
    pub name: String,
    /// The file and those that add to it.
    pub files: Vec<String>,
    /// `LimitNOFILE`; 0 is none set.
    pub limit_nofile: Option<u64>,
    /// `PrivateTmp`.
    pub private_tmp: Option<bool>,
}

/// A user of this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its groups, the first its own.
    pub groups: Vec<u32>,
}
