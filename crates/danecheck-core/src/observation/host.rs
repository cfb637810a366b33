//! What was seen of one MX host.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::lookup::Lookup;
use super::session::{LimitedLook, OwnHello, Reply, Session};
use crate::tlsa::TlsaRecord;

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
    /// The TLSA lookup at its own name if it has no address to connect to:
    /// Postfix does not use it, a policy service makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlsa_without_address: Option<TlsaLookup>,
    /// TLSA records that no sender asks for, because DNSSEC does not protect
    /// the addresses; asked for if the zone has signatures all the same, or
    /// danecheck was to look closely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlsa_unused: Option<UnusedTlsa>,
    /// Each address and its sessions.
    pub addresses: Vec<AddressSeen>,
}

/// TLSA records that no sender asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnusedTlsa {
    /// Where they are, with port and protocol; lower case, no final dot.
    pub name: String,
    /// The records, at least one.
    pub records: Vec<TlsaRecord>,
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
    /// The sessions with the ClientHello of a policy line or of main.cf, if that
    /// is another than the usual ones and the result depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_hellos: Vec<OwnHello>,
}

impl AddressSeen {
    /// An address to which danecheck did not connect, for a reason of its own.
    pub fn not_looked_at(address: IpAddr) -> Self {
        Self {
            address,
            sessions: Vec::new(),
            reserved: None,
            refused_at_first: None,
            limited: Vec::new(),
            own_hellos: Vec::new(),
        }
    }

    /// The session with this SNI, or without any.
    pub fn session(&self, sni: Option<&str>) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.sni.as_deref() == sni)
    }
}
