//! What was seen, as plain data: the whole input of every judgement.
//!
//! What the network does is data here, not an error. An observation can be
//! saved and judged again later (`--save`, `--replay`).

mod any_lookup;
mod cut;
mod local_sender;
mod lookup;
mod mta_sts;
mod name_server;
mod session;
mod single;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::next_hop::NextHop;
use crate::tlsa::TlsaRecord;
use crate::unix_time::UnixTime;

pub use any_lookup::AnyLookup;
pub use cut::Cut;
pub use local_sender::{LocalSenderSeen, PolicyLookup, TableAnswer};
pub use lookup::{
    Answer, Denial, ExtendedError, FailureKind, Lookup, LookupFailure, MxRecord, RecordSet,
    RecordType,
};
pub use mta_sts::{MtaStsSeen, PolicyEnd, PolicyFetch, PolicyResponse, PolicyVisit};
pub use name_server::{
    AuthoritySeen, NameServerAddressSeen, NameServerAnswer, NameServerAnswers, NameServerFailure,
    NameServerReply, NameServerSeen,
};
pub use session::{
    ConnectFailure, ConnectFailureKind, HandshakeFailure, Interruption, KeyExchange, LegacyAnswer,
    LegacySeen, LegacyTls, LimitedLook, LimitedOffer, Onward, Reply, Session, SessionEnd,
    SignatureCheck, TlsSeen, Unasked,
};
pub use single::{SingleLookup, SingleReply};

/// The version of the saved form. Format 1, whose [`Observation::cuts`] are
/// sentences, is still read; any other is refused.
pub const OBSERVATION_FORMAT: u32 = 2;

/// The oldest version of the saved form that is read.
const OLDEST_FORMAT: u32 = 1;

/// Everything seen of one next hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// [`OBSERVATION_FORMAT`], or that of the version that saved it.
    pub format: u32,
    /// What was checked.
    pub next_hop: NextHop,
    /// When it was checked; also the time at which certificates are judged.
    pub checked_at: UnixTime,
    /// The resolver that answered the questions.
    pub resolver: ResolverSeen,
    /// The MX lookup; `None` for a bracketed next hop.
    pub mx: Option<Lookup<MxRecord>>,
    /// The MX hosts in the order of preference, or the next hop itself if there
    /// is no MX record.
    pub hosts: Vec<HostSeen>,
    /// The trust store for `verify` and `secure`.
    pub trust_store: TrustStoreSeen,
    /// What a budget cut off.
    pub cuts: Vec<Cut>,
    /// MTA-STS and TLS reporting; `None` if they were not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta_sts: Option<MtaStsSeen>,
    /// The Postfix on this machine, if it was asked (`--sender local`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_sender: Option<LocalSenderSeen>,
    /// The proxy through which mail servers were connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What danecheck assumed about the mail servers instead of connecting to
    /// them: every session ended as [`SessionEnd::Assumed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<Assumption>,
    /// The MX hosts that were to be skipped, and count for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

impl Observation {
    /// Whether this version knows the form in which it was saved.
    pub fn has_known_format(&self) -> bool {
        (OLDEST_FORMAT..=OBSERVATION_FORMAT).contains(&self.format)
    }

    /// Whether it contains any of these hosts.
    pub fn looks_at_any(&self, hosts: &[String]) -> bool {
        self.hosts.iter().any(|host| hosts.contains(&host.name))
    }

    /// The same as if these hosts had been skipped.
    #[must_use]
    pub fn skipping(&self, hosts: &[String]) -> Self {
        let mut rest = self.clone();
        let (skipped, kept) = rest
            .hosts
            .into_iter()
            .partition(|host| hosts.contains(&host.name));
        let skipped: Vec<HostSeen> = skipped;
        rest.hosts = kept;
        rest.skipped
            .extend(skipped.into_iter().map(|host| host.name));
        rest
    }
}

/// What danecheck assumes about mail servers to which it does not connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// Each behaves as DNS requires (`--dns-only`).
    DnsOnly,
    /// Each shows the certificates of this file (`--cert`).
    Certificate(String),
}

/// The recursive resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolverSeen {
    /// `address:port` of each server that may have been asked.
    pub addresses: Vec<String>,
    /// Whether it validates.
    pub validation: ResolverValidation,
    /// Why it did not prove that, if known.
    #[serde(default)]
    pub shortcoming: Option<Shortcoming>,
}

/// Why a resolver that answers does not prove that it validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcoming {
    /// It sends data that is bogus.
    DoesNotValidate,
    /// It withholds data that is bogus, but sets no AD bit.
    AdStripped,
    /// It sends no signatures, although the query asks for them.
    NotDnssecCapable,
}

/// Whether a resolver proved that it validates, by Postfix's own probe: the AD
/// bit on `. NS` (`dns_sec_probe`), or on any other answer of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolverValidation {
    /// Some answer carried the AD bit.
    Shown,
    /// It answered, but no answer carried the AD bit.
    NotShown,
    /// It answered nothing at all.
    NoAnswer,
}

/// One MX host, or the next hop itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSeen {
    /// The name in the MX record; an address in text form if the target is a
    /// literal.
    pub name: String,
    /// Its IPv4 addresses; not asked for a literal or an invalid name.
    pub a: Option<Lookup<IpAddr>>,
    /// Its IPv6 addresses.
    pub aaaa: Option<Lookup<IpAddr>>,
    /// The `CNAME` query that Postfix adds if an alias leads out of the signed
    /// tree (`tls_dane_resolve`).
    pub alias: Option<Lookup<String>>,
    /// The TLSA lookups, in the order in which Postfix asks.
    pub tlsa: Vec<TlsaLookup>,
    /// Each address and its sessions.
    pub addresses: Vec<AddressSeen>,
}

/// The TLSA lookup at one candidate for the TLSA base domain (RFC 7672
/// section 2.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsaLookup {
    /// The candidate.
    pub base_domain: String,
    /// The lookup at `_port._tcp.` below it.
    pub lookup: Lookup<TlsaRecord>,
}

/// One address of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressSeen {
    /// The address.
    pub address: IpAddr,
    /// The sessions: one without SNI, and one with the SNI of each TLSA base
    /// domain that counts. Empty if danecheck did not connect to the address.
    pub sessions: Vec<Session>,
    /// The reserved block of the address, if danecheck did not connect because
    /// of it: no host in the public internet has such an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<String>,
    /// The reply with which the server refused for now, if danecheck tried
    /// again after a pause; the sessions are those of the second attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at_first: Option<Reply>,
    /// What the server shows to clients that offer less than Postfix, if that
    /// was asked for (`--thorough`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limited: Vec<LimitedLook>,
}

impl AddressSeen {
    /// The session with this SNI, or without any.
    pub fn session(&self, sni: Option<&str>) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.sni.as_deref() == sni)
    }
}

/// The part of the trust store that matters for the chains seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStoreSeen {
    /// `system`, `mozilla` or the path that was given.
    pub source: String,
    /// Its certificates that share a name with a chain seen, closed under
    /// "issuer of"; the others cannot be part of any path.
    pub certificates: Vec<Der>,
}

/// DER bytes; saved as base64.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Der(pub Vec<u8>);

impl std::fmt::Debug for Der {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Der({} bytes)", self.0.len())
    }
}

impl From<Der> for String {
    fn from(der: Der) -> Self {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(der.0)
    }
}

impl TryFrom<String> for Der {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .map(Self)
    }
}
