//! The ClientHello under a policy line: what it offers where the line, or
//! main.cf, asks for another server name, a newest version or fewer suites than
//! Postfix offers by default.

use serde::{Deserialize, Serialize};

use super::level::SecurityLevel;
use super::line::{CipherGrade, PolicyLine, ServerName};
use super::release::OpenSsl;
use super::settings::Settings;
use super::suite_set::{Exclusions, SuiteSet};
use super::tls_version::TlsVersion;

/// What a ClientHello is limited to, beside its server name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelloLimits {
    /// The newest version that it offers.
    pub newest: TlsVersion,
    /// The suites that Postfix offers by default and this one does not.
    #[serde(default, skip_serializing_if = "SuiteSet::is_empty")]
    pub without: SuiteSet,
}

impl HelloLimits {
    /// No limits: what Postfix offers by default.
    pub const NONE: Self = Self {
        newest: TlsVersion::Tls13,
        without: SuiteSet::NONE,
    };

    /// Those of Postfix 3.8 and newer on OpenSSL 3.2 and newer against the
    /// ClientHellos of Debian 12: no suites of DSA keys, and where a certificate has
    /// to match none of CCM_8 either.
    pub fn of_newer_releases(must_match: bool) -> Self {
        Self {
            newest: TlsVersion::Tls13,
            without: SuiteSet::of(|suite| {
                suite.has_dsa_key() || must_match && suite.has_short_tag()
            }),
        }
    }

    /// Whether a server that agreed to this version and suite when all was
    /// offered agrees to them under these limits too.
    pub fn allow(&self, version: Option<TlsVersion>, suite: Option<&str>) -> bool {
        if *self == Self::NONE {
            return true;
        }
        version.is_some_and(|version| {
            version <= self.newest && suite.is_some_and(|suite| !self.without.contains(suite))
        })
    }

    /// Whether they leave no suite below TLS 1.3: then OpenSSL refuses the list
    /// (`SSL_CTX_set_cipher_list`), and every handshake fails.
    pub(crate) fn leave_nothing(&self) -> bool {
        self.without.is_whole()
    }
}

/// The ClientHello that a line asks for, before a host is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LineHello {
    /// TLSA records decide the server name first.
    pub dane_first: bool,
    /// The server name that the line asks for.
    pub server_name: Option<ServerName>,
    /// What it is limited to.
    pub limits: HelloLimits,
}

impl LineHello {
    /// The ClientHello of a line without any main.cf around it.
    pub fn of(line: &PolicyLine) -> Self {
        Self::of_line(line, Settings::default())
    }

    pub(crate) fn of_line(line: &PolicyLine, settings: Settings) -> Self {
        let is_may = matches!(line.level, SecurityLevel::None | SecurityLevel::May);
        let newest = line.newest_tls().unwrap_or(match is_may {
            true => settings.newest_at_may,
            false => settings.newest_above,
        });
        let dane = [SecurityLevel::Dane, SecurityLevel::DaneOnly];
        Self {
            dane_first: dane.contains(&line.level),
            server_name: line.server_name.clone(),
            limits: HelloLimits {
                newest,
                without: line.excluded(settings, is_may).suites,
            },
        }
    }

    /// Whether it is one of those that a check sends anyway.
    pub fn is_usual(&self) -> bool {
        self.server_name.is_none() && self.limits == HelloLimits::NONE
    }
}

impl PolicyLine {
    /// The newest version that its `protocols=` offers; `None` if main.cf
    /// decides.
    pub fn newest_tls(&self) -> Option<TlsVersion> {
        newest(self.protocols.as_deref()?)
    }

    /// What it does not offer with this main.cf around it, at `may` or above it
    /// (`set_cipher_grade` in Postfix's `smtp_tls_policy.c`).
    pub(crate) fn excluded(&self, settings: Settings, is_may: bool) -> Exclusions {
        let (grade, of_main_cf) = match is_may {
            true => (settings.grade_at_may, settings.excluded_at_may),
            false => (settings.grade_above, settings.excluded_above),
        };
        let words = self.exclusions.iter().map(String::as_str);
        let excluded = match self.exclusions.is_empty() {
            true => of_main_cf,
            false => Exclusions::read(words),
        };
        match self.ciphers.or(grade) {
            // It is a list of its own, and no list at all.
            Some(CipherGrade::Null) | None => Exclusions {
                unknown: true,
                ..excluded
            },
            Some(CipherGrade::High) if settings.tls.openssl >= OpenSsl::FromV32 => {
                excluded.and(Exclusions::of_short_tags())
            }
            // They offer all.
            Some(_) => excluded,
        }
    }
}

/// The newest version that OpenSSL offers of these, the oldest first: above a
/// hole it offers nothing (openssl:`ssl_get_min_max_version`).
pub(crate) fn newest(allowed: &[TlsVersion]) -> Option<TlsVersion> {
    let mut versions = TlsVersion::ALL
        .into_iter()
        .skip_while(|version| !allowed.contains(version))
        .take_while(|version| allowed.contains(version));
    let first = versions.next()?;
    Some(versions.last().unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::super::suite_set::tests::{GCM, out};
    use super::*;

    #[test]
    fn above_a_hole_nothing_is_offered() {
        use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
        for (allowed, newest_offered) in [
            (&[Tls10, Tls11, Tls12, Tls13][..], Some(Tls13)),
            (&[Tls12], Some(Tls12)),
            (&[Tls10, Tls11, Tls13], Some(Tls11)),
            (&[Tls11, Tls13], Some(Tls11)),
            (&[Tls12, Tls13], Some(Tls13)),
            (&[], None),
        ] {
            assert_eq!(newest(allowed), newest_offered, "{allowed:?}");
        }
    }

    #[test]
    fn the_grade_of_a_line_or_else_of_main_cf_decides() {
        use super::super::release::TlsDefaults;
        let short = "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8";
        let newer = Settings {
            grade_above: Some(CipherGrade::High),
            tls: TlsDefaults::NEWEST,
            ..Settings::default()
        };
        let older = Settings {
            tls: TlsDefaults::DEBIAN_12,
            ..newer
        };
        for (text, settings, gone) in [
            ("encrypt", newer, true),
            ("encrypt ciphers=high", Settings::default(), false),
            ("encrypt exclude=kRSA", newer, true),
            ("encrypt ciphers=medium", newer, false),
            ("may", newer, false),
            ("may ciphers=high", newer, true),
            ("encrypt", older, false),
        ] {
            let line = PolicyLine::parse(text, None).unwrap();
            let excluded = line.excluded(settings, line.level == SecurityLevel::May);
            assert_eq!(excluded.suites.contains(short), gone, "{text}");
            assert!(!excluded.unknown, "{text}");
            let limits = LineHello::of_line(&line, settings).limits;
            assert_eq!(limits.without, excluded.suites, "{text}");
        }
        let unreadable = Settings {
            grade_above: None,
            ..newer
        };
        for (text, unknown) in [
            ("encrypt", true),
            ("encrypt exclude=kRSA", true),
            ("encrypt ciphers=null", true),
            ("encrypt ciphers=low", false),
            ("may", false),
        ] {
            let line = PolicyLine::parse(text, None).unwrap();
            let excluded = line.excluded(unreadable, line.level == SecurityLevel::May);
            assert_eq!(excluded.unknown, unknown, "{text}");
        }
    }

    #[test]
    fn limits_allow_what_they_do_not_touch() {
        let limits = |newest, words| HelloLimits {
            newest,
            without: out(words).suites,
        };
        let (v12, v13) = (Some(TlsVersion::Tls12), Some(TlsVersion::Tls13));
        let of_13 = Some("TLS_AES_256_GCM_SHA384");
        assert!(HelloLimits::NONE.allow(None, None));
        assert!(limits(TlsVersion::Tls13, "ECDHE").allow(v13, of_13));
        assert!(!limits(TlsVersion::Tls12, "").allow(v13, of_13));
        assert!(limits(TlsVersion::Tls12, "").allow(v12, Some(GCM)));
        assert!(!limits(TlsVersion::Tls12, "ECDHE").allow(v12, Some(GCM)));
        assert!(limits(TlsVersion::Tls13, "kRSA").allow(v12, Some(GCM)));
        assert!(!limits(TlsVersion::Tls13, "kRSA").allow(None, None));
        assert!(limits(TlsVersion::Tls13, "ECDHE:DHE:ECDH:DH:kRSA").leave_nothing());
        assert!(!limits(TlsVersion::Tls13, "ECDHE:DHE").leave_nothing());
    }
}
