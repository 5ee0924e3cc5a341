//! A sign of life on stderr when a run takes longer than people wait.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::ProgressBar;

/// So long nothing is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two pictures.
const TICK: Duration = Duration::from_millis(100);

/// Shows that work goes on, until it is dropped.
pub struct Progress {
    done: Option<Sender<()>>,
    shown: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to wait. On anything but a terminal nothing is ever shown.
    pub fn start(what: &'static str) -> Progress {
        if !io::stderr().is_terminal() {
            return Progress { done: None, shown: None };
        }
        let (done, waiting) = mpsc::channel();
        let shown = thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let spinner = ProgressBar::new_spinner().with_message(what);
                spinner.enable_steady_tick(TICK);
                let _ = waiting.recv();
                spinner.finish_and_clear();
            }
        });
        Progress { done: Some(done), shown: Some(shown) }
    }
}

/// Shows which step of a work is being done, until it is dropped.
pub struct Steps {
    bar: ProgressBar,
}

impl Steps {
    /// Begins. On anything but a terminal nothing is ever shown.
    pub fn start() -> Steps {
        let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.enable_steady_tick(TICK);
        Steps { bar }
    }

    /// What is being done, and how many of how many are.
    pub fn set(&self, what: &str, done: usize, total: usize) {
        let message = if total > 0 { format!("{what}: {done} of {total}") } else { what.to_owned() };
        self.bar.set_message(message);
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(shown) = self.shown.take() {
            let _ = shown.join();
        }
    }
}
