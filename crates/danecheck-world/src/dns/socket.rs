//! Sockets on loopback, UDP and TCP at the same port.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a server on loopback: it opens sockets, and waits where it is told to be slow"
)]

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::error::WorldError;
use super::misbehaviour::{Outcome, Reaction};
use super::packet::EDNS_PAYLOAD;
use super::query_log::Transport;

/// How often to try another port after UDP got one that TCP did not get.
const PORT_ATTEMPTS: usize = 32;

/// The service behind the sockets.
pub(super) trait Serve: Send + Sync + 'static {
    /// Handles a packet.
    fn react(&self, packet: &[u8], transport: Transport) -> impl Future<Output = Reaction> + Send;
}

/// Sockets that are served until this is dropped.
#[derive(Debug)]
pub(super) struct Serving {
    addr: SocketAddr,
    _tasks: JoinSet<()>,
    /// Reserved, so that no other program listens there.
    _refusing: Option<TcpSocket>,
}

impl Serving {
    /// Serves at `wanted`; port 0 is a free one.
    pub(super) async fn start<S: Serve>(
        wanted: SocketAddr,
        server: Arc<S>,
    ) -> Result<Self, WorldError> {
        let (udp, tcp) = bind(wanted, |addr| async move { TcpListener::bind(addr).await }).await?;
        let addr = local(&udp, wanted)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(Arc::new(udp), Arc::clone(&server)));
        tasks.spawn(serve_tcp(tcp, server));
        Ok(Self {
            addr,
            _tasks: tasks,
            _refusing: None,
        })
    }

    /// Serves over UDP alone; TCP connections are refused.
    pub(super) async fn start_without_tcp<S: Serve>(
        wanted: SocketAddr,
        server: Arc<S>,
    ) -> Result<Self, WorldError> {
        let (udp, refusing) = bind(wanted, |addr| async move {
            let socket = match addr {
                SocketAddr::V4(_) => TcpSocket::new_v4(),
                SocketAddr::V6(_) => TcpSocket::new_v6(),
            }?;
            socket.bind(addr).map(|()| socket)
        })
        .await?;
        let addr = local(&udp, wanted)?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(Arc::new(udp), server));
        Ok(Self {
            addr,
            _tasks: tasks,
            _refusing: Some(refusing),
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

fn failed(wanted: SocketAddr) -> impl Fn(io::Error) -> WorldError {
    move |source| WorldError::Socket {
        address: wanted.to_string(),
        source,
    }
}

fn local(udp: &UdpSocket, wanted: SocketAddr) -> Result<SocketAddr, WorldError> {
    udp.local_addr().map_err(failed(wanted))
}

/// One port for both transports: clients know only one.
async fn bind<T, F>(
    wanted: SocketAddr,
    tcp: impl Fn(SocketAddr) -> F,
) -> Result<(UdpSocket, T), WorldError>
where
    F: Future<Output = io::Result<T>>,
{
    let failed = failed(wanted);
    let mut attempts = 0;
    loop {
        attempts += 1;
        let udp = UdpSocket::bind(wanted).await.map_err(&failed)?;
        match tcp(local(&udp, wanted)?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && wanted.port() == 0
                    && attempts < PORT_ATTEMPTS => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn serve_udp<S: Serve>(socket: Arc<UdpSocket>, server: Arc<S>) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    // Dropped, and so ended, with the loop.
    let mut pending = JoinSet::new();
    loop {
        // A client that has closed causes an error at the next datagram.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default().to_vec();
        let (socket, server) = (Arc::clone(&socket), Arc::clone(&server));
        pending.spawn(async move {
            let response = match settle(&*server, &packet, Transport::Udp).await {
                Outcome::Respond(response) | Outcome::Drip(response, _) => response,
                Outcome::Flood => vec![0; usize::from(EDNS_PAYLOAD)],
                Outcome::Ignore | Outcome::Close => return,
            };
            let _ = socket.send_to(&response, client).await;
        });
        while pending.try_join_next().is_some() {}
    }
}

async fn serve_tcp<S: Serve>(listener: TcpListener, server: Arc<S>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve_connection(stream, Arc::clone(&server)));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Queries one after the other (RFC 7766 section 6.2.1) until either side
/// closes.
async fn serve_connection<S: Serve>(mut stream: TcpStream, server: Arc<S>) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        match settle(&*server, &packet, Transport::Tcp).await {
            Outcome::Respond(response) => {
                let Ok(length) = u16::try_from(response.len()) else {
                    return;
                };
                let framed = [length.to_be_bytes().as_slice(), &response].concat();
                if stream.write_all(&framed).await.is_err() {
                    return;
                }
            }
            Outcome::Drip(response, pause) => {
                let Ok(length) = u16::try_from(response.len()) else {
                    return;
                };
                for byte in length.to_be_bytes().into_iter().chain(response) {
                    tokio::time::sleep(pause).await;
                    if stream.write_u8(byte).await.is_err() {
                        return;
                    }
                }
            }
            // A length of 0xffff, and as many zeros.
            Outcome::Flood => while stream.write_all(&[0xff; 4096]).await.is_ok() {},
            Outcome::Ignore => {}
            Outcome::Close => return,
        }
    }
}

async fn settle<S: Serve>(server: &S, packet: &[u8], transport: Transport) -> Outcome {
    let Reaction { after, outcome } = server.react(packet, transport).await;
    if !after.is_zero() {
        tokio::time::sleep(after).await;
    }
    outcome
}
