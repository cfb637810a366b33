//! Distance: a relay that delays every byte.
//!
//! Loopback has no latency, and a checker that is fast there may still make
//! more round trips than it needs. This is the only place that waits by design.
//!
//! # Limitations
//! The kernel establishes a connection at once. The relay compensates: it
//! reaches the target one and a half round trips later, as the third segment of
//! the TCP handshake would. So the server's first bytes arrive after two round
//! trips, as over a real network. The client sees this time while it waits for
//! the greeting, not while it connects. A target that refuses looks like one
//! that closes without a greeting.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the embedded world opens sockets on loopback, and this part of it waits"
)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::accept::Accepting;
use super::clock::until;

/// How many pieces may be on their way in one direction.
const IN_FLIGHT: usize = 1024;

/// A relay that runs until it is dropped; its connections end with it.
#[derive(Debug)]
pub struct DelayRelay {
    accepting: Accepting,
}

impl DelayRelay {
    /// Relays from a free port of 127.0.0.1 to `target`, and delays every byte
    /// by `one_way` in each direction: a round trip takes twice that.
    pub async fn start(target: SocketAddr, one_way: Duration) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0), target, one_way).await
    }

    /// Relays from `addr`; port 0 is a free one.
    pub async fn start_at(
        addr: impl Into<SocketAddr>,
        target: SocketAddr,
        one_way: Duration,
    ) -> io::Result<Self> {
        let accepting = Accepting::start(addr.into(), move |client| async move {
            // A connection that breaks is the end of it on both sides.
            let _ = relay(client, target, one_way).await;
        });
        Ok(Self {
            accepting: accepting.await?,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.accepting.addr()
    }
}

async fn relay(client: TcpStream, target: SocketAddr, one_way: Duration) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (client_sender, client_bytes) = mpsc::channel(IN_FLIGHT);
    let (server_sender, server_bytes) = mpsc::channel(IN_FLIGHT);
    let far_side = async {
        until(Instant::now() + one_way * 3).await;
        let server = TcpStream::connect(target).await?;
        server.set_nodelay(true)?;
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(
            collect(from_server, server_sender, one_way),
            deliver(client_bytes, to_server),
        )
    };
    tokio::try_join!(
        // What the client says early is held until the far side is there.
        collect(from_client, client_sender, one_way),
        deliver(server_bytes, to_client),
        far_side,
    )?;
    Ok(())
}

/// Bytes on their way, and when they arrive. No bytes mean the end.
type Piece = (Instant, Vec<u8>);

async fn collect(
    mut from: impl AsyncRead + Unpin,
    to: mpsc::Sender<Piece>,
    one_way: Duration,
) -> io::Result<()> {
    loop {
        let mut bytes = Vec::with_capacity(4 * 1024);
        let count = from.read_buf(&mut bytes).await?;
        let arrival = Instant::now() + one_way;
        if to.send((arrival, bytes)).await.is_err() || count == 0 {
            return Ok(());
        }
    }
}

async fn deliver(
    mut from: mpsc::Receiver<Piece>,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some((arrival, bytes)) = from.recv().await {
        until(arrival).await;
        if bytes.is_empty() {
            break;
        }
        to.write_all(&bytes).await?;
    }
    to.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Leaf;
    use crate::smtp::{ClosedPort, MailServer, Misbehaviour, RunningMailServer};
    use danecheck_core::unix_time::UnixTime;

    const ONE_WAY: Duration = Duration::from_millis(20);

    async fn distant(server: &RunningMailServer) -> (DelayRelay, TcpStream, Instant) {
        let relay = DelayRelay::start(server.addr(), ONE_WAY).await.unwrap();
        let begun = Instant::now();
        let client = TcpStream::connect(relay.addr()).await.unwrap();
        (relay, client, begun)
    }

    fn server(ways: impl IntoIterator<Item = Misbehaviour>) -> MailServer {
        let identity = Leaf::new(["mx1.example.com"]).self_signed(UnixTime(1_795_312_923));
        MailServer::new(identity).misbehaving(ways)
    }

    /// Exactly one line: a flood never ends.
    async fn line(client: &mut TcpStream) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(client.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap()
    }

    #[tokio::test]
    async fn a_greeting_takes_two_round_trips_and_a_command_one() {
        let server = server([]).start().await.unwrap();
        let (_relay, mut client, begun) = distant(&server).await;
        assert!(line(&mut client).await.starts_with("220 "));
        assert!(begun.elapsed() >= ONE_WAY * 4);

        let begun = Instant::now();
        client.write_all(b"NOOP\r\n").await.unwrap();
        assert_eq!(line(&mut client).await, "250 2.0.0 Ok\r\n");
        assert!(begun.elapsed() >= ONE_WAY * 2);

        let begun = Instant::now();
        client.write_all(b"QUIT\r\n").await.unwrap();
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.unwrap();
        assert!(rest.starts_with("221 "));
        assert!(begun.elapsed() >= ONE_WAY * 2);
    }

    #[tokio::test]
    async fn bytes_that_arrive_together_are_held_together() {
        let server = server([Misbehaviour::Drip(Duration::ZERO)])
            .start()
            .await
            .unwrap();
        let (_relay, mut client, _) = distant(&server).await;
        let begun = Instant::now();
        let greeting = line(&mut client).await;
        // One byte after another, each held for its own time, would take
        // `ONE_WAY` times the length.
        assert!(begun.elapsed() < ONE_WAY * u32::try_from(greeting.len()).unwrap());
    }

    #[tokio::test]
    async fn the_far_side_learns_that_the_client_left() {
        let server = server([Misbehaviour::NoGreeting]).start().await.unwrap();
        let (_relay, client, _) = distant(&server).await;
        drop(client);
        assert_eq!(server.sessions_after(1).await.len(), 1);
    }

    #[tokio::test]
    async fn a_flood_through_the_relay_stops_with_its_client() {
        let server = server([Misbehaviour::MultilineFlood])
            .start()
            .await
            .unwrap();
        let (_relay, mut client, _) = distant(&server).await;
        assert!(line(&mut client).await.starts_with("220-"));
        drop(client);
        assert_eq!(server.sessions_after(1).await.len(), 1);
    }

    #[tokio::test]
    async fn a_target_that_refuses_closes() {
        let closed = ClosedPort::new().unwrap();
        let relay = DelayRelay::start(closed.addr(), ONE_WAY).await.unwrap();
        let mut client = TcpStream::connect(relay.addr()).await.unwrap();
        let mut bytes = Vec::new();
        assert_eq!(client.read_to_end(&mut bytes).await.unwrap(), 0);
    }
}
