//! The server's first flight, which is not encrypted: from records to handshake
//! messages (RFC 5246 sections 6.2.1 and 7.4), from messages to what was
//! agreed.

use rustls::AlertDescription;

use super::bytes::Bytes;
use super::hello::SHA1_SCHEMES;
use crate::observe::budget::{CHAIN_BYTES, CHAIN_CERTIFICATES};
use crate::observe::tls::alert_name;
use danecheck_core::certificate::is_decodable;
use danecheck_core::observation::{Der, HandshakeFailure, KeyExchange, LegacyTls};
use danecheck_core::postfix::{Exchange, Suite};

/// The longest handshake message that OpenSSL takes, without its header
/// (`SSL_MAX_CERT_LIST_DEFAULT`; openssl:`statem_clnt.c`,
/// `ossl_statem_client_max_message_size`).
const MESSAGE_BYTES: usize = 100 * 1024;

/// Why the flight ends where a message is longer than that.
pub(super) const TOO_LONG: &str = "the server sent a longer handshake message than OpenSSL takes";

/// Why the flight cannot be read, in the words of a failed handshake.
const NOT_TLS: &str = HandshakeFailure::NOT_TLS;

/// The part of a server's first flight that has arrived.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Handshake bytes that are not a whole message yet.
    pending: Vec<u8>,
    agreed: Option<Agreed>,
    chain: Vec<Der>,
    exchange: Option<(KeyExchange, Option<u16>)>,
}

/// What a ServerHello decides.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    version: u16,
    suite: &'static Suite,
}

impl Flight {
    /// Takes one record; `Some` once everything that can be known is known.
    pub(super) fn record(&mut self, kind: u8, body: &[u8]) -> Result<Option<LegacyTls>, String> {
        match kind {
            21 => return alert(body),
            22 => {}
            _ => return Err(NOT_TLS.to_owned()),
        }
        self.pending.extend(body);
        // The rest moves once for a record and not for each of its messages,
        // because a message may have only four bytes.
        let mut pending = std::mem::take(&mut self.pending);
        let mut bytes = Bytes(&pending);
        let mut left = bytes.0.len();
        while let Some((kind, message)) = message(&mut bytes)? {
            left = bytes.0.len();
            let done = self
                .message(kind, message)
                .map_err(|error| error.text(kind))?;
            if done.is_some() {
                return Ok(done);
            }
        }
        pending.drain(..pending.len() - left);
        self.pending = pending;
        Ok(None)
    }

    fn message(&mut self, kind: usize, body: &[u8]) -> Result<Option<LegacyTls>, Unfit> {
        match (kind, self.agreed) {
            // HelloRequest means nothing here (RFC 5246 section 7.4.1.1).
            (0, _) => Ok(None),
            (2, None) => self.server_hello(body).map(|()| None),
            (11, Some(_)) => {
                self.chain = certificates(body).ok_or(Unfit::Form)?;
                Ok(None)
            }
            (12, Some(agreed)) => {
                self.exchange = Some(key_exchange(agreed, body).ok_or(Unfit::Form)?);
                Ok(None)
            }
            (14, Some(agreed)) => self.finish(agreed).map(Some),
            // CertificateStatus, CertificateRequest, NewSessionTicket.
            (22 | 13 | 4, Some(_)) => Ok(None),
            _ => Err(Unfit::Order),
        }
    }

    fn server_hello(&mut self, body: &[u8]) -> Result<(), Unfit> {
        let hello = ServerHello::read(body).ok_or(Unfit::Form)?;
        let suite = Suite::find(hello.suite).ok_or(Unfit::Suite(hello.suite))?;
        match hello.version {
            0x0301..=0x0303 if suite.exchange != Exchange::Tls13 => {}
            0x0304 if hello.group.is_some_and(is_finite_field) => {
                return Err(Unfit::FiniteField);
            }
            0x0304 => return Err(Unfit::Tls13),
            other => return Err(Unfit::Version(other)),
        }
        self.agreed = Some(Agreed {
            version: hello.version,
            suite,
        });
        Ok(())
    }

    /// At ServerHelloDone.
    fn finish(&mut self, agreed: Agreed) -> Result<LegacyTls, Unfit> {
        let needs_key_exchange = agreed.suite.exchange != Exchange::Rsa;
        let needs_chain = !agreed.suite.is_anonymous();
        if needs_chain == self.chain.is_empty() || needs_key_exchange == self.exchange.is_none() {
            return Err(Unfit::Order);
        }
        let (key_exchange, scheme) = self.exchange.take().unwrap_or((KeyExchange::Rsa, None));
        Ok(LegacyTls {
            version: version_name(agreed.version),
            cipher: agreed.suite.name.to_owned(),
            anonymous: agreed.suite.is_anonymous(),
            signed: matches!(agreed.suite.exchange, Exchange::Dhe | Exchange::Ecdhe),
            sha1_signature: scheme.is_some_and(|scheme| SHA1_SCHEMES.contains(&scheme)),
            key_exchange,
            chain: std::mem::take(&mut self.chain),
        })
    }
}

/// The type and the body of the next message, if it is complete.
fn message<'a>(bytes: &mut Bytes<'a>) -> Result<Option<(usize, &'a [u8])>, String> {
    let (Some(kind), Some(length)) = (bytes.number(1), bytes.number(3)) else {
        return Ok(None);
    };
    if length > MESSAGE_BYTES {
        return Err(TOO_LONG.to_owned());
    }
    Ok(bytes.take(length).map(|body| (kind, body)))
}

/// Why a flight cannot be understood.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// A message cannot be read.
    Form,
    /// A message in the wrong place, or one that is missing.
    Order,
    /// A suite that was not offered.
    Suite(u16),
    /// Everything that follows is encrypted; our own TLS failed for a reason
    /// other than old means.
    Tls13,
    /// The same, with a group that only newer Postfix offers.
    FiniteField,
    /// A version that was not offered, or one that does not fit the suite.
    Version(u16),
}

impl Unfit {
    fn text(&self, kind: usize) -> String {
        match self {
            Self::Form => format!("the server's handshake message {kind} cannot be read"),
            Self::Order => format!("the server's handshake message {kind} is out of place"),
            Self::Suite(code) => format!(
                "the server chose the cipher suite 0x{code:04x}, which \
                                          was not offered"
            ),
            Self::Tls13 => TLS_1_3.to_owned(),
            Self::FiniteField => FINITE_FIELD.to_owned(),
            Self::Version(code) => format!(
                "the server chose the version 0x{code:04x}, which was \
                                            not offered"
            ),
        }
    }
}

/// The words for an answer whose rest is encrypted.
pub(super) const TLS_1_3: &str = "the server answers with TLS 1.3";

/// The same, in a group that only newer Postfix offers.
pub(super) const FINITE_FIELD: &str = "the server answers with TLS 1.3 in a finite field";

/// The words for an alert that also says that there is no common group.
pub(super) const NOTHING_COMMON: &str = "the server sent the alert handshake_failure";

/// ffdhe2048 and ffdhe3072.
fn is_finite_field(group: u16) -> bool {
    matches!(group, 0x0100 | 0x0101)
}

/// A warning is skipped (RFC 5246 section 7.2), anything else ends it.
fn alert(body: &[u8]) -> Result<Option<LegacyTls>, String> {
    match body {
        // unrecognized_name: Postfix's servers continue after it.
        [1, 112, ..] => Ok(None),
        [_, code, ..] => Err(format!(
            "the server sent the alert {}",
            alert_name(AlertDescription::from(*code))
        )),
        _ => Err(NOT_TLS.to_owned()),
    }
}

struct ServerHello {
    version: u16,
    suite: u16,
    /// The group of TLS 1.3.
    group: Option<u16>,
}

impl ServerHello {
    fn read(body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(body);
        let mut version = bytes.word()?;
        bytes.take(32)?;
        bytes.vector(1)?;
        let suite = bytes.word()?;
        bytes.take(1)?;
        let mut group = None;
        if !bytes.is_empty() {
            let mut extensions = bytes.vector(2)?;
            while !extensions.is_empty() {
                let number = extensions.word()?;
                let mut data = extensions.vector(2)?;
                // supported_versions (RFC 8446 section 4.2.1).
                if number == 43 {
                    version = data.word()?;
                }
                // key_share (RFC 8446 section 4.2.8), in a HelloRetryRequest too.
                if number == 51 {
                    group = data.word();
                }
            }
        }
        Some(Self {
            version,
            suite,
            group,
        })
    }
}

/// The certificates within the budget (RFC 5246 section 7.4.2); `None` if any
/// entry is none, for OpenSSL reads them all.
fn certificates(body: &[u8]) -> Option<Vec<Der>> {
    let mut list = Bytes(body).vector(3)?;
    let mut room = CHAIN_BYTES;
    let mut chain = Vec::new();
    while !list.is_empty() {
        let certificate = list.vector(3)?;
        if !is_decodable(certificate.0) {
            return None;
        }
        match room.checked_sub(certificate.0.len()) {
            Some(left) if chain.len() < CHAIN_CERTIFICATES => {
                room = left;
                chain.push(Der(certificate.0.to_vec()));
            }
            _ => room = 0,
        }
    }
    Some(chain)
}

/// The group, or the size of the prime, and the scheme of the signature
/// (RFC 5246 section 7.4.3, RFC 8422 section 5.4).
fn key_exchange(agreed: Agreed, body: &[u8]) -> Option<(KeyExchange, Option<u16>)> {
    let mut bytes = Bytes(body);
    let exchange = match agreed.suite.exchange {
        Exchange::Dhe | Exchange::AnonymousDhe => {
            let prime = bytes.vector(2)?;
            bytes.vector(2)?;
            bytes.vector(2)?;
            KeyExchange::FiniteField(bits(prime.0))
        }
        Exchange::Ecdhe | Exchange::AnonymousEcdhe => {
            // Only named curves are left (RFC 8422).
            (bytes.number(1)? == 3).then_some(())?;
            let group = bytes.word()?;
            bytes.vector(1)?;
            KeyExchange::Group(group_name(group))
        }
        Exchange::Rsa | Exchange::Tls13 => return None,
    };
    if agreed.suite.is_anonymous() {
        return Some((exchange, None));
    }
    let scheme = (agreed.version == 0x0303).then(|| bytes.word());
    bytes.vector(2)?;
    match scheme {
        Some(None) => None,
        Some(scheme) => Some((exchange, scheme)),
        None => Some((exchange, None)),
    }
}

/// The length of a big-endian number.
fn bits(number: &[u8]) -> u32 {
    let mut digits = number.iter().skip_while(|digit| **digit == 0);
    let Some(top) = digits.next() else { return 0 };
    let whole = u32::try_from(digits.count()).unwrap_or(u32::MAX / 16);
    whole * 8 + (8 - top.leading_zeros())
}

fn version_name(version: u16) -> String {
    match version {
        0x0301 => "TLSv1".to_owned(),
        other => format!("TLSv1.{}", other.saturating_sub(0x0301)),
    }
}

/// The name in the registry of TLS supported groups.
fn group_name(group: u16) -> String {
    let name = match group {
        0x17 => "secp256r1",
        0x18 => "secp384r1",
        0x19 => "secp521r1",
        0x1d => "x25519",
        0x1e => "x448",
        0x0100 => "ffdhe2048",
        0x0101 => "ffdhe3072",
        other => return format!("group {other}"),
    };
    name.to_owned()
}
