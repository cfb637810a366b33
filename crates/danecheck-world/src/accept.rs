//! Listening on loopback: one task per connection, and all of them end with
//! the listener.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the embedded world opens sockets on loopback and runs tasks"
)]

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A listening socket and its connections, which end when it is dropped.
#[derive(Debug)]
pub(super) struct Accepting {
    addr: SocketAddr,
    task: AbortHandle,
}

impl Accepting {
    /// Listens on `addr` and calls `serve` for each connection.
    pub(super) async fn start<F, S>(addr: SocketAddr, serve: F) -> io::Result<Self>
    where
        F: FnMut(TcpStream) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, serve)).abort_handle();
        Ok(Self { addr, task })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<F, S>(listener: TcpListener, mut serve: F)
where
    F: FnMut(TcpStream) -> S,
    S: Future<Output = ()> + Send + 'static,
{
    // Dropped with this task, and then aborts every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Nagle's algorithm would merge pieces that have to be sent
                    // separately.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
                // Out of descriptors: one becomes free when a connection ends.
                Err(_) => if connections.join_next().await.is_none() { return },
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
