//! Names, as the system resolves them for nginx when it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::Builder;
use std::time::{Duration, Instant};

use dns_lookup::{AddrInfoHints, getaddrinfo};

use crate::facts::{NotExamined, Resolution};

/// So many names are resolved at the same time.
const THREADS: usize = 128;

/// What the system is extended with may need a good part of it.
const STACK: usize = 1024 * 1024;

/// What nginx asks for: only kinds of addresses that this machine has.
#[cfg(unix)]
const FLAGS: i32 = nix::libc::AI_ADDRCONFIG;
#[cfg(not(unix))]
const FLAGS: i32 = 0x0400;

/// What became of the names.
#[derive(Default)]
pub(super) struct Names {
    pub(super) resolved: BTreeMap<String, Resolution>,
    pub(super) not_examined: Vec<NotExamined>,
}

/// Resolves all of them, within that time. A thread that waits for the system
/// any longer is left to itself: nothing can end it.
pub(super) fn resolve(names: &BTreeSet<String>, time: Duration, step: &dyn Fn()) -> Names {
    let deadline = Instant::now() + time;
    let waiting = Arc::new(Mutex::new(names.iter().cloned().collect::<Vec<String>>()));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..names.len().min(THREADS) {
        let (waiting, sender) = (Arc::clone(&waiting), sender.clone());
        let work = move || {
            while let Some(name) = next(&waiting).filter(|_| Instant::now() < deadline) {
                let resolution = look_up(&name);
                if sender.send((name, resolution)).is_err() {
                    return;
                }
            }
        };
        if Builder::new().stack_size(STACK).spawn(work).is_err() {
            break;
        }
    }
    drop(sender);
    let mut found = Names::default();
    while let Ok((name, resolution)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        found.resolved.insert(name, resolution);
        step();
    }
    let why = format!("the system did not resolve it within {} ms", time.as_millis());
    let missing = names.iter().filter(|name| !found.resolved.contains_key(*name));
    found.not_examined = missing.map(|name| NotExamined { what: name.clone(), why: why.clone() }).collect();
    found
}

fn next(waiting: &Mutex<Vec<String>>) -> Option<String> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn look_up(name: &str) -> Resolution {
    let hints =
        AddrInfoHints { flags: FLAGS, socktype: dns_lookup::SockType::Stream.into(), ..AddrInfoHints::default() };
    let mut addresses: Vec<String> = Vec::new();
    match getaddrinfo(Some(name), None, Some(hints)) {
        Ok(found) => {
            for entry in found.flatten() {
                let address = entry.sockaddr.ip().to_string();
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            let error = addresses.is_empty().then(|| "no address".to_owned());
            Resolution { addresses, error }
        }
        Err(error) => {
            let text = io::Error::from(error).to_string();
            let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned();
            Resolution { addresses, error: Some(text) }
        }
    }
}
