//! A SOCKS proxy in process (RFC 1928), whose targets have documentation
//! addresses, and its misbehaviours.

#![expect(
    clippy::disallowed_types,
    reason = "the embedded world opens sockets on loopback"
)]

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::accept::Accepting;

/// One misbehaviour of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocksMisbehaviour {
    /// Answers each request with this code (RFC 1928 section 6).
    Reply(u8),
    /// Accepts each request and closes, as `ssh -D` does if the other end
    /// cannot connect.
    YesAndHangUp,
    /// Accepts each request, and sends nothing.
    YesAndSilence,
    /// Refuses clients without this user and password (RFC 1929).
    Login(String, String),
    /// Closes at the first byte.
    HangUp,
    /// Speaks HTTP.
    NotSocks,
}

/// A proxy that runs until it is dropped.
#[derive(Debug)]
pub struct SocksProxy(Accepting);

impl SocksProxy {
    /// Starts one on a free port of loopback, from which these routes lead on.
    pub async fn start(
        routes: HashMap<SocketAddr, SocketAddr>,
        misbehaviours: Vec<SocksMisbehaviour>,
    ) -> io::Result<Self> {
        let script = Arc::new(Script {
            routes,
            misbehaviours,
        });
        let accepting = Accepting::start((Ipv4Addr::LOCALHOST, 0).into(), move |stream| {
            let script = Arc::clone(&script);
            async move {
                let _ = script.serve(stream).await;
            }
        });
        Ok(Self(accepting.await?))
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr()
    }
}

struct Script {
    routes: HashMap<SocketAddr, SocketAddr>,
    misbehaviours: Vec<SocksMisbehaviour>,
}

const SUCCEEDED: u8 = 0;
const HOST_UNREACHABLE: u8 = 4;
const CONNECTION_REFUSED: u8 = 5;

impl Script {
    fn has(&self, way: &SocksMisbehaviour) -> bool {
        self.misbehaviours.contains(way)
    }

    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let _version = client.read_u8().await?;
        if self.has(&SocksMisbehaviour::HangUp) {
            return Ok(());
        }
        if self.has(&SocksMisbehaviour::NotSocks) {
            return client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
        let mut methods = vec![0; usize::from(client.read_u8().await?)];
        client.read_exact(&mut methods).await?;
        if !self.greet(&mut client, &methods).await? {
            return Ok(());
        }
        let to = target(&mut client).await?;
        for way in &self.misbehaviours {
            match way {
                SocksMisbehaviour::Reply(code) => return reply(&mut client, *code).await,
                SocksMisbehaviour::YesAndHangUp => return reply(&mut client, SUCCEEDED).await,
                SocksMisbehaviour::YesAndSilence => {
                    reply(&mut client, SUCCEEDED).await?;
                    let _ = client.read(&mut [0; 1]).await;
                    return Ok(());
                }
                _ => {}
            }
        }
        let Some(route) = self.routes.get(&to) else {
            return reply(&mut client, HOST_UNREACHABLE).await;
        };
        match TcpStream::connect(route).await {
            Err(_) => reply(&mut client, CONNECTION_REFUSED).await,
            Ok(mut server) => {
                let _ = server.set_nodelay(true);
                reply(&mut client, SUCCEEDED).await?;
                copy_bidirectional(&mut client, &mut server).await?;
                Ok(())
            }
        }
    }

    /// The choice of a method, and the login; returns whether the client may
    /// continue.
    async fn greet(&self, client: &mut TcpStream, methods: &[u8]) -> io::Result<bool> {
        let login = self.misbehaviours.iter().find_map(|way| match way {
            SocksMisbehaviour::Login(user, password) => Some((user, password)),
            _ => None,
        });
        let Some((user, password)) = login else {
            client.write_all(&[5, 0]).await?;
            return Ok(true);
        };
        if !methods.contains(&2) {
            client.write_all(&[5, 0xff]).await?;
            return Ok(false);
        }
        client.write_all(&[5, 2]).await?;
        client.read_u8().await?;
        let mut right = true;
        for word in [user, password] {
            let mut said = vec![0; usize::from(client.read_u8().await?)];
            client.read_exact(&mut said).await?;
            right &= said == word.as_bytes();
        }
        client.write_all(&[1, u8::from(!right)]).await?;
        Ok(right)
    }
}

/// The address in a request.
async fn target(client: &mut TcpStream) -> io::Result<SocketAddr> {
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    let ip = match head {
        [_, _, _, 1] => Ipv4Addr::from_bits(client.read_u32().await?).into(),
        [_, _, _, 4] => Ipv6Addr::from_bits(client.read_u128().await?).into(),
        // Names are looked up at the client's end.
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    Ok(SocketAddr::new(ip, client.read_u16().await?))
}

async fn reply(client: &mut TcpStream, code: u8) -> io::Result<()> {
    client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await
}
