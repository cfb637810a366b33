//! How an address becomes a byte stream: the only interface between the
//! dialogue and the network.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

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
}

impl Dial {
    /// Where an address leads; `None` if there is no route.
    pub(super) fn route(&self, to: SocketAddr) -> Option<SocketAddr> {
        match self {
            Self::Direct | Self::Proxied(_) => Some(to),
            Self::Routed(routes) => routes.get(&to).copied(),
        }
    }

    pub(super) async fn connect(&self, address: IpAddr, port: u16) -> io::Result<TcpStream> {
        let to = self
            .route(SocketAddr::new(address, port))
            .ok_or_else(|| io::Error::from(io::ErrorKind::HostUnreachable))?;
        let stream = TcpStream::connect(to).await?;
        // Every line is a round trip, so no line may wait for a fuller packet.
        // If the peer is already gone, the dialogue shows it.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// The proxy that connections go through.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Proxied(proxy) => Some(proxy),
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
        if let Self::Proxied(proxy) = self {
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
