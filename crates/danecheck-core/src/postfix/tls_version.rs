//! The versions of TLS, by the names that Postfix has for them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of TLS, the oldest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs, reason = "they are the names themselves")]
pub enum TlsVersion {
    #[serde(rename = "TLSv1")]
    Tls10,
    #[serde(rename = "TLSv1.1")]
    Tls11,
    #[serde(rename = "TLSv1.2")]
    Tls12,
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

/// A text that does not name a TLS version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown TLS version `{0}`: give TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3")]
pub struct UnknownTlsVersion(String);

impl TlsVersion {
    /// Every one, the oldest first.
    pub const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The name that Postfix reads and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TlsVersion {
    type Err = UnknownTlsVersion;

    /// Reads `TLSv1.2`, and other ways to write it: `>=TLSv1.2`, `1.2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix(">=").unwrap_or(text);
        Self::ALL
            .into_iter()
            .find(|version| {
                let name = version.as_str();
                let number = name.strip_prefix("TLSv").unwrap_or(name);
                bare.eq_ignore_ascii_case(name)
                    || bare == number
                    || number == "1" && matches!(bare, "1.0" | "TLSv1.0")
            })
            .ok_or_else(|| UnknownTlsVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_the_ways_in_which_people_write_them() {
        for (text, version) in [
            ("TLSv1.2", TlsVersion::Tls12),
            (">=TLSv1.2", TlsVersion::Tls12),
            ("tlsv1.3", TlsVersion::Tls13),
            ("1.1", TlsVersion::Tls11),
            ("TLSv1", TlsVersion::Tls10),
            ("1.0", TlsVersion::Tls10),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "SSLv3", "TLS", "1.4", "<=TLSv1.2"] {
            assert!(text.parse::<TlsVersion>().is_err(), "{text}");
        }
    }
}
