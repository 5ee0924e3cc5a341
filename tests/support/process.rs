//! A program whose standard error is read as it writes, whose every wait has
//! an end, and that does not outlive the test.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Runs a program and, beside it, a watcher that reads our end of a pipe: when
/// the pipe closes, because the program was dropped or because the test died
/// of whatever cause, the watcher ends the program. `exec` keeps the process
/// number, so `$$` is the program. The watcher is started from a subshell to
/// be no child of the program, which would be told of its end.
const SCRIPT: &str = r#"
[ -z "$OPEN_FILES" ] || ulimit -S -n "$OPEN_FILES" || exit 1
exec 3<&0 </dev/null
( ( exec >/dev/null 2>&1; read -r _ <&3; kill -TERM $$ ) & )
exec 3<&-
exec "$@"
"#;

/// How long a program may take to end once it was told to.
const TIME_TO_END: Duration = Duration::from_secs(5);
/// Between two looks whether it has.
const BREATH: Duration = Duration::from_millis(5);

/// A running program.
pub struct Process {
    child: Child,
    lifeline: Option<ChildStdin>,
    output: Arc<Output>,
}

/// What the program wrote to standard error so far.
#[derive(Default)]
struct Output {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    text: String,
    /// Nobody can write any more: the program and its children have ended.
    complete: bool,
}

impl Process {
    /// Starts a program in a directory, where whatever it writes by relative
    /// paths stays, with a limit on its open files if one is given.
    pub fn start(program: &str, arguments: &[&str], directory: &Path, open_files: Option<u32>) -> io::Result<Process> {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "sh", program])
            .args(arguments)
            .current_dir(directory)
            .env("OPEN_FILES", open_files.map(|limit| limit.to_string()).unwrap_or_default())
            // nginx takes this for a list of sockets to inherit.
            .env_remove("NGINX")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let lifeline = child.stdin.take();
        let output = Arc::new(Output::default());
        if let Some(stderr) = child.stderr.take() {
            let output = Arc::clone(&output);
            thread::spawn(move || output.collect(stderr));
        }
        Ok(Process { child, lifeline, output })
    }

    /// Waits until the text satisfies a condition. False when the program
    /// ended, or the time was over, before it did.
    pub fn wait_for(&self, condition: impl Fn(&str) -> bool, at_most: Duration) -> bool {
        let written = self.output.wait(at_most, |written| written.complete || condition(&written.text));
        condition(&written.text)
    }

    /// Waits until the program ends by itself.
    pub fn wait_for_end(&self, at_most: Duration) -> bool {
        self.output.wait(at_most, |written| written.complete).complete
    }

    /// Ends the program if it has not ended. Returns how it ended, and all
    /// that it wrote.
    pub fn end(mut self) -> io::Result<(ExitStatus, String)> {
        let status = self.shut_down()?;
        Ok((status, self.output.lock().text.clone()))
    }

    /// Whether the program has ended; unlike the end of its output, which a
    /// program may lead elsewhere.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn shut_down(&mut self) -> io::Result<ExitStatus> {
        drop(self.lifeline.take());
        let deadline = Instant::now() + TIME_TO_END;
        self.wait_for_end(TIME_TO_END);
        while !self.has_ended() && Instant::now() < deadline {
            thread::sleep(BREATH);
        }
        if !self.has_ended() {
            self.child.kill()?;
        }
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After `end` this finds an ended program and does nothing.
        let _ = self.shut_down();
    }
}

impl Output {
    fn collect(&self, stderr: impl Read) {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            self.lock().text.push_str(&String::from_utf8_lossy(&line));
            self.changed.notify_all();
            line.clear();
        }
        self.lock().complete = true;
        self.changed.notify_all();
    }

    fn wait(&self, at_most: Duration, condition: impl Fn(&Written) -> bool) -> MutexGuard<'_, Written> {
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, |written| !condition(written));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
