//! A client that looks, judges nothing, and tells silence from closing.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Long enough for any server here to answer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long silence has to last to count. A busy machine makes a silent
/// server no louder.
const SILENCE: Duration = Duration::from_millis(60);

/// A reply past this many bytes is a test's mistake, caught before it takes
/// the machine's memory.
const LONGEST_REPLY: usize = 64 * 1024;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A whole reply, with its line ends.
    Reply(String),
    Closed,
    Reset,
}

impl Heard {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Reply(text) => text,
            other => panic!("no reply: {other:?}"),
        }
    }
}

pub(super) struct Client<S> {
    pub(super) stream: S,
    pub(super) unread: Vec<u8>,
}

impl Client<TcpStream> {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap())
    }

    /// As far as the server lets a client go: greeting, EHLO, STARTTLS.
    pub(super) async fn starttls(addr: SocketAddr) -> Self {
        let mut client = Self::connect(addr).await;
        assert!(client.heard().await.text().starts_with("220"));
        assert!(client.say("EHLO me").await.text().starts_with("250"));
        assert!(client.say("STARTTLS").await.text().starts_with("220"));
        client
    }

    pub(super) async fn handshake(
        self,
        sni: Option<&str>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<(Client<TlsStream<TcpStream>>, Seen), io::Error> {
        let seen = Arc::new(Seen::default());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Permissive(provider, Arc::clone(&seen))))
            .with_no_client_auth();
        config.enable_sni = sni.is_some();
        let name = sni.unwrap_or("unnamed.example.com").to_owned();
        let name = ServerName::try_from(name).unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, self.stream);
        let stream = tokio::time::timeout(PATIENCE, connecting).await.unwrap()?;
        let seen = Seen(Mutex::new(seen.0.lock().unwrap().clone()));
        Ok((Client::over(stream), seen))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn over(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(super) async fn say(&mut self, line: &str) -> Heard {
        let line = format!("{line}\r\n");
        match self.stream.write_all(line.as_bytes()).await {
            Ok(()) => self.heard().await,
            Err(_) => Heard::Reset,
        }
    }

    pub(super) async fn heard(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.reply()).await;
        heard.expect("a server that answers or closes")
    }

    /// Whether nothing at all comes.
    pub(super) async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(SILENCE, self.reply()).await.is_err()
    }

    async fn reply(&mut self) -> Heard {
        loop {
            if let Some(reply) = self.take_reply() {
                return Heard::Reply(reply);
            }
            assert!(self.unread.len() < LONGEST_REPLY, "a flood, not a reply");
            match self.stream.read_buf(&mut self.unread).await {
                Ok(0) => return Heard::Closed,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Heard::Closed,
                Err(_) => return Heard::Reset,
                Ok(_) => {}
            }
        }
    }

    fn take_reply(&mut self) -> Option<String> {
        let mut end = 0;
        for line in self.unread.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                return None;
            }
            end += line.len();
            if line.get(3) != Some(&b'-') {
                let reply: Vec<u8> = self.unread.drain(..end).collect();
                return Some(String::from_utf8_lossy(&reply).into_owned());
            }
        }
        None
    }

    /// Closes its side and hears whether the server, which hung, does too.
    pub(super) async fn leaves(&mut self) -> Heard {
        self.stream.shutdown().await.unwrap();
        self.heard().await
    }
}

/// The chain as the server sent it.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Vec<CertificateDer<'static>>>);

impl Seen {
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Debug)]
struct Permissive(Arc<CryptoProvider>, Arc<Seen>);

impl ServerCertVerifier for Permissive {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut chain = vec![leaf.clone().into_owned()];
        chain.extend(rest.iter().map(|one| one.clone().into_owned()));
        *self.1.0.lock().unwrap() = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
