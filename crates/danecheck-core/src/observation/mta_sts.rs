//! What was seen of MTA-STS (RFC 8461) and TLS reporting (RFC 8460).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{ConnectFailure, HandshakeFailure, Lookup, TlsSeen};

/// The records, and the policy where one is promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MtaStsSeen {
    /// The TXT records at `_mta-sts`, each as its strings. Bytes that are no
    /// UTF-8 are U+FFFD.
    pub record: Lookup<Vec<String>>,
    /// The TXT records at `_smtp._tls`.
    pub report: Lookup<Vec<String>>,
    /// The way to the policy; none where no record promises one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<PolicyFetch>,
}

/// The way to the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFetch {
    /// `mta-sts.DOMAIN`.
    pub host: String,
    /// Its IPv4 addresses.
    pub a: Lookup<IpAddr>,
    /// Its IPv6 addresses.
    pub aaaa: Lookup<IpAddr>,
    /// What each address said.
    pub visits: Vec<PolicyVisit>,
}

/// One address of the policy host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVisit {
    /// The address.
    pub address: IpAddr,
    /// What TLS showed of it. Its certificate was not asked for anything yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSeen>,
    /// How it ended.
    pub end: PolicyEnd,
}

/// How a visit to the policy host ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyEnd {
    /// It has a reserved address, and was not connected to; the block.
    Reserved(String),
    /// The connection failed.
    NotConnected(ConnectFailure),
    /// The TLS handshake failed.
    HandshakeFailed(HandshakeFailure),
    /// What came was no HTTP response; why, in one line.
    NoResponse(String),
    /// It took longer than anybody here waits.
    NotInTime,
    /// A response.
    Answered(PolicyResponse),
}

/// A response of the policy host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyResponse {
    /// The status code.
    pub status: u16,
    /// The field `Location`, of a redirection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The field `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body; bytes that are no UTF-8 are U+FFFD.
    pub body: String,
    /// There was more than is read of a policy.
    #[serde(default)]
    pub cut: bool,
}
