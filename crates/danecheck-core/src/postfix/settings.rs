//! What a sender's main.cf decides besides the level.

use super::line::CipherGrade;
use super::release::TlsDefaults;
use super::suite_set::Exclusions;
use super::tls_version::TlsVersion;

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
