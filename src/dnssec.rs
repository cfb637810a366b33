//! DNSSEC status as a type that has to be opened: no record set can be used
//! without naming what is done when it is not secure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The four states of RFC 4035 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecurityStatus {
    /// A chain of trust reaches from a trust anchor to the data.
    Secure,
    /// It is shown that no chain of trust is to be expected.
    Insecure,
    /// A chain of trust is to be expected, and does not hold.
    Bogus,
    /// Nobody here could tell.
    Indeterminate,
}

impl SecurityStatus {
    /// The word that reports use, `secure`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Bogus => "bogus",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// How a status is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// The resolver, shown to validate, set the AD bit (RFC 4035 section 3.2.3).
    AuthenticatedData,
    /// The resolver, shown to validate, left the AD bit clear.
    NoAuthenticatedData,
    /// The resolver was not shown to validate, so its clear AD bit says nothing.
    ResolverNotValidating,
}

/// Data with the DNSSEC status that it came with.
///
/// The data can be reached only through [`Validated::open`] or
/// [`Validated::secure`], so that each use says what it does with data that
/// is not secure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated<T> {
    status: SecurityStatus,
    known_by: KnownBy,
    data: T,
}

/// What [`Validated::open`] gives: the data, under the name of its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened<T> {
    /// Data under a chain of trust.
    Secure(T),
    /// Data from an unsigned part of the tree.
    Insecure(T),
    /// Data that must not be believed.
    Bogus(T),
    /// Data of which nothing is known.
    Indeterminate(T),
}

impl<T> Validated<T> {
    /// Ties `data` to its status.
    pub fn new(status: SecurityStatus, known_by: KnownBy, data: T) -> Self {
        Self {
            status,
            known_by,
            data,
        }
    }

    /// The status alone.
    pub fn status(&self) -> SecurityStatus {
        self.status
    }

    /// How the status is known.
    pub fn known_by(&self) -> KnownBy {
        self.known_by
    }

    /// The data, under the name of its status.
    pub fn open(&self) -> Opened<&T> {
        match self.status {
            SecurityStatus::Secure => Opened::Secure(&self.data),
            SecurityStatus::Insecure => Opened::Insecure(&self.data),
            SecurityStatus::Bogus => Opened::Bogus(&self.data),
            SecurityStatus::Indeterminate => Opened::Indeterminate(&self.data),
        }
    }

    /// The data where it is secure, else nothing.
    pub fn secure(&self) -> Option<&T> {
        match self.open() {
            Opened::Secure(data) => Some(data),
            Opened::Insecure(_) | Opened::Bogus(_) | Opened::Indeterminate(_) => None,
        }
    }
}

impl<T> Opened<T> {
    /// The data whatever its status: for uses that need no security, such as
    /// the addresses that any SMTP client connects to.
    pub fn regardless(self) -> T {
        match self {
            Self::Secure(data)
            | Self::Insecure(data)
            | Self::Bogus(data)
            | Self::Indeterminate(data) => data,
        }
    }
}
