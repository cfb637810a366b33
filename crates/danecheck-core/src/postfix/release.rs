//! Releases of Postfix, as far as they differ in what happens to mail.

use std::fmt;
use std::str::FromStr;

/// A release of Postfix: `3.7.11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u32,
    minor: u32,
    /// The newest of its branch if none was given.
    patch: Option<u32>,
}

/// A text that is not a release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown Postfix release `{0}`: give one such as 3.7.11 or 3.10")]
pub struct NoRelease(String);

impl Release {
    /// This release.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch: Some(patch),
        }
    }

    /// Whether it is of this branch of Postfix 3 or a later one.
    pub(crate) fn is_from(self, minor: u32) -> bool {
        (self.major, self.minor) >= (3, minor)
    }

    /// What it offers and refuses in TLS, on the OpenSSL that goes with it.
    pub(crate) fn tls_defaults(self) -> TlsDefaults {
        TlsDefaults {
            finite_fields: self.is_from(8),
            hybrid: self.is_from(11),
            dss: !self.is_from(8),
            openssl: match self {
                newest if newest.is_from(10) => OpenSsl::FromV35,
                newer if newer.is_from(9) => OpenSsl::FromV32,
                _ => OpenSsl::BeforeV32,
            },
        }
    }

    fn is_before(self, minor: u32, patch: u32) -> bool {
        (self.major, self.minor) == (3, minor) && self.patch.is_some_and(|own| own < patch)
    }

    /// Whether `smtp_tls_dane_insecure_mx_policy` is `dane` by default only if
    /// main.cf says `dane`, and `may` if a table does.
    pub fn ignores_tlsa_behind_insecure_mx(self) -> bool {
        self.is_before(6, 17)
            || self.is_before(7, 13)
            || self.is_before(8, 8)
            || self.is_before(9, 2)
    }

    /// Whether a TLSA record without data ends its smtp(8) process
    /// (`mymalloc: requested length 0`).
    pub fn dies_of_empty_tlsa(self) -> bool {
        let unmended = self.major == 3 && matches!(self.minor, 6 | 7);
        unmended
            || self.is_before(8, 18)
            || self.is_before(9, 12)
            || self.is_before(10, 11)
            || self.is_before(11, 4)
    }
}

/// What a Postfix and the OpenSSL under it offer and refuse in TLS by default. No
/// release of Postfix is bound to one of OpenSSL: a release stands for the pair that
/// Debian ships, 3.7 on OpenSSL 3.0 (Debian 12) or 3.10 on OpenSSL 3.5 (Debian 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TlsDefaults {
    /// TLS 1.3 in the groups ffdhe2048 and ffdhe3072 (`tls_ffdhe_auto_groups`,
    /// Postfix 3.8).
    pub(crate) finite_fields: bool,
    /// TLS 1.3 in the group X25519MLKEM768, where OpenSSL has it
    /// (`tls_eecdh_auto_curves`, Postfix 3.11).
    pub(crate) hybrid: bool,
    /// The suites of DSA keys (in `tls_medium_cipherlist` before Postfix 3.8).
    pub(crate) dss: bool,
    /// The OpenSSL.
    pub(crate) openssl: OpenSsl,
}

/// Releases of OpenSSL, as far as they differ in what happens to mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OpenSsl {
    /// 3.0 and 3.1.
    BeforeV32,
    /// From 3.2 on, security level 1 refuses TLS 1.0 and 1.1, signed or not, and the
    /// suites of CCM_8 (openssl:`ssl_cert.c:ssl_security_default_callback`,
    /// `ssl_ciph.c:ssl_load_ciphers`).
    FromV32,
    /// From 3.5 on, it has the group X25519MLKEM768.
    FromV35,
}

impl OpenSsl {
    /// Reads what `postconf -T run-version` prints: `OpenSSL 3.5.9 29 Sep 2026`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let number = text.strip_prefix("OpenSSL ")?.split_whitespace().next()?;
        let mut parts = number.split('.');
        let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let version: (u32, u32) = (major, minor);
        Some(match version {
            newest if newest >= (3, 5) => Self::FromV35,
            newer if newer >= (3, 2) => Self::FromV32,
            _ => Self::BeforeV32,
        })
    }
}

impl TlsDefaults {
    /// Those of Debian 12, and of the outcomes of every report.
    pub(crate) const DEBIAN_12: Self = Self {
        finite_fields: false,
        hybrid: false,
        dss: true,
        openssl: OpenSsl::BeforeV32,
    };

    /// Those of Postfix 3.11 and of every release after it, so far.
    pub(crate) const NEWEST: Self = Self {
        finite_fields: true,
        hybrid: true,
        dss: false,
        openssl: OpenSsl::FromV35,
    };

    /// Whether it offers the group X25519MLKEM768.
    pub(crate) fn offers_hybrid(self) -> bool {
        self.hybrid && self.openssl >= OpenSsl::FromV35
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Release {
    type Err = NoRelease;

    /// Reads `3.10`, `3.7.11`, and a snapshot such as `3.12-20260821` as the
    /// newest of its branch.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NoRelease(text.to_owned());
        let number = text.split_once('-').map_or(text, |(number, _)| number);
        let mut parts = number.split('.').map(str::parse::<u32>);
        let mut next = || parts.next().transpose().map_err(|_| refuse());
        let (major, minor, patch) = (next()?, next()?, next()?);
        if next()?.is_some() {
            return Err(refuse());
        }
        Ok(Self {
            major: major.filter(|major| *major >= 2).ok_or_else(refuse)?,
            minor: minor.ok_or_else(refuse)?,
            patch,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        text.parse().unwrap()
    }

    #[test]
    fn releases_are_read_and_written() {
        for text in ["3.7.11", "3.10", "3.12.0"] {
            assert_eq!(release(text).to_string(), text);
        }
        assert_eq!(release("3.12-20260821").to_string(), "3.12");
        for text in ["", "3", "3.", "x.y", "3.7.11.1", "3.7.x", "1.2"] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_release_of_debian_has_the_tls_of_its_pair() {
        assert_eq!(release("3.7.11").tls_defaults(), TlsDefaults::DEBIAN_12);
        for newest in ["3.11.7", "3.12"] {
            let defaults = release(newest).tls_defaults();
            assert_eq!(defaults, TlsDefaults::NEWEST, "{newest}");
            assert!(defaults.offers_hybrid(), "{newest}");
        }
        let debian_13 = release("3.10.13").tls_defaults();
        assert!(debian_13.finite_fields && !debian_13.offers_hybrid() && !debian_13.dss);
        assert_eq!(debian_13.openssl, OpenSsl::FromV35);
        assert_eq!(release("3.9.1").tls_defaults().openssl, OpenSsl::FromV32);
        // Neither has the group without the other.
        let older_openssl = TlsDefaults {
            openssl: OpenSsl::FromV32,
            ..TlsDefaults::NEWEST
        };
        assert!(!older_openssl.offers_hybrid());
        // Ubuntu 24.04: Postfix's own defaults are the newer ones, OpenSSL's are not.
        let between = release("3.8.6").tls_defaults();
        assert!(between.finite_fields && !between.dss);
        assert_eq!(between.openssl, OpenSsl::BeforeV32);
    }

    #[test]
    fn the_openssl_under_a_postfix_is_read() {
        for (text, openssl) in [
            ("OpenSSL 3.0.19 27 Jan 2026", Some(OpenSsl::BeforeV32)),
            ("OpenSSL 3.1.4", Some(OpenSsl::BeforeV32)),
            ("OpenSSL 3.2.0", Some(OpenSsl::FromV32)),
            ("OpenSSL 3.4.1", Some(OpenSsl::FromV32)),
            ("OpenSSL 3.5.9 29 Sep 2026", Some(OpenSsl::FromV35)),
            ("OpenSSL 4.0.0-beta1", Some(OpenSsl::FromV35)),
            ("LibreSSL 3.9.0", None),
            ("OpenSSL", None),
            ("", None),
        ] {
            assert_eq!(OpenSsl::read(text), openssl, "{text}");
        }
    }

    #[test]
    fn releases_before_2025_ignore_tlsa_behind_insecure_mx() {
        for (text, ignores) in [
            ("3.5.25", false),
            ("3.6.16", true),
            ("3.6.17", false),
            ("3.7.11", true),
            ("3.7.12", true),
            ("3.7.13", false),
            ("3.8.7", true),
            ("3.8.8", false),
            ("3.9.1", true),
            ("3.9.2", false),
            ("3.10.0", false),
            ("3.7", false),
        ] {
            let release = release(text);
            assert_eq!(release.ignores_tlsa_behind_insecure_mx(), ignores, "{text}");
        }
    }

    #[test]
    fn releases_before_2026_die_of_a_record_without_data() {
        for (text, dies) in [
            ("3.5.25", false),
            ("3.6.17", true),
            ("3.7.22", true),
            ("3.8.17", true),
            ("3.8.18", false),
            ("3.9.11", true),
            ("3.9.12", false),
            ("3.10.10", true),
            ("3.10.11", false),
            ("3.11.3", true),
            ("3.11.4", false),
            ("3.12", false),
            ("3.10", false),
        ] {
            assert_eq!(release(text).dies_of_empty_tlsa(), dies, "{text}");
        }
    }
}
