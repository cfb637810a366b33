//! What was seen, as plain data: the whole input of every judgement.
//!
//! What the network does is data here, not an error. An observation can be
//! saved and judged again later (`--save`, `--replay`).

mod any_lookup;
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
    LegacySeen, LegacyTls, LimitedLook, LimitedOffer, Reply, Session, SessionEnd, SignatureCheck,
    TlsSeen,
};
pub use single::{SingleLookup, SingleReply};

/// The version of the saved form; another one is refused.
pub const OBSERVATION_FORMAT: u32 = 1;

/// Everything seen of one next hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// [`OBSERVATION_FORMAT`].
    pub format: u32,
    /// What was looked at.
    pub next_hop: NextHop,
    /// When; also the time at which certificates are judged.
    pub checked_at: UnixTime,
    /// Who answered the questions.
    pub resolver: ResolverSeen,
    /// The MX lookup; none for a bracketed next hop.
    pub mx: Option<Lookup<MxRecord>>,
    /// The MX hosts in the order of preference, or the next hop itself where
    /// there is no MX record.
    pub hosts: Vec<HostSeen>,
    /// Where trust for `verify` and `secure` comes from.
    pub trust_store: TrustStoreSeen,
    /// What a budget cut off, one sentence each.
    pub cuts: Vec<String>,
    /// MTA-STS and TLS reporting; nothing where they were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta_sts: Option<MtaStsSeen>,
    /// The Postfix on this machine, where it was asked (`--sender local`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_sender: Option<LocalSenderSeen>,
    /// The proxy through which mail servers were connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What was taken for granted of the mail servers, none of which was
    /// connected to then: every session ended as [`SessionEnd::Assumed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<Assumption>,
    /// The MX hosts that were not looked at by wish, and count for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

impl Observation {
    /// Whether it has seen any of these hosts.
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

/// What is taken for granted of mail servers that are not connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// Each does what DNS asks of it (`--dns-only`).
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
    /// Why that was not shown, as far as it could be told.
    #[serde(default)]
    pub shortcoming: Option<Shortcoming>,
}

/// Why a resolver that answers does not show that it validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shortcoming {
    /// It hands out data that is bogus.
    DoesNotValidate,
    /// It withholds data that is bogus, and yet sets no AD bit.
    AdStripped,
    /// It hands out no signatures, although it is asked for them.
    NotDnssecCapable,
}

/// Whether a resolver was shown to validate, by Postfix's own probe: the AD
/// bit on `. NS` (`dns_sec_probe`), or on any other answer of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolverValidation {
    /// Some answer carried the AD bit.
    Shown,
    /// It answered, and no answer carried the AD bit.
    NotShown,
    /// It answered nothing at all.
    NoAnswer,
}

/// One MX host, or the next hop itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSeen {
    /// The name as the MX record has it; an address in text form where the
    /// target is a literal.
    pub name: String,
    /// Its IPv4 addresses; none asked for a literal or an invalid name.
    pub a: Option<Lookup<IpAddr>>,
    /// Its IPv6 addresses.
    pub aaaa: Option<Lookup<IpAddr>>,
    /// The `CNAME` query that Postfix adds where an alias leads out of the
    /// signed tree (`tls_dane_resolve`).
    pub alias: Option<Lookup<String>>,
    /// The TLSA lookups, in the order in which Postfix asks.
    pub tlsa: Vec<TlsaLookup>,
    /// Each address and what it said.
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
    /// domain in play. Empty where the address was left out.
    pub sessions: Vec<Session>,
    /// The reserved block for whose sake it was left out: nobody in the
    /// public internet has such an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<String>,
    /// The reply with which the server refused for now, where it was asked
    /// again after a pause; the sessions are those of the second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at_first: Option<Reply>,
    /// What the server shows to clients that offer less than Postfix, where
    /// that was asked for (`--thorough`).
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

/// The part of the trust store that can matter for the chains seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustStoreSeen {
    /// `system`, `mozilla` or the path that was given.
    pub source: String,
    /// Its certificates that share a name with a chain seen, closed under
    /// "issuer of"; the others cannot take part in any path.
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
