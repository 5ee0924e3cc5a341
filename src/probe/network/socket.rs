//! A connection to an address or a unix domain socket, read and written with
//! deadlines.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::facts::Heard;

/// Where to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Address and port.
    Tcp(SocketAddr),
    /// Path of a unix domain socket.
    Unix(PathBuf),
}

/// A connection that was accepted.
#[derive(Debug)]
pub(super) enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a unix domain socket.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// How reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// Nothing more came in time.
    Silence,
    /// The other side ended the connection.
    Closed,
    /// The other side broke it off.
    Reset,
}

impl Ended {
    /// As what came back when nothing came before it.
    pub(super) fn heard(self) -> Heard {
        match self {
            Ended::Silence => Heard::Silence,
            Ended::Closed => Heard::Closed,
            Ended::Reset => Heard::Reset,
        }
    }
}

impl Socket {
    /// Writes all of it until then. What goes wrong shows when reading: an
    /// answer may be there although the other side takes no more.
    pub(super) fn send(&mut self, bytes: &[u8], deadline: Instant) {
        let _ = match self {
            Socket::Tcp(stream) => stream.set_write_timeout(left(deadline)).and_then(|()| stream.write_all(bytes)),
            #[cfg(unix)]
            Socket::Unix(stream) => stream.set_write_timeout(left(deadline)).and_then(|()| stream.write_all(bytes)),
        };
    }

    /// Adds what comes next, until then.
    pub(super) fn receive(&mut self, into: &mut Vec<u8>, deadline: Instant) -> Result<(), Ended> {
        let mut buffer = [0; 4096];
        loop {
            if Instant::now() >= deadline {
                return Err(Ended::Silence);
            }
            match self.read(&mut buffer, deadline) {
                Ok(0) => return Err(Ended::Closed),
                Ok(count) => {
                    into.extend_from_slice(&buffer[..count]);
                    return Ok(());
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return Err(Ended::Reset),
                    _ => return Err(Ended::Closed),
                },
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.set_read_timeout(left(deadline)).and_then(|()| stream.read(buffer)),
            #[cfg(unix)]
            Socket::Unix(stream) => stream.set_read_timeout(left(deadline)).and_then(|()| stream.read(buffer)),
        }
    }
}

/// The time until then; never zero, which would mean forever.
fn left(deadline: Instant) -> Option<Duration> {
    Some(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
}
