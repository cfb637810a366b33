//! How an address becomes a byte stream: the only interface between the
//! dialogue and the network.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use super::budget::Deadline;
use super::connect_failure::connect_failure;
use super::proxy::Proxy;
use danecheck_core::observation::{Interruption, SessionEnd};

/// Where connections go.
#[derive(Clone, Debug, Default)]
pub enum Dial {
    /// To the address itself.
    #[default]
    Direct,
    /// To the target in this map; an address that is not in it has no route.
    /// For worlds on one host whose servers have documentation addresses.
    Routed(HashMap<SocketAddr, SocketAddr>),
    /// Through a proxy.
    Proxied(Proxy),
    /// The same way from addresses of this machine.
    From(Sources, Box<Dial>),
}

/// The addresses of this machine that connections come from
/// (`smtp_bind_address`, `smtp_bind_address6`); `None` if the system chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// For connections over IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// For connections over IPv6.
    pub ipv6: Option<Ipv6Addr>,
}

impl Sources {
    /// The one for connections to this address.
    fn to(self, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(_) => self.ipv4.map(IpAddr::V4),
            IpAddr::V6(_) => self.ipv6.map(IpAddr::V6),
        }
    }
}

impl Dial {
    /// Where an address leads; `None` if there is no route.
    pub(super) fn route(&self, to: SocketAddr) -> Option<SocketAddr> {
        match self {
            Self::Direct | Self::Proxied(_) => Some(to),
            Self::Routed(routes) => routes.get(&to).copied(),
            Self::From(_, way) => way.route(to),
        }
    }

    /// The same way from these addresses.
    #[must_use]
    pub fn from(self, sources: Sources) -> Self {
        if sources == Sources::default() {
            return self;
        }
        Self::From(sources, Box::new(self))
    }

    /// The address that a connection to this one comes from, if that is set.
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        match self {
            Self::From(sources, _) => sources.to(to),
            Self::Direct | Self::Routed(_) | Self::Proxied(_) => None,
        }
    }

    pub(super) async fn connect(&self, address: IpAddr, port: u16) -> io::Result<TcpStream> {
        let to = self
            .route(SocketAddr::new(address, port))
            .ok_or_else(|| io::Error::from(io::ErrorKind::HostUnreachable))?;
        let stream = match self.source(to.ip()) {
            None => TcpStream::connect(to).await?,
            Some(source) => {
                let socket = match source {
                    IpAddr::V4(_) => TcpSocket::new_v4(),
                    IpAddr::V6(_) => TcpSocket::new_v6(),
                }?;
                socket.bind(SocketAddr::new(source, 0))?;
                socket.connect(to).await?
            }
        };
        // Every line is a round trip, so no line may wait for a fuller packet.
        // If the peer is already gone, the dialogue shows it.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// The proxy that connections go through.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Proxied(proxy) => Some(proxy),
            Self::From(_, way) => way.proxy(),
            Self::Direct | Self::Routed(_) => None,
        }
    }

    /// Connects in time, or says how the session ended, in the words that
    /// Postfix logs.
    pub(super) async fn reach(
        &self,
        address: IpAddr,
        port: u16,
        step: std::time::Duration,
        deadline: Deadline,
    ) -> Result<TcpStream, SessionEnd> {
        if let Some(proxy) = self.proxy() {
            let to = SocketAddr::new(address, port);
            let stream = proxy.reach(to, step, deadline).await;
            return stream.map_err(SessionEnd::NotConnected);
        }
        let error = match deadline.run(step, self.connect(address, port)).await {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => error,
            None => io::ErrorKind::TimedOut.into(),
        };
        // A connection that fails is refused, never reset: this one was
        // accepted, and closed before we looked.
        if error.kind() == io::ErrorKind::ConnectionReset {
            return Err(SessionEnd::NoGreeting(Interruption::Lost));
        }
        Err(SessionEnd::NotConnected(connect_failure(&error)))
    }
}
