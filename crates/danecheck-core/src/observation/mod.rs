//! What was seen, as plain data: the whole input of every judgement.
//!
//! What the network does is data here, not an error. An observation can be
//! saved and judged again later (`--save`, `--replay`).

mod any_lookup;
mod contact;
mod cut;
mod der;
mod family;
mod handshake_failure;
mod host;
mod local_sender;
mod lookup;
mod machine;
mod mta_sts;
mod name_server;
mod refusal;
mod resolver;
mod session;
mod single;

use serde::{Deserialize, Serialize};

use crate::next_hop::NextHop;
use crate::unix_time::UnixTime;

pub use any_lookup::{AnyLookup, InZoneFile};
pub use contact::ContactSeen;
pub use cut::Cut;
pub use der::Der;
pub use family::AddressFamily;
pub use handshake_failure::{HandshakeCause, HandshakeFailure};
pub use host::{AddressSeen, HostSeen, TlsaLookup, UnusedTlsa};
pub use local_sender::{LocalSenderSeen, PolicyLookup, TableAnswer};
pub use lookup::{
    Answer, Denial, ExtendedError, FailureKind, Lookup, LookupFailure, MxRecord, RecordSet,
    RecordType,
};
pub use machine::{
    ChrootSeen, MachineSeen, MailcowParts, PolicyServiceSeen, PostfixServiceSeen, ResolverProbes,
    TrustStoreSize,
};
pub use mta_sts::{MtaStsSeen, PolicyEnd, PolicyFetch, PolicyResponse, PolicyVisit, Unfinished};
pub use name_server::{
    AuthoritySeen, NameServerAddressSeen, NameServerAnswer, NameServerAnswers, NameServerFailure,
    NameServerReply, NameServerSeen,
};
pub use refusal::held_alone;
pub use resolver::{ResolverSeen, ResolverValidation, Shortcoming};
pub use session::{
    ConnectFailure, ConnectFailureKind, Interruption, KeyExchange, LegacyAnswer, LegacySeen,
    LegacyTls, LimitedLook, LimitedOffer, Onward, OwnHello, Reply, Session, SessionEnd,
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
    /// The hosts of MX records that Postfix does not use, because one of the
    /// records is a null MX: DNS lookups only, which a policy service makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<HostSeen>,
    /// The trust store for `verify` and `secure`.
    pub trust_store: TrustStoreSeen,
    /// What a budget cut off.
    pub cuts: Vec<Cut>,
    /// MTA-STS and TLS reporting; `None` if they were not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta_sts: Option<MtaStsSeen>,
    /// The contact of the domain's zone, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactSeen>,
    /// The Postfix on this machine, if it was asked (`--sender local`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_sender: Option<LocalSenderSeen>,
    /// The proxy through which mail servers were connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The only address family that was connected over, and that the sender uses
    /// (`inet_protocols`); `None` for both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<AddressFamily>,
    /// What danecheck assumed about the mail servers instead of connecting to
    /// them: every session ended as [`SessionEnd::Assumed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<Assumption>,
    /// The MX hosts that were to be skipped, and count for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// The looks from other places at the same time, each through its proxy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Self>,
}

impl Observation {
    /// Whether this version knows the form in which it was saved.
    pub fn has_known_format(&self) -> bool {
        (OLDEST_FORMAT..=OBSERVATION_FORMAT).contains(&self.format)
    }

    /// The lookups on the way to the mail servers: MX, addresses, aliases and
    /// TLSA records.
    pub fn lookups(&self) -> impl Iterator<Item = AnyLookup<'_>> {
        let hosts = self.hosts.iter().flat_map(|host| {
            let addresses = host.a.iter().chain(&host.aaaa).map(AnyLookup::from);
            let alias = host.alias.iter().map(AnyLookup::from);
            let tlsa = host.tlsa.iter().map(|tlsa| (&tlsa.lookup).into());
            addresses.chain(alias).chain(tlsa)
        });
        self.mx.iter().map(AnyLookup::from).chain(hosts)
    }

    /// Whether the sender uses this address.
    pub fn uses(&self, address: std::net::IpAddr) -> bool {
        self.only.is_none_or(|only| only.has(address))
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
#[non_exhaustive]
pub enum Assumption {
    /// Each behaves as DNS requires (`--dns-only`).
    DnsOnly,
    /// Each shows the certificates of this file (`--cert`).
    Certificate(String),
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
