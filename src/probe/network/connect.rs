//! Connecting, and what the kernel says of it.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
#[cfg(unix)]
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::facts::{Connection, Outcome};

use super::socket::{Place, Socket};

/// No file descriptor was left: of this process, of the machine.
const NO_DESCRIPTOR: [i32; 2] = [24, 23];

/// An address of a kind that the machine does not have: of Linux, of macOS.
#[cfg(not(target_os = "macos"))]
const NOT_SUPPORTED: i32 = 97;
#[cfg(target_os = "macos")]
const NOT_SUPPORTED: i32 = 47;

/// How often, and after how long, another descriptor is waited for.
const WAITS: usize = 20;
const WAIT: Duration = Duration::from_millis(50);

/// Connects; none when there was no file descriptor to do it with.
pub(super) fn connect(place: &Place, timeout: Duration) -> (Option<Connection>, Option<Socket>) {
    for _ in 0..WAITS {
        let start = Instant::now();
        let made = match place {
            Place::Tcp(address) => TcpStream::connect_timeout(address, timeout).map(Socket::Tcp),
            #[cfg(unix)]
            Place::Unix(path) => connect_unix(path),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::Error::from_raw_os_error(NOT_SUPPORTED)),
        };
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        match made {
            Ok(socket) => {
                let outcome = Outcome::Connected;
                return (Some(Connection { outcome, milliseconds, error: None }), Some(socket));
            }
            Err(error) if error.raw_os_error().is_some_and(|number| NO_DESCRIPTOR.contains(&number)) => {
                thread::sleep(WAIT);
            }
            Err(error) => {
                let (outcome, error) = (outcome_of(&error), Some(words_of(&error)));
                return (Some(Connection { outcome, milliseconds, error }), None);
            }
        }
    }
    (None, None)
}

/// As nginx does: it does not wait when the queue of the socket is full.
#[cfg(unix)]
fn connect_unix(path: &Path) -> io::Result<Socket> {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(true)?;
    connect(stream.as_raw_fd(), &UnixAddr::new(path)?)?;
    stream.set_nonblocking(false)?;
    Ok(Socket::Unix(stream))
}

fn outcome_of(error: &io::Error) -> Outcome {
    match error.kind() {
        ErrorKind::ConnectionRefused => Outcome::Refused,
        ErrorKind::TimedOut => Outcome::TimedOut,
        ErrorKind::HostUnreachable => Outcome::HostUnreachable,
        ErrorKind::NetworkUnreachable => Outcome::NetworkUnreachable,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Outcome::Reset,
        ErrorKind::PermissionDenied => Outcome::Denied,
        ErrorKind::AddrNotAvailable => Outcome::NoLocalAddress,
        ErrorKind::NotFound | ErrorKind::NotADirectory => Outcome::Missing,
        ErrorKind::WouldBlock => Outcome::Full,
        _ if error.raw_os_error() == Some(NOT_SUPPORTED) => Outcome::NotSupported,
        _ => Outcome::Other,
    }
}

/// `111: Connection refused`, as nginx writes it.
pub(super) fn words_of(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => format!("{number}: {}", text.split(" (os error").next().unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn each_answer_of_the_kernel_has_its_outcome() {
        let table = [
            (111, Outcome::Refused),
            (110, Outcome::TimedOut),
            (113, Outcome::HostUnreachable),
            (101, Outcome::NetworkUnreachable),
            (104, Outcome::Reset),
            (13, Outcome::Denied),
            (1, Outcome::Denied),
            (99, Outcome::NoLocalAddress),
            (97, Outcome::NotSupported),
            (2, Outcome::Missing),
            (20, Outcome::Missing),
            (11, Outcome::Full),
            (22, Outcome::Other),
        ];
        for (number, expected) in table {
            assert_eq!(outcome_of(&io::Error::from_raw_os_error(number)), expected, "{number}");
        }
        assert_eq!(words_of(&io::Error::from_raw_os_error(111)), "111: Connection refused");
    }
}
