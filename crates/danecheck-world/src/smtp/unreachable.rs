//! Addresses where no server answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A port that refuses connections, and stays reserved so that no other program
/// listens there.
#[derive(Debug)]
pub struct ClosedPort {
    addr: SocketAddr,
    _bound: TcpSocket,
}

impl ClosedPort {
    /// Takes a free port of 127.0.0.1.
    pub fn new() -> io::Result<Self> {
        Self::at((Ipv4Addr::LOCALHOST, 0))
    }

    /// Takes this address; port 0 is a free one.
    pub fn at(addr: impl Into<SocketAddr>) -> io::Result<Self> {
        // Bound but not listening: connections are refused.
        let bound = bind(addr.into())?;
        Ok(Self {
            addr: bound.local_addr()?,
            _bound: bound,
        })
    }

    /// Where connections are refused.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// An address that answers no SYN, as behind a firewall that drops packets:
/// connecting lasts until the client gives up.
///
/// # Limitations
/// Linux only: other systems answer although the accept queue is full.
#[derive(Debug)]
pub struct BlackHole {
    addr: SocketAddr,
    _listener: TcpListener,
    _filler: TcpStream,
}

impl BlackHole {
    /// Opens one on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0)).await
    }

    /// Opens one at this address; port 0 is a free one.
    pub async fn start_at(addr: impl Into<SocketAddr>) -> io::Result<Self> {
        // A queue of length 0 has room for one connection, and nothing accepts
        // it.
        let listener = bind(addr.into())?.listen(0)?;
        let addr = listener.local_addr()?;
        let filler = TcpStream::connect(addr).await?;
        Ok(Self {
            addr,
            _listener: listener,
            _filler: filler,
        })
    }

    /// Where nobody answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.bind(addr)?;
    Ok(socket)
}
