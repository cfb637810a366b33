//! A TLS handshake that records everything and judges nothing.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, PeerMisbehaved, ProtocolVersion,
    SignatureScheme, SupportedCipherSuite,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::budget::{CHAIN_BYTES, CHAIN_CERTIFICATES};
use super::gathered::Gathered;
use super::group;
use super::meter::is_flood;
use super::overheard::{Beginning, Overheard};
use super::signature;
use danecheck_core::certificate::is_decodable;
use danecheck_core::observation::{
    Der, HandshakeFailure, LimitedOffer, Session, SessionEnd, TlsSeen,
};

/// How a handshake ended, and what it showed.
pub(super) struct Handshake<S> {
    pub(super) stream: Result<TlsStream<Gathered<Overheard<S>>>, HandshakeFailure>,
    /// Nothing where the server's certificate never came.
    pub(super) seen: Option<TlsSeen>,
    /// How many certificates came but were not kept.
    pub(super) left_out: usize,
    /// The server answered in plain text.
    pub(super) plaintext: bool,
}

/// The content of a ClientHello.
pub(super) struct Offer<'a> {
    /// A server name only if one is given.
    pub(super) sni: Option<&'a str>,
    pub(super) peer: IpAddr,
    /// Less than Postfix offers.
    pub(super) limited: Option<LimitedOffer>,
    /// Also groups that only newer Postfix offers.
    pub(super) newer: Option<group::Newer>,
}

/// Shakes hands: TLS 1.2 or 1.3, no resumption, no ALPN.
pub(super) async fn shake_hands<S>(stream: S, offer: &Offer<'_>, time: Duration) -> Handshake<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let capture = Arc::new(Capture {
        limited: offer.limited,
        ..Capture::default()
    });
    let beginning = Beginning::default();
    let stream = Gathered::new(Overheard::new(stream, beginning.clone()));
    let result = match client(capture.clone(), offer) {
        Err(text) => Err(HandshakeFailure {
            limit: true,
            ..failure(text)
        }),
        Ok((connector, name)) => match timeout(time, connect(&connector, name, stream)).await {
            Err(_) => Err(HandshakeFailure {
                timed_out: true,
                ..failure("it did not end in time".to_owned())
            }),
            Ok(Err(error)) => Err(explain(&error)),
            // "invalid session id" (openssl:`statem_clnt.c:tls_process_server_hello`).
            Ok(Ok(stream)) if is_tls13(&stream) && beginning.is_of_another_session() => Err(
                failure("the server's answer names another session than the question".to_owned()),
            ),
            Ok(Ok(stream)) => Ok(stream),
        },
    };
    let plaintext = beginning.plaintext().filter(|_| result.is_err());
    let result = result.map_err(|error| match &plaintext {
        Some(line) => failure(format!("{}{line}", HandshakeFailure::PLAINTEXT)),
        None => error,
    });
    let wanted = capture.wanted.load(Ordering::Relaxed);
    let Captured {
        mut seen,
        left_out,
        unreadable,
    } = capture.take();
    let result = match unreadable {
        Some(place) if result.is_ok() => Err(failure(HandshakeFailure::unreadable(place))),
        _ => result,
    };
    if let Some(seen) = &mut seen {
        seen.client_certificate_wanted = wanted;
        seen.name_unknown = beginning.warns_of_unknown_name();
    }
    if let Ok(stream) = &result {
        let (_, connection) = stream.get_ref();
        let seen = seen.get_or_insert_with(TlsSeen::nothing);
        seen.version = connection.protocol_version().map(version);
        seen.cipher = connection
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            // rustls has a name of its own for the suites of TLS 1.3.
            .map(|name| name.replacen("TLS13_", "TLS_", 1));
        seen.group = connection
            .negotiated_key_exchange_group()
            .map(|group| format!("{:?}", group.name()));
    }
    Handshake {
        stream: result,
        seen,
        left_out,
        plaintext: plaintext.is_some(),
    }
}

/// The handshake. An alert that says why it failed is sent; its last message goes
/// out with what is written next.
async fn connect<S>(
    connector: &TlsConnector,
    name: ServerName<'static>,
    stream: Gathered<S>,
) -> io::Result<TlsStream<Gathered<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match connector.connect(name, stream).into_fallible().await {
        Ok(mut stream) => {
            stream.get_mut().0.end_handshake();
            Ok(stream)
        }
        Err((error, mut stream)) => {
            stream.end_handshake();
            let _ = stream.flush().await;
            Err(error)
        }
    }
}

fn is_tls13<S>(stream: &TlsStream<S>) -> bool {
    let (_, connection) = stream.get_ref();
    connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
}

/// All that the ClientHello of Debian 12 may offer, as far as rustls can.
static WHOLE_OFFER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.kx_groups = group::USUAL.to_vec();
    Arc::new(provider)
});

/// What most sessions offer: everything, and no newer groups. Each session has a
/// verifier of its own in a copy of it.
static USUAL: LazyLock<Result<ClientConfig, String>> = LazyLock::new(|| {
    let nobody = Arc::new(Capture::default());
    configuration(WHOLE_OFFER.clone(), None, nobody)
});

fn configuration(
    provider: Arc<CryptoProvider>,
    limited: Option<LimitedOffer>,
    capture: Arc<Capture>,
) -> Result<ClientConfig, String> {
    let versions: &[&rustls::SupportedProtocolVersion] = match limited {
        Some(LimitedOffer::Tls12) => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(capture.clone())
        .with_client_cert_resolver(capture);
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn client(
    capture: Arc<Capture>,
    offer: &Offer<'_>,
) -> Result<(TlsConnector, ServerName<'static>), String> {
    let mut config = match (offer.limited, offer.newer) {
        (None, None) => {
            let mut config = USUAL.clone()?;
            let verifier = capture.clone();
            config.dangerous().set_certificate_verifier(verifier);
            config.client_auth_cert_resolver = capture;
            config
        }
        (None, Some(newer)) => {
            let mut provider = CryptoProvider::clone(&WHOLE_OFFER);
            provider.kx_groups.extend(newer.groups());
            configuration(Arc::new(provider), None, capture)?
        }
        (Some(limited), _) => {
            let mut provider = CryptoProvider::clone(&WHOLE_OFFER);
            let suites = &mut provider.cipher_suites;
            suites.retain(|suite| takes(limited, *suite));
            configuration(Arc::new(provider), Some(limited), capture)?
        }
    };
    config.enable_sni = offer.sni.is_some();
    let name = match offer.sni {
        Some(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| format!("`{name}` cannot be sent as a server name"))?,
        // An address is never sent as a server name (RFC 6066 section 3).
        None => ServerName::from(offer.peer),
    };
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// Whether a suite fits the limit. In TLS 1.3 no suite depends on the kind of
/// key (RFC 8446 section 4.1.1).
fn takes(limited: LimitedOffer, suite: SupportedCipherSuite) -> bool {
    let SupportedCipherSuite::Tls12(suite) = suite else {
        return limited != LimitedOffer::Tls12;
    };
    let mut schemes = suite.sign.iter();
    match limited {
        LimitedOffer::Tls12 => true,
        LimitedOffer::Rsa => schemes.any(|scheme| signature::is_rsa(*scheme)),
        LimitedOffer::Curves => schemes.any(|scheme| !signature::is_rsa(*scheme)),
    }
}

fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The words for a message that is longer than rustls takes.
pub(super) const TOO_LONG: &str = HandshakeFailure::TOO_LONG;

/// The words for a connection that ended in the handshake.
pub(super) const LOST: &str = HandshakeFailure::LOST;

fn failure(text: String) -> HandshakeFailure {
    HandshakeFailure {
        text,
        alert: None,
        timed_out: false,
        ours: false,
        limit: false,
    }
}

fn explain(error: &io::Error) -> HandshakeFailure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::AlertReceived(alert)) = inner {
        let name = alert_name(*alert);
        return HandshakeFailure {
            alert: Some(name.clone()),
            ..failure(format!("the server sent the alert {name}"))
        };
    }
    match inner {
        Some(inner) if is_own_limit(inner) => HandshakeFailure {
            ours: true,
            limit: true,
            ..failure(match is_too_long(inner) {
                true => TOO_LONG.to_owned(),
                false => "the server sent TLS that this program does not take".to_owned(),
            })
        },
        Some(rustls::Error::InvalidMessage(_)) => failure(HandshakeFailure::NOT_TLS.to_owned()),
        Some(inner) => HandshakeFailure {
            ours: true,
            ..failure(match inner {
                // Under TLS 1.2 rustls accepts fewer kinds than it can offer.
                rustls::Error::PeerMisbehaved(PeerMisbehaved::SignedKxWithWrongAlgorithm) => {
                    "the server signed in a way that this program does not support".to_owned()
                }
                rustls::Error::PeerMisbehaved(_) | rustls::Error::DecryptError => {
                    "the server broke the rules of TLS".to_owned()
                }
                rustls::Error::PeerIncompatible(_) => {
                    "the server speaks no TLS that this program knows".to_owned()
                }
                inner => inner.to_string(),
            })
        },
        None if is_flood(error) => HandshakeFailure {
            limit: true,
            ..failure(error.to_string())
        },
        None => failure(LOST.to_owned()),
    }
}

/// Whether a message is larger than rustls takes, 64 KiB; OpenSSL takes 100 KiB.
fn is_too_long(error: &rustls::Error) -> bool {
    use rustls::{Error, InvalidMessage};
    let Error::InvalidMessage(message) = error else {
        return false;
    };
    matches!(
        message,
        InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge
    )
}

/// Whether rustls ends a handshake with which OpenSSL goes on: messages larger
/// than it takes, and
/// extensions that it did not ask for (openssl:`extensions.c:tls_collect_extensions`
/// passes over those that it does not know).
fn is_own_limit(error: &rustls::Error) -> bool {
    use rustls::{Error, InvalidMessage};
    match error {
        error if is_too_long(error) => true,
        Error::InvalidMessage(message) => {
            matches!(message, InvalidMessage::UnknownCertificateExtension)
        }
        Error::PeerMisbehaved(misbehaved) => matches!(
            misbehaved,
            PeerMisbehaved::UnsolicitedCertExtension
                | PeerMisbehaved::UnsolicitedEncryptedExtension
                | PeerMisbehaved::UnsolicitedServerHelloExtension
                | PeerMisbehaved::UnexpectedCleartextExtension
                | PeerMisbehaved::BadCertChainExtensions
        ),
        _ => false,
    }
}

/// Whether another TLS could come farther with this server: where the server
/// ended it before anything was agreed on, or ours did.
pub(super) fn is_worth_another_look(session: &Session) -> bool {
    match &session.end {
        SessionEnd::HandshakeFailed(failure) => {
            let server_ended = failure.alert.is_some() || failure.text == LOST;
            failure.ours || server_ended && session.tls.is_none()
        }
        _ => false,
    }
}

/// The name of an alert in RFC 8446 section 6 and its forerunners.
pub(super) fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnrecognisedName => return "unrecognized_name".to_owned(),
        AlertDescription::UnknownCA => return "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => return "unknown_psk_identity".to_owned(),
        AlertDescription::EncryptedClientHelloRequired => return "ech_required".to_owned(),
        AlertDescription::NoCertificate => return "no_certificate_RESERVED".to_owned(),
        AlertDescription::Unknown(code) => return format!("alert {code}"),
        _ => {}
    }
    let mut name = String::new();
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[derive(Debug, Default)]
struct Captured {
    seen: Option<TlsSeen>,
    left_out: usize,
    /// The place of an entry, from 1, that OpenSSL cannot read.
    unreadable: Option<usize>,
}

/// A certificate verifier that accepts and records everything.
#[derive(Debug, Default)]
struct Capture {
    limited: Option<LimitedOffer>,
    captured: Mutex<Captured>,
    /// The server asked for a client certificate.
    wanted: AtomicBool,
}

/// There is none, but it records that the server asks.
impl ResolvesClientCert for Capture {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.wanted.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl Capture {
    fn take(&self) -> Captured {
        std::mem::take(&mut *self.captured())
    }

    fn captured(&self) -> MutexGuard<'_, Captured> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the check; the handshake continues whatever the result is.
    fn record(
        &self,
        agreed: ProtocolVersion,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> HandshakeSignatureValid {
        let check = signature::check(leaf, signed.scheme, message, signed.signature());
        if let Some(seen) = self.captured().seen.as_mut() {
            seen.version = Some(version(agreed));
            seen.signature = check;
        }
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut room = CHAIN_BYTES;
        let chain: Vec<Der> = std::iter::once(end_entity)
            .chain(intermediates)
            .take(CHAIN_CERTIFICATES)
            .map_while(|certificate| {
                room = room.checked_sub(certificate.len())?;
                Some(Der(certificate.to_vec()))
            })
            .collect();
        let mut presented = std::iter::once(end_entity).chain(intermediates);
        *self.captured() = Captured {
            unreadable: presented
                .position(|certificate| !is_decodable(certificate))
                .map(|place| place + 1),
            left_out: (intermediates.len() + 1).saturating_sub(chain.len()),
            seen: Some(TlsSeen {
                chain,
                ..TlsSeen::nothing()
            }),
        };
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(self.record(ProtocolVersion::TLSv1_2, message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(self.record(ProtocolVersion::TLSv1_3, message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = signature::SCHEMES.to_vec();
        match self.limited {
            Some(LimitedOffer::Rsa) => schemes.retain(|scheme| signature::is_rsa(*scheme)),
            Some(LimitedOffer::Curves) => schemes.retain(|scheme| !signature::is_rsa(*scheme)),
            Some(LimitedOffer::Tls12) | None => {}
        }
        schemes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_takes_and_rustls_does_not_is_a_limit_of_ours() {
        use rustls::{Error, InvalidMessage, PeerMisbehaved};
        for (error, is_ours, too_long) in [
            (
                Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge),
                true,
                true,
            ),
            (
                Error::InvalidMessage(InvalidMessage::CertificatePayloadTooLarge),
                true,
                true,
            ),
            (
                Error::InvalidMessage(InvalidMessage::UnknownCertificateExtension),
                true,
                false,
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedCertExtension),
                true,
                false,
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedEncryptedExtension),
                true,
                false,
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::UnsolicitedServerHelloExtension),
                true,
                false,
            ),
            // These end the handshake with OpenSSL too.
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                false,
                false,
            ),
            (
                Error::InvalidMessage(InvalidMessage::MissingKeyExchange),
                false,
                false,
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
                false,
                false,
            ),
            (
                Error::PeerMisbehaved(
                    PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup,
                ),
                false,
                false,
            ),
            (Error::DecryptError, false, false),
        ] {
            assert_eq!(is_own_limit(&error), is_ours, "{error:?}");
            let failure = explain(&io::Error::other(error.clone()));
            assert_eq!(failure.limit, is_ours, "{error:?}");
            assert_eq!(failure.text == TOO_LONG, too_long, "{error:?}");
        }
    }
}
