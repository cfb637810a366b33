//! The observation of MTA-STS (RFC 8461) and TLS reporting (RFC 8460).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observation::lookup::Lookup;
use crate::observation::session::{ConnectFailure, HandshakeFailure, TlsSeen};

/// The records, and the policy if one is announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MtaStsSeen {
    /// The TXT records at `_mta-sts`, each as its strings. Bytes that are no
    /// UTF-8 are U+FFFD.
    pub record: Lookup<Vec<String>>,
    /// The TXT records at `_smtp._tls`.
    pub report: Lookup<Vec<String>>,
    /// The fetch of the policy; `None` if no record announces one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<PolicyFetch>,
}

/// The fetch of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFetch {
    /// `mta-sts.DOMAIN`.
    pub host: String,
    /// Its IPv4 addresses.
    pub a: Lookup<IpAddr>,
    /// Its IPv6 addresses.
    pub aaaa: Lookup<IpAddr>,
    /// What each address answered.
    pub visits: Vec<PolicyVisit>,
}

/// One address of the policy host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVisit {
    /// The address.
    pub address: IpAddr,
    /// What TLS showed of it. Its certificate is not judged yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSeen>,
    /// How it ended.
    pub end: PolicyEnd,
}

/// How the fetch from the policy host ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyEnd {
    /// It has a reserved address, so danecheck did not connect; the block.
    Reserved(String),
    /// The connection failed.
    NotConnected(ConnectFailure),
    /// The TLS handshake failed.
    HandshakeFailed(HandshakeFailure),
    /// The answer was not an HTTP response; why, in one line.
    NoResponse(String),
    /// It took longer than danecheck waits.
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
    /// The body was longer than the part of a policy that is read.
    #[serde(default)]
    pub cut: bool,
}
