//! A runtime for hickory that keeps the bytes of each message that comes in.
//!
//! hickory drops a whole message when one record in it does not parse, and a
//! TLSA record of two bytes is such a record. Postfix does not: it uses the
//! bytes, and so do we.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hickory_resolver::net::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use tokio::io::ReadBuf;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::Notify;

use super::watched::{Watch, Watched};
use super::wire::is_bounded;

/// One question's sockets, and what they received.
#[derive(Clone, Default)]
pub(super) struct Tap {
    runtime: TokioRuntimeProvider,
    heard: Arc<Heard>,
}

#[derive(Default)]
pub(super) struct Heard {
    datagram: Mutex<Vec<u8>>,
    stream: Mutex<Vec<u8>>,
    more: Notify,
}

impl Tap {
    /// The last datagram, if it has this message id.
    pub(super) fn datagram(&self, id: u16) -> Option<Vec<u8>> {
        let datagram = locked(&self.heard.datagram).clone();
        (datagram.first_chunk() == Some(&id.to_be_bytes())).then_some(datagram)
    }

    /// The first whole message of the TCP stream.
    pub(super) async fn message(&self) -> Vec<u8> {
        loop {
            let more = self.heard.more.notified();
            if let Some(message) = first_message(&locked(&self.heard.stream)) {
                return message.to_vec();
            }
            more.await;
        }
    }
}

fn locked(bytes: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn first_message(stream: &[u8]) -> Option<&[u8]> {
    let (length, rest) = stream.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    rest.get(..length)
}

impl RuntimeProvider for Tap {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = TappedUdp;
    type Tcp = AsyncIoTokioAsStd<TappedTcp>;

    fn create_handle(&self) -> Self::Handle {
        self.runtime.create_handle()
    }

    fn connect_tcp(
        &self,
        server_addr: SocketAddr,
        bind_addr: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Tcp, io::Error>>>> {
        let connection = self.runtime.connect_tcp(server_addr, bind_addr, timeout);
        let heard = self.heard.clone();
        Box::pin(async move {
            let AsyncIoTokioAsStd(stream) = connection.await?;
            Ok(AsyncIoTokioAsStd(TappedTcp::by(stream, heard)))
        })
    }

    fn bind_udp(
        &self,
        local_addr: SocketAddr,
        server_addr: SocketAddr,
    ) -> Pin<Box<dyn Send + Future<Output = Result<Self::Udp, io::Error>>>> {
        let heard = self.heard.clone();
        Box::pin(async move {
            let socket = UdpSocket::bind(local_addr).await?;
            // Only a connected socket learns that nobody listens there.
            socket.connect(server_addr).await?;
            Ok(TappedUdp {
                socket,
                server_addr,
                heard,
            })
        })
    }
}

/// A UDP socket that keeps the last datagram.
pub(super) struct TappedUdp {
    socket: UdpSocket,
    server_addr: SocketAddr,
    heard: Arc<Heard>,
}

impl DnsUdpSocket for TappedUdp {
    type Time = TokioTime;

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        ready!(self.socket.poll_recv(cx, &mut buf))?;
        *locked(&self.heard.datagram) = buf.filled().to_vec();
        Poll::Ready(Ok((buf.filled().len(), self.server_addr)))
    }

    // tokio's `poll_recv` does not wake up when a port turns out to be closed;
    // its `recv` does.
    fn recv_from<'socket, 'buf, 'both>(
        &'socket self,
        buf: &'buf mut [u8],
    ) -> Pin<Box<dyn Future<Output = io::Result<(usize, SocketAddr)>> + Send + 'both>>
    where
        'socket: 'both,
        'buf: 'both,
        Self: 'both,
    {
        Box::pin(async move {
            let length = self.socket.recv(buf).await?;
            *locked(&self.heard.datagram) = buf.get(..length).unwrap_or_default().to_vec();
            Ok((length, self.server_addr))
        })
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        _target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_send(cx, buf)
    }
}

/// A TCP stream whose first message is kept.
type TappedTcp = Watched<TcpStream, Arc<Heard>>;

/// Two bytes of length, and the longest message.
const LONGEST: usize = 2 + 65_535;

impl Watch for Arc<Heard> {
    fn after(&mut self, buf: &mut ReadBuf<'_>, start: usize) -> Poll<io::Result<()>> {
        let new = buf.filled().get(start..).unwrap_or_default();
        let mut stream = locked(&self.stream);
        let room = LONGEST.saturating_sub(stream.len());
        stream.extend(new.iter().take(room));
        self.more.notify_one();
        // hickory would write out every name in it. The caller already has the
        // message, and finds that it is too long.
        if first_message(&stream).is_some_and(|message| !is_bounded(message)) {
            buf.set_filled(start);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}
