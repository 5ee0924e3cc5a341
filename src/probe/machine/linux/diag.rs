//! What the kernel says of sockets that listen, and does not write into its
//! tables: how many connections may wait, and whether a socket of IPv6 takes
//! those of IPv4 too. It is asked as `ss` asks it.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use rustc_hash::FxHashMap;

/// The longest that the kernel may take to answer, in seconds.
const PATIENCE: i64 = 2;

/// Numbers of the kernel's interface (`linux/sock_diag.h`, `inet_diag.h`,
/// `unix_diag.h`).
const BY_FAMILY: u16 = 20;
const ALL_OF_THEM: u16 = 0x301;
const FAMILY_UNIX: u8 = 1;
const FAMILY_IPV4: u8 = 2;
const FAMILY_IPV6: u8 = 10;
const PROTOCOL_TCP: u8 = 6;
const THAT_LISTEN: u32 = 1 << 10;
const SHOW_QUEUE: u32 = 0x10;
const ATTRIBUTE_QUEUE: u16 = 4;
const ATTRIBUTE_ONLY_IPV6: u16 = 11;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// How long the parts of messages are.
const HEADER: usize = 16;
const INET_REQUEST: usize = 56;
const INET_ANSWER: usize = 72;
const UNIX_ANSWER: usize = 16;

/// A socket that listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Queue {
    /// So many connections wait.
    pub waiting: Option<u64>,
    /// So many may.
    pub backlog: Option<u64>,
    /// Of a socket of IPv6: it takes no connections of IPv4.
    pub only_ipv6: Option<bool>,
}

/// What is known of sockets that listen, by inode; nothing where the kernel
/// does not answer such questions.
pub(super) fn queues() -> FxHashMap<u64, Queue> {
    let mut queues = FxHashMap::default();
    for request in [inet_request(FAMILY_IPV4), inet_request(FAMILY_IPV6), unix_request()] {
        // What was not said is not known.
        let _ = ask(&request, &mut queues);
    }
    queues
}

fn inet_request(family: u8) -> Vec<u8> {
    let mut body = vec![family, PROTOCOL_TCP, 0, 0];
    body.extend(THAT_LISTEN.to_ne_bytes());
    body.resize(INET_REQUEST, 0);
    body
}

fn unix_request() -> Vec<u8> {
    let mut body = vec![FAMILY_UNIX, 0, 0, 0];
    for word in [THAT_LISTEN, 0, SHOW_QUEUE, 0, 0] {
        body.extend(word.to_ne_bytes());
    }
    body
}

fn ask(body: &[u8], queues: &mut FxHashMap<u64, Queue>) -> nix::Result<()> {
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(PATIENCE))?;
    let length = u32::try_from(HEADER + body.len()).map_err(|_| Errno::EINVAL)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(BY_FAMILY.to_ne_bytes());
    message.extend(ALL_OF_THEM.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    listen(&socket, queues)
}

fn listen(socket: &OwnedFd, queues: &mut FxHashMap<u64, Queue>) -> nix::Result<()> {
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if length == 0 || !read_messages(&buffer[..length], queues) {
            return Ok(());
        }
    }
}

/// Whether more is to come.
fn read_messages(mut bytes: &[u8], queues: &mut FxHashMap<u64, Queue>) -> bool {
    while let (Some(length), Some(kind)) = (word(bytes, 0), half(bytes, 4)) {
        let length = length as usize;
        if kind == DONE || kind == ERROR || length < HEADER {
            return false;
        }
        let Some(body) = bytes.get(HEADER..length) else { return false };
        queues.extend(read_answer(body));
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    true
}

fn read_answer(body: &[u8]) -> Option<(u64, Queue)> {
    if *body.first()? == FAMILY_UNIX {
        let queue = attribute(body.get(UNIX_ANSWER..)?, ATTRIBUTE_QUEUE)?;
        let (waiting, backlog) = (word(queue, 0).map(u64::from), word(queue, 4).map(u64::from));
        return Some((word(body, 4)?.into(), Queue { waiting, backlog, only_ipv6: None }));
    }
    let only_ipv6 = attribute(body.get(INET_ANSWER..)?, ATTRIBUTE_ONLY_IPV6);
    let queue = Queue {
        waiting: word(body, 56).map(u64::from),
        backlog: word(body, 60).map(u64::from),
        only_ipv6: only_ipv6.and_then(|value| value.first()).map(|value| *value != 0),
    };
    Some((word(body, 68)?.into(), queue))
}

/// Each is its length, its kind, and so many bytes.
fn attribute(mut bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (length, kind) = (usize::from(half(bytes, 0)?), half(bytes, 2)?);
        let value = bytes.get(4..length)?;
        if kind == wanted {
            return Some(value);
        }
        bytes = bytes.get(aligned(length)..)?;
    }
}

fn aligned(length: usize) -> usize {
    length.div_ceil(4) * 4
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
