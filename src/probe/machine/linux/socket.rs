//! What listens on this machine, and where its connections lead to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::facts::{Facts, ListeningSocket};

use super::super::Sources;
use super::missed::{Missed, in_words};
use super::{diag, owner};

/// Fewer connections than this to one place are not counted.
const MANY: u64 = 1000;

/// The state of a socket of TCP that listens, and of one of UDP that takes
/// datagrams from everybody.
const LISTENS: u8 = 0x0A;
const TAKES_DATAGRAMS: u8 = 0x07;

/// The flag of a unix domain socket that takes connections.
const TAKES_CONNECTIONS: u32 = 0x1_0000;

/// The tables of sockets with addresses.
const TABLES: [(&str, bool); 4] =
    [("/proc/net/tcp", false), ("/proc/net/tcp6", false), ("/proc/net/udp", true), ("/proc/net/udp6", true)];
const UNIX: &str = "/proc/net/unix";

/// A line of such a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    local: SocketAddr,
    remote: SocketAddr,
    state: u8,
    /// Of a socket that listens: so many connections wait.
    received: u64,
    inode: u64,
}

/// What was found in the tables.
#[derive(Default)]
struct Found {
    listening: Vec<(ListeningSocket, u64)>,
    outgoing: FxHashMap<SocketAddr, u64>,
}

/// Adds what listens, who that is, and where many connections lead to.
pub(super) fn look(sources: &Sources, facts: &mut Facts, missed: &mut Missed) {
    let mut found = Found::default();
    let mut is_known = true;
    for (path, udp) in TABLES {
        let read = each_line(sources, path, |line| {
            if let Some(row) = parse_row(line) {
                found.add(row, udp);
            }
        });
        is_known &= is_read(read, path, !path.ends_with('6'), missed);
    }
    let read = each_line(sources, UNIX, |line| found.listening.extend(parse_unix(line)));
    is_known &= is_read(read, UNIX, true, missed);
    let many = found.outgoing.into_iter().filter(|(_, count)| *count >= MANY);
    facts.machine.outgoing = many.map(|(address, count)| (address.to_string(), count)).collect();
    if is_known {
        let inodes: FxHashSet<u64> = found.listening.iter().map(|(_, inode)| *inode).collect();
        let owners = owner::of_sockets(sources, &inodes, missed);
        let queues = if sources.are_this_machine() { diag::queues() } else { FxHashMap::default() };
        facts.listening = Some(together(found.listening, &owners, &queues));
    }
}

impl Found {
    fn add(&mut self, row: Row, udp: bool) {
        let is_open = row.remote.port() == 0 && row.state == if udp { TAKES_DATAGRAMS } else { LISTENS };
        if is_open {
            let waiting = (!udp).then_some(row.received);
            let socket = ListeningSocket { address: row.local.to_string(), udp, waiting, ..ListeningSocket::default() };
            self.listening.push((socket, row.inode));
        } else if !udp && row.remote.port() != 0 {
            *self.outgoing.entry(row.remote).or_default() += 1;
        }
    }
}

/// One entry for each address, whoever shares it; with the process of the
/// lowest number, which is the one that opened it.
fn together(
    sockets: Vec<(ListeningSocket, u64)>,
    owners: &FxHashMap<u64, owner::Owner>,
    queues: &FxHashMap<u64, diag::Queue>,
) -> Vec<ListeningSocket> {
    let mut by_address: BTreeMap<(bool, String), ListeningSocket> = BTreeMap::new();
    for (mut socket, inode) in sockets {
        if let Some(owner) = owners.get(&inode) {
            socket.pid = Some(owner.pid);
            socket.process = Some(owner.name.clone());
        }
        if let Some(queue) = queues.get(&inode).filter(|_| !socket.udp) {
            socket.waiting = queue.waiting.or(socket.waiting);
            socket.backlog = queue.backlog;
            socket.only_ipv6 = queue.only_ipv6.filter(|_| socket.address.starts_with('['));
        }
        let key = (socket.udp, socket.address.clone());
        let Some(known) = by_address.get_mut(&key) else {
            by_address.insert(key, socket);
            continue;
        };
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        known.waiting = sum(known.waiting, socket.waiting);
        known.backlog = sum(known.backlog, socket.backlog);
        if socket.pid.is_some() && known.pid.is_none_or(|pid| socket.pid.is_some_and(|other| other < pid)) {
            (known.pid, known.process) = (socket.pid, socket.process);
        }
    }
    by_address.into_values().collect()
}

/// Whether a table was read; one that a kernel without IPv6 lacks is empty.
fn is_read(read: io::Result<()>, path: &str, must_be: bool, missed: &mut Missed) -> bool {
    match read {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_be => true,
        Err(error) => {
            missed.add(path, in_words(&error));
            false
        }
    }
}

/// Calls with each line but the first. The tables may have hundreds of
/// thousands.
fn each_line(sources: &Sources, path: &str, mut call: impl FnMut(&str)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(sources.at(path))?);
    let mut line = Vec::new();
    let mut is_head = true;
    while reader.read_until(b'\n', &mut line)? > 0 {
        if !std::mem::take(&mut is_head) {
            call(String::from_utf8_lossy(&line).trim_end_matches('\n'));
        }
        line.clear();
    }
    Ok(())
}

/// `sl: LOCAL REMOTE STATE SENT:RECEIVED TIMER RETRIES UID TIMEOUT INODE`
fn parse_row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (parse_address(words.next()?)?, parse_address(words.next()?)?);
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let received = u64::from_str_radix(words.next()?.split_once(':')?.1, 16).ok()?;
    let inode = words.nth(4)?.parse().ok()?;
    Some(Row { local, remote, state, received, inode })
}

/// `0100007F:0016`: words of 32 bits as this machine has them in memory.
/// Addresses of IPv4 in the form of IPv6 are shown as what they are.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = host.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let host = match host.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(host, port))
}

/// `NUMBER: REFERENCES PROTOCOL FLAGS TYPE STATE INODE PATH`, when it takes
/// connections and has a path.
fn parse_unix(line: &str) -> Option<(ListeningSocket, u64)> {
    let mut words = line.split_ascii_whitespace();
    let flags = u32::from_str_radix(words.nth(3)?, 16).ok()?;
    let inode: u64 = words.nth(2)?.parse().ok()?;
    // The path may hold blanks.
    let path = line.get(line.find(" /")? + 1..)?;
    let address = format!("unix:{path}");
    (flags & TAKES_CONNECTIONS != 0).then(|| (ListeningSocket { address, ..ListeningSocket::default() }, inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_people_write() {
        let table = [
            ("0100007F:0016", Some("127.0.0.1:22")),
            ("00000000:0050", Some("0.0.0.0:80")),
            ("00000000000000000000000000000000:0050", Some("[::]:80")),
            ("00000000000000000000000001000000:1F90", Some("[::1]:8080")),
            ("0000000000000000FFFF00000100007F:1F90", Some("127.0.0.1:8080")),
            ("0000000000000000FFFF000000000000:1F90", Some("0.0.0.0:8080")),
            ("01:1", None),
            ("0100007F", None),
            ("äöüäöü0x:0016", None),
        ];
        // These are as a machine writes them that has the lowest byte first.
        for (text, expected) in table.into_iter().filter(|_| cfg!(target_endian = "little")) {
            let parsed = parse_address(text).map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn unix_sockets_that_take_connections() {
        let table = [
            ("ffff: 00000002 00000000 00010000 0001 01 24411 /run/app.sock", Some("unix:/run/app.sock")),
            ("ffff: 00000002 00000000 00010000 0001 01 24411 /run/my app.sock", Some("unix:/run/my app.sock")),
            ("ffff: 00000002 00000000 00000000 0002 01 24411 /run/log", None),
            ("ffff: 00000002 00000000 00010000 0001 01 24411 @abstract", None),
            ("ffff: 00000003 00000000 00000000 0001 03 24411", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_unix(text).map(|(socket, _)| socket.address).as_deref(), expected, "{text}");
        }
    }
}
