//! The observation of MTA-STS (RFC 8461) and TLS reporting (RFC 8460).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::observation::handshake_failure::HandshakeFailure;
use crate::observation::lookup::Lookup;
use crate::observation::session::{ConnectFailure, TlsSeen};

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

impl PolicyVisit {
    /// Whether the response, or the rest of it, took longer than danecheck
    /// waits.
    pub fn is_late(&self) -> bool {
        match &self.end {
            PolicyEnd::NotInTime => true,
            PolicyEnd::Answered(response) => response.unfinished == Some(Unfinished::NotInTime),
            _ => false,
        }
    }
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
    /// Whether its bytes are UTF-8, as far as they were read; nothing in
    /// observations from before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utf8: Option<bool>,
    /// Why it did not come to its end; nothing where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
}

/// Why a response is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfinished {
    /// The rest of it took longer than anybody here waits.
    NotInTime,
    /// The connection ended; why, in one line.
    Lost(String),
}

impl PolicyResponse {
    /// Whether its bytes are UTF-8.
    pub fn is_utf8(&self) -> bool {
        self.utf8.unwrap_or_else(|| !self.body.contains('\u{fffd}'))
    }
}
