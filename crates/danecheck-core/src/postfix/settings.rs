//! What a sender's main.cf decides besides the level.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hello::Exclusions;
use super::line::CipherGrade;
use super::release::TlsDefaults;

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

/// What happens to TLSA records behind MX records that are not secure
/// (`smtp_tls_dane_insecure_mx_policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InsecureMx {
    /// They do not count.
    May,
    /// TLS without a check of the certificate.
    Encrypt,
    /// They count.
    Dane,
}

/// What a sender gets from DNSSEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dnssec {
    /// It uses DNSSEC, and its resolver validates.
    On,
    /// It does not use DNSSEC (`smtp_dns_support_level`), or another setting
    /// switches it off.
    Off,
    /// It uses DNSSEC, but its resolver marks no answer as validated.
    NotShown,
}

/// The server name that main.cf has for each line that names none
/// (`smtp_tls_servername`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MainServerName {
    /// None.
    None,
    /// That of the observation ([`crate::sender::Parameters::server_name`]).
    Given,
    /// One that is no host name: Postfix then rejects every policy
    /// (`policy_create`).
    Invalid,
}

/// What main.cf and the release decide besides the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) insecure_mx: InsecureMx,
    /// The oldest TLS accepted at `may` (`smtp_tls_protocols`).
    pub(crate) oldest_at_may: TlsVersion,
    /// The oldest TLS accepted above `may` (`smtp_tls_mandatory_protocols`).
    pub(crate) oldest_above: TlsVersion,
    /// The newest TLS offered at `may` and above it.
    pub(crate) newest_at_may: TlsVersion,
    pub(crate) newest_above: TlsVersion,
    /// The suites that are not offered at `may` (`smtp_tls_exclude_ciphers`) and
    /// above it (`smtp_tls_mandatory_exclude_ciphers` too).
    pub(crate) excluded_at_may: Exclusions,
    pub(crate) excluded_above: Exclusions,
    /// The grade of the suites at `may` (`smtp_tls_ciphers`) and above it
    /// (`smtp_tls_mandatory_ciphers`), for each line that names none; `None` for a
    /// word that is none.
    pub(crate) grade_at_may: Option<CipherGrade>,
    pub(crate) grade_above: Option<CipherGrade>,
    /// The server name of main.cf.
    pub(crate) server_name: MainServerName,
    /// What Postfix and its OpenSSL offer and refuse.
    pub(crate) tls: TlsDefaults,
    /// A TLSA record without data ends smtp(8).
    pub(crate) dies_of_empty_tlsa: bool,
    /// What it gets from DNSSEC.
    pub(crate) dnssec: Dnssec,
    /// There is a trust store.
    pub(crate) trust_store: bool,
}

impl Default for Settings {
    /// The newest Postfix, but with the TLS of Debian 12; DNSSEC lookups on, a
    /// trust store, and everything else at its defaults.
    fn default() -> Self {
        Self {
            insecure_mx: InsecureMx::Dane,
            oldest_at_may: TlsVersion::Tls10,
            oldest_above: TlsVersion::Tls10,
            newest_at_may: TlsVersion::Tls13,
            newest_above: TlsVersion::Tls13,
            excluded_at_may: Exclusions::default(),
            excluded_above: Exclusions::default(),
            grade_at_may: Some(CipherGrade::Medium),
            grade_above: Some(CipherGrade::Medium),
            server_name: MainServerName::None,
            tls: TlsDefaults::DEBIAN_12,
            dies_of_empty_tlsa: false,
            dnssec: Dnssec::On,
            trust_store: true,
        }
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
