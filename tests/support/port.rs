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
        Port::reserve_number(0)
    }

    /// Takes a free port whose number is written almost like this one.
    pub fn reserve_near(number: u16) -> io::Result<Port> {
        let near = [1, 10, 2, 20, 3, 30, 4, 40, 100, 200, 1000, 2000];
        let near = near.into_iter().flat_map(|step| [number.checked_add(step), number.checked_sub(step)]);
        let taken = near.flatten().map(Port::reserve_number);
        taken.flatten().next().ok_or(io::Error::from(io::ErrorKind::AddrInUse))
    }

    fn reserve_number(number: u16) -> io::Result<Port> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
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
