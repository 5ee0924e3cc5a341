//! A port on 127.0.0.1 that nobody else is given while it is ours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// A reserved port on which nothing listens.
///
/// Asking the system for a free port, closing it and handing its number to
/// nginx would leave a moment in which somebody else may get it. So a
/// connection over the port is kept: the system then gives the number to
/// nobody who asks for any free port, while a program that names it, and sets
/// `SO_REUSEADDR` as nginx does, may listen there.
pub struct Port {
    address: SocketAddr,
    _held: (TcpStream, TcpStream),
}

impl Port {
    /// Takes a port from the system.
    pub fn reserve() -> io::Result<Port> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let far_end = TcpStream::connect(address)?;
        let (near_end, _) = listener.accept()?;
        Ok(Port { address, _held: (near_end, far_end) })
    }

    /// 127.0.0.1 and the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
