//! The eight TLS security levels of the Postfix SMTP client.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A level that can be set, weakest first (`smtp_tls_security_level`).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityLevel {
    /// No TLS at all.
    None,
    /// TLS if it works, else plain text.
    May,
    /// TLS always, with any certificate.
    Encrypt,
    /// DANE if the receiver publishes it, else `may`.
    Dane,
    /// DANE or nothing.
    DaneOnly,
    /// TLS with a pinned certificate or key.
    Fingerprint,
    /// TLS with a certificate for the MX host from a trusted CA.
    Verify,
    /// TLS with a certificate for the next hop from a trusted CA.
    Secure,
}

impl SecurityLevel {
    /// All levels, in the order in which reports show them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::May,
        Self::Encrypt,
        Self::Dane,
        Self::DaneOnly,
        Self::Fingerprint,
        Self::Verify,
        Self::Secure,
    ];

    /// The name that Postfix reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::May => "may",
            Self::Encrypt => "encrypt",
            Self::Dane => "dane",
            Self::DaneOnly => "dane-only",
            Self::Fingerprint => "fingerprint",
            Self::Verify => "verify",
            Self::Secure => "secure",
        }
    }
}

impl fmt::Display for SecurityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that does not name a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown TLS security level `{0}`: give none, may, encrypt, dane, dane-only, fingerprint, \
     verify or secure"
)]
pub struct UnknownLevel(String);

impl FromStr for SecurityLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}
