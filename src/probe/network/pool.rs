//! Many threads that mostly wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

/// So many wait at the same time at most: each has a connection open.
const MOST_THREADS: usize = 1024;

/// File descriptors that are left to everything else.
#[cfg(unix)]
const OTHER_DESCRIPTORS: u64 = 64;

/// A handshake in a build without optimisation needs a good part of it.
const STACK: usize = 512 * 1024;

/// What `work` makes of each job, in any order, by so many threads.
pub(super) fn run<T: Send, R: Send>(jobs: Vec<T>, threads: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let jobs: Vec<Mutex<Option<T>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let some = || {
        while let Some(slot) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let job = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(made) = job.map(&work) {
                done.lock().unwrap_or_else(PoisonError::into_inner).push(made);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(jobs.len()) {
            // Where no more threads are allowed, those that are there do it.
            if Builder::new().stack_size(STACK).spawn_scoped(scope, some).is_err() {
                break;
            }
        }
        some();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// How many threads may each hold a connection: as many as there are jobs, and
/// file descriptors for them.
pub(super) fn threads_for(jobs: usize) -> usize {
    jobs.min(MOST_THREADS).min(free_descriptors()).max(1)
}

/// Raises the limit as far as everybody may.
#[cfg(unix)]
fn free_descriptors() -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let wanted = MOST_THREADS as u64 + OTHER_DESCRIPTORS;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return MOST_THREADS };
    let mut limit = soft;
    if soft < wanted {
        let higher = wanted.min(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, higher, hard).is_ok() {
            limit = higher;
        }
    }
    usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(MOST_THREADS)
}

#[cfg(not(unix))]
fn free_descriptors() -> usize {
    MOST_THREADS
}
