//! HTTPS servers with named misbehaviours: they send an MTA-STS policy (RFC
//! 8461 section 3.3), or fail to.

#![expect(
    clippy::disallowed_types,
    reason = "the embedded world opens sockets on loopback"
)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::accept::Accepting;
use super::pki::Identity;

/// The longest request that is read.
const REQUEST: usize = 8 * 1024;

/// One misbehaviour of a policy server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// Answers with this status.
    Status(u16),
    /// Sends clients elsewhere, with 301.
    Redirect(String),
    /// Says that the body is of this type; an empty text leaves the type out.
    ContentType(String),
    /// Sends the body in chunks (RFC 9112 section 7.1), which is allowed.
    Chunked,
    /// Sends `mx:` lines after the body for as long as the client listens.
    EndlessBody,
    /// Sends header fields for as long as the client listens.
    EndlessHeader,
    /// Reads the request and does not answer.
    Hang,
    /// Announces the length of the body, but does not send its end.
    HangInBody,
    /// Reads the request and closes.
    Close,
    /// Closes in the middle of the body.
    CloseInBody,
    /// Closes the connection after the body without the end of TLS
    /// (`close_notify`).
    NoCloseNotify,
    /// Sends this behind the body: an empty line too many, or worse.
    Behind(&'static str),
    /// Speaks SMTP inside TLS.
    NotHttp,
    /// Closes in place of the handshake.
    NoTls,
    /// Never answers the ClientHello.
    SilentInHandshake,
}

/// The builder of a policy server: healthy, on a free port of 127.0.0.1.
#[derive(Clone, Debug)]
pub struct PolicyServer {
    identity: Identity,
    body: Vec<u8>,
    faults: Vec<PolicyFault>,
}

impl PolicyServer {
    /// A server with this certificate that sends this text.
    pub fn new(identity: Identity, body: impl Into<Vec<u8>>) -> Self {
        Self {
            identity,
            body: body.into(),
            faults: Vec::new(),
        }
    }

    /// Adds these misbehaviours.
    #[must_use]
    pub fn misbehaving(mut self, ways: impl IntoIterator<Item = PolicyFault>) -> Self {
        self.faults.extend(ways);
        self
    }

    /// Starts it. The errors are those of listening.
    pub async fn start(self) -> io::Result<RunningPolicyServer> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(self.identity.chain_der(), self.identity.key_der())
            .map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let seen: Seen = Arc::default();
        let (server, log) = (Arc::new(self), Arc::clone(&seen));
        let accepting = Accepting::start((Ipv4Addr::LOCALHOST, 0).into(), move |tcp| {
            let (server, acceptor) = (Arc::clone(&server), acceptor.clone());
            let log = Arc::clone(&log);
            async move {
                // A client may close at any time.
                let _ = server.serve(tcp, &acceptor, &log).await;
            }
        });
        Ok(RunningPolicyServer {
            accepting: accepting.await?,
            seen,
        })
    }

    fn has(&self, fault: &PolicyFault) -> bool {
        self.faults.contains(fault)
    }

    async fn serve(&self, mut tcp: TcpStream, tls: &TlsAcceptor, log: &Seen) -> io::Result<()> {
        if self.has(&PolicyFault::NoTls) {
            return Ok(());
        }
        if self.has(&PolicyFault::SilentInHandshake) {
            return until_closed(&mut tcp).await;
        }
        let mut stream = tls.accept(tcp).await?;
        let sni = stream.get_ref().1.server_name().map(str::to_owned);
        let request = request(&mut stream).await?;
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(PolicyRequestSeen { sni, request });
        self.respond(&mut stream).await
    }

    async fn respond<S>(&self, stream: &mut S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.has(&PolicyFault::Hang) {
            return until_closed(stream).await;
        }
        if self.has(&PolicyFault::Close) {
            return stream.shutdown().await;
        }
        if self.has(&PolicyFault::NotHttp) {
            stream.write_all(b"220 mail.example.com ESMTP\r\n").await?;
            return until_closed(stream).await;
        }
        stream.write_all(self.header().as_bytes()).await?;
        while self.has(&PolicyFault::EndlessHeader) {
            stream.write_all(b"X-More: and more\r\n").await?;
        }
        stream.write_all(b"\r\n").await?;
        if self.has(&PolicyFault::Chunked) {
            for part in self.body.chunks(7) {
                let length = format!("{:x}\r\n", part.len());
                stream.write_all(length.as_bytes()).await?;
                stream.write_all(part).await?;
                stream.write_all(b"\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
            return stream.shutdown().await;
        }
        stream.write_all(&self.body).await?;
        stream.flush().await?;
        while self.has(&PolicyFault::EndlessBody) {
            stream.write_all(b"mx: more.example.com\r\n").await?;
        }
        for fault in &self.faults {
            if let PolicyFault::Behind(text) = fault {
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await?;
            }
        }
        if self.has(&PolicyFault::HangInBody) {
            return until_closed(stream).await;
        }
        if self.has(&PolicyFault::NoCloseNotify) {
            return Ok(());
        }
        stream.shutdown().await
    }

    fn header(&self) -> String {
        let redirect = self.faults.iter().find_map(|fault| match fault {
            PolicyFault::Redirect(to) => Some(to),
            _ => None,
        });
        let status = self.faults.iter().find_map(|fault| match fault {
            PolicyFault::Status(status) => Some(*status),
            _ => None,
        });
        let content_type = self.faults.iter().find_map(|fault| match fault {
            PolicyFault::ContentType(text) => Some(text.as_str()),
            _ => None,
        });
        let status = status.unwrap_or(if redirect.is_some() { 301 } else { 200 });
        let mut header = format!("HTTP/1.1 {status} -\r\n");
        match content_type.unwrap_or("text/plain") {
            "" => {}
            text => header.push_str(&format!("Content-Type: {text}\r\n")),
        }
        if let Some(to) = redirect {
            header.push_str(&format!("Location: {to}\r\n"));
        }
        let longer = [PolicyFault::HangInBody, PolicyFault::CloseInBody];
        if self.has(&PolicyFault::Chunked) {
            header.push_str("Transfer-Encoding: chunked\r\n");
        } else if longer.iter().any(|fault| self.has(fault)) {
            header.push_str(&format!("Content-Length: {}\r\n", self.body.len() + 10));
        } else if !self.has(&PolicyFault::EndlessBody) {
            header.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        header
    }
}

/// Reads up to the empty line that ends a request without body.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") && bytes.len() < REQUEST {
        bytes.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn until_closed<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut nobody_cares = [0; 256];
    while stream.read(&mut nobody_cares).await? > 0 {}
    Ok(())
}

/// One request, as a policy server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRequestSeen {
    /// The server name of the ClientHello.
    pub sni: Option<String>,
    /// The request line and the header.
    pub request: String,
}

type Seen = Arc<Mutex<Vec<PolicyRequestSeen>>>;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct RunningPolicyServer {
    accepting: Accepting,
    seen: Seen,
}

impl RunningPolicyServer {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.accepting.addr()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<PolicyRequestSeen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
