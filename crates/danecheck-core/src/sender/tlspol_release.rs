//! Releases of postfix-tlspol, as far as they differ in what they answer.

use std::fmt;
use std::str::FromStr;

/// A release of postfix-tlspol 1: `1.8.23`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlspolRelease {
    minor: u32,
    /// The newest of its branch where none was given.
    patch: Option<u32>,
}

/// Where the rules for a release come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesFrom {
    /// The release itself was asked about hundreds of domains.
    Measured,
    /// Its source was read.
    Source,
    /// It is newer than all that are known; it is taken for the newest of these.
    NewestKnown,
}

/// A text that is no release whose rules are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown postfix-tlspol release `{0}`: give 1.8 or newer, such as 1.8.23")]
pub struct NoTlspolRelease(String);

/// The oldest branch whose source was read.
const OLDEST: u32 = 8;

/// The newest.
const NEWEST: u32 = 13;

impl TlspolRelease {
    /// The one that mailcow ships (`docker-compose.yml`, August 2026). Its image
    /// is built from 1.8.22, which answers alike.
    pub const MAILCOW: Self = Self {
        minor: 8,
        patch: Some(23),
    };

    /// Whether it is of this branch or a later one.
    pub(super) fn is_from(self, minor: u32) -> bool {
        self.minor >= minor
    }

    /// Where its rules come from.
    pub fn rules_from(self) -> RulesFrom {
        match (self.minor, self.patch) {
            (8, None | Some(22 | 23)) | (13, None | Some(0)) => RulesFrom::Measured,
            (..=NEWEST, _) => RulesFrom::Source,
            _ => RulesFrom::NewestKnown,
        }
    }
}

impl RulesFrom {
    /// The word of the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Source => "source",
            Self::NewestKnown => "newest-known",
        }
    }
}

impl fmt::Display for TlspolRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

impl FromStr for TlspolRelease {
    type Err = NoTlspolRelease;

    /// Reads `1.13`, `1.8.23` and `v1.8.23`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || NoTlspolRelease(text.to_owned());
        let number = text.strip_prefix('v').unwrap_or(text);
        let mut parts = number.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u32>().ok()).flatten()
        });
        let mut next = || match parts.next() {
            None => Ok(None),
            Some(number) => number.map(Some).ok_or_else(refuse),
        };
        let (major, minor, patch) = (next()?, next()?, next()?);
        let known = major == Some(1) && minor >= Some(OLDEST) && next()?.is_none();
        let minor = minor.filter(|_| known).ok_or_else(refuse)?;
        Ok(Self { minor, patch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_written() {
        for (text, written, rules) in [
            ("1.8", "1.8", "measured"),
            ("1.8.23", "1.8.23", "measured"),
            ("v1.8.22", "1.8.22", "measured"),
            ("1.8.1", "1.8.1", "source"),
            ("1.10.0", "1.10.0", "source"),
            ("1.11", "1.11", "source"),
            ("1.12.2", "1.12.2", "source"),
            ("1.13.0", "1.13.0", "measured"),
            ("1.13.1", "1.13.1", "source"),
            ("1.14", "1.14", "newest-known"),
        ] {
            let release: TlspolRelease = text.parse().unwrap();
            assert_eq!(release.to_string(), written);
            assert_eq!(release.rules_from().as_str(), rules, "{text}");
        }
        for text in [
            "", "1", "1.", "1.7.3", "2.0", "1.8.x", "1.8.1.1", "1.+8", "1.-8", "v", "vv1.8",
        ] {
            assert!(text.parse::<TlspolRelease>().is_err(), "{text}");
        }
    }
}
