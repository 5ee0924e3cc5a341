//! The installed `nginx -t`, asked often: each time in a directory of its own
//! that goes afterwards, as nobody when we are root, within limits of time and
//! memory. Nothing that a configuration says can leave anything behind.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nginx_lint::catalog::Version;
use nginx_lint::model::Profile;

use super::answer::{Answer, Message};
use super::nginx::installed;

/// The user and group "nobody".
const NOBODY: u32 = 65_534;

/// Names are not waited for; nobody's `nginx -t` takes a hundredth of a second.
const SCRIPT: &str = "ulimit -v 4000000; exec timeout -k 1 10 \"$@\"";

/// What `timeout` answers of what took too long; beyond 128, of what a signal
/// ended.
const TOO_LONG: i32 = 124;
const SIGNALLED: i32 = 128;

/// The installed nginx.
pub struct Oracle {
    program: String,
    /// The release.
    pub version: Version,
    /// What it was built with.
    pub profile: Profile,
}

/// What came of asking.
pub enum Reply {
    /// nginx answered.
    Answer(Answer),
    /// It took too long, or crashed.
    Nothing,
}

impl Oracle {
    /// The nginx of this machine.
    pub fn new() -> Oracle {
        let nginx = installed().unwrap_or_else(|error| panic!("{error}"));
        let number = |index: usize| nginx.version.get(index).copied().unwrap_or_default() as u16;
        let version = Version::new(number(0), number(1), number(2));
        let profile = Profile { version: Some(version), modules: Some(nginx.modules()), ..Profile::default() };
        Oracle { program: nginx.program.clone(), version, profile }
    }

    /// What `nginx -t` says of a configuration; messages name it `nginx.conf`.
    pub fn ask(&self, text: &str) -> Reply {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        for name in ["conf", "logs", "tmp"] {
            fs::create_dir(root.join(name)).expect("created");
        }
        fs::write(root.join("conf/nginx.conf"), text).expect("written");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh", &self.program, "-t", "-e", "stderr", "-p"]).arg(root);
        command.arg("-c").arg(root.join("conf/nginx.conf"));
        command.current_dir(root).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("RES_OPTIONS", "timeout:1 attempts:1").stdin(Stdio::null());
        if fs::metadata(root).expect("just made").uid() == 0 {
            for path in [root.to_path_buf(), root.join("logs"), root.join("tmp")] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("ours to give");
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().expect("sh runs");
        if output.status.code().is_none_or(|code| code == TOO_LONG || code > SIGNALLED) {
            return Reply::Nothing;
        }
        let written = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/conf/", root.display()), "");
        let messages = written.lines().filter_map(Message::read).collect();
        Reply::Answer(Answer { accepted: output.status.success(), messages })
    }
}
