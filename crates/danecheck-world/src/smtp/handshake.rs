//! The server's side of the TLS handshake.

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{
    Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ProtocolVersion, RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::act::HandshakeAct;
use super::misbehaviour::Misbehaviour;
use super::personality::Personality;
use super::record::Recorder;
use super::wire::{Wire, until_closed};
use crate::pki::{Authority, Identity};
use danecheck_core::unix_time::UnixTime;

/// The identity for each name in the ClientHello.
#[derive(Debug)]
pub(super) struct Identities {
    default: Arc<CertifiedKey>,
    other: Option<Arc<CertifiedKey>>,
    /// The other one is that of TLS 1.2.
    other_in_tls12: bool,
    by_name: Vec<(String, Arc<CertifiedKey>)>,
}

impl Identities {
    pub(super) fn new(default: &Identity, by_name: &[(String, Identity)], extra: usize) -> Self {
        let key = |identity: &Identity| {
            let filler = std::iter::repeat_n(identity.leaf().clone(), extra);
            identity.clone().sending_also(filler).certified_key()
        };
        let named = |(name, identity): &(String, Identity)| (name.clone(), key(identity));
        Self {
            default: key(default),
            other: None,
            other_in_tls12: false,
            by_name: by_name.iter().map(named).collect(),
        }
    }

    pub(super) fn add_other(&mut self, other: &Identity, in_tls12: bool) {
        self.other = Some(other.certified_key());
        self.other_in_tls12 = in_tls12;
    }

    /// The identity for a client that names none.
    fn unnamed(&self, hello: &ClientHello<'_>) -> Arc<CertifiedKey> {
        let takes = |key: &CertifiedKey| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let tls13 =
            |suite: &CipherSuite| suite.as_str().is_some_and(|name| name.starts_with("TLS13"));
        let wants_other = !takes(&self.default)
            || self.other_in_tls12 && !hello.cipher_suites().iter().any(tls13);
        match &self.other {
            Some(other) if wants_other => Arc::clone(other),
            _ => Arc::clone(&self.default),
        }
    }

    fn named(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let name = name?;
        let mut named = self.by_name.iter();
        let (_, key) = named.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(Arc::clone(key))
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = self.named(hello.server_name());
        Some(named.unwrap_or_else(|| self.unnamed(&hello)))
    }
}

/// The server's TLS settings, made once.
pub(super) fn server_config(
    identities: Arc<Identities>,
    misbehaviours: &[Misbehaviour],
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let has = |one| misbehaviours.contains(&one);
    let mut versions = rustls::ALL_VERSIONS.to_vec();
    versions.retain(|one| match one.version {
        ProtocolVersion::TLSv1_2 => !has(Misbehaviour::Tls13Only),
        _ => !has(Misbehaviour::Tls12Only),
    });
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)?;
    let builder = if has(Misbehaviour::RequireClientCertificate) {
        builder.with_client_cert_verifier(client_verifier(provider, true)?)
    } else if has(Misbehaviour::AskForClientCertificate) {
        builder.with_client_cert_verifier(client_verifier(provider, false)?)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_cert_resolver(identities);
    // A resumed session shows no certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    for one in misbehaviours {
        if let Misbehaviour::TicketFlood(tickets) = one {
            config.send_tls13_tickets = *tickets;
            config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        }
    }
    Ok(Arc::new(config))
}

/// Requires or requests a certificate from an authority from which no client
/// has one.
fn client_verifier(
    provider: Arc<CryptoProvider>,
    insists: bool,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, rustls::Error> {
    let authority = Authority::root("Clients", UnixTime(0));
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().der().clone())?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match insists {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    builder
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))
}

/// Reads the ClientHello and answers it; `None` if no session came of it.
pub(super) async fn accept(
    tcp: TcpStream,
    personality: &Personality,
    recorder: &Recorder,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), tcp).await;
    let mut hello = match hello {
        Ok(hello) => hello,
        Err(error) => return Err(failed(error, recorder)),
    };
    let sni = hello.client_hello().server_name().map(str::to_owned);
    let named = personality.identities.named(sni.as_deref()).is_some();
    let names_any = sni.is_some();
    let old_suite = CipherSuite::TLS_RSA_WITH_AES_128_CBC_SHA;
    let modern = !hello.client_hello().cipher_suites().contains(&old_suite);
    recorder.note(|record| record.sni = sni);

    match personality.first(Misbehaviour::at_client_hello) {
        Some(HandshakeAct::Close) => return Ok(None),
        Some(HandshakeAct::FloodOldTls(_)) if modern => return Ok(None),
        Some(HandshakeAct::FloodOldTls(record)) => Wire::new(&mut hello.io).flood(record).await?,
        Some(HandshakeAct::Hang) => {
            until_closed(&mut hello.io).await;
            return Ok(None);
        }
        Some(HandshakeAct::SendUnlessNamed(_)) if named => {}
        Some(HandshakeAct::SendIfUnknown(_) | HandshakeAct::WarnIfUnknown(_))
            if named || !names_any => {}
        Some(HandshakeAct::WarnIfUnknown(bytes)) => hello.io.write_all(bytes).await?,
        Some(HandshakeAct::CloseIfNamed) if names_any => return Ok(None),
        Some(HandshakeAct::CloseIfUnnamed) if !names_any => return Ok(None),
        Some(HandshakeAct::HangIfNamed) if names_any => {
            until_closed(&mut hello.io).await;
            return Ok(None);
        }
        Some(
            HandshakeAct::CloseIfNamed | HandshakeAct::CloseIfUnnamed | HandshakeAct::HangIfNamed,
        ) => {}
        Some(HandshakeAct::Drip(beginning, pause)) => {
            let mut wire = Wire::new(&mut hello.io).dripping(Some(pause));
            wire.send(beginning).await?;
            wire.flood(&[0]).await?;
        }
        Some(HandshakeAct::Flood(beginning, more)) => {
            let mut wire = Wire::new(&mut hello.io);
            wire.send(beginning).await?;
            wire.flood(more).await?;
        }
        Some(
            HandshakeAct::Send(bytes)
            | HandshakeAct::SendUnlessNamed(bytes)
            | HandshakeAct::SendIfUnknown(bytes),
        ) => {
            hello.io.write_all(bytes).await?;
            until_closed(&mut hello.io).await;
            return Ok(None);
        }
        None => {}
    }

    let config = Arc::clone(&personality.config);
    let accepted = hello.into_stream(config).into_fallible().await;
    match accepted {
        Ok(tls) => {
            let version = tls.get_ref().1.protocol_version();
            recorder.note(|record| record.tls_version = version.and_then(version_name));
            Ok(Some(tls))
        }
        Err((error, mut tcp)) => {
            // Closing with unread bytes would reset the connection, and the
            // alert might be lost.
            until_closed(&mut tcp).await;
            Err(failed(error, recorder))
        }
    }
}

fn failed(error: io::Error, recorder: &Recorder) -> io::Error {
    recorder.note(|record| record.handshake_error = Some(error.to_string()));
    error
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
        ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
        _ => None,
    }
}
