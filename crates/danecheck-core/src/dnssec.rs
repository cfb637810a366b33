//! DNSSEC status as a type that has to be opened: code that uses a record set
//! has to say what it does if the set is not secure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::unix_time::UnixTime;

/// The four states of RFC 4035 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecurityStatus {
    /// A chain of trust reaches from a trust anchor to the data.
    Secure,
    /// It is proven that there is no chain of trust.
    Insecure,
    /// There should be a chain of trust, but it is broken.
    Bogus,
    /// Unknown here.
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

/// How danecheck knows a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KnownBy {
    /// The resolver, which proved that it validates, set the AD bit (RFC 4035
    /// section 3.2.3).
    AuthenticatedData,
    /// The resolver, which proved that it validates, left the AD bit clear.
    NoAuthenticatedData,
    /// The resolver did not prove that it validates, so its clear AD bit says
    /// nothing.
    ResolverNotValidating,
    /// The resolver did not prove that it validates; danecheck validated by
    /// itself, from the root's trust anchor down.
    OwnValidation,
}

/// The result of danecheck's own validation of one answer or denial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnValidation {
    /// The status.
    pub status: SecurityStatus,
    /// Why it is bogus or unknown, in one sentence.
    pub reason: Option<String>,
    /// Where the chain of trust breaks, or where the unsigned part of the tree
    /// begins.
    pub weak_link: Option<WeakLink>,
    /// The signature that ends first, of those over the answer and over the
    /// keys of its zones; `None` if the answer is not secure.
    #[serde(default)]
    pub first_to_end: Option<Box<SignatureSpan>>,
    /// A signature outside its dates that this result depends on: unbound
    /// accepts it, other validators do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgiven: Option<Box<ForgivenSignature>>,
}

/// A signature outside its dates, by less than the clock skew that unbound
/// allows: a tenth of its lifetime, at least an hour and at most a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForgivenSignature {
    /// The signature.
    #[serde(flatten)]
    pub signature: SignatureSpan,
    /// If it has ended: until when unbound accepts it. If it has not begun:
    /// when it begins.
    pub until: UnixTime,
}

/// How long a record set stays signed, unless it is signed again: the validity
/// of its last signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignatureSpan {
    /// The zone that signs, `example.com.`.
    pub zone: String,
    /// The record set, `example.com. DNSKEY`.
    pub record_set: String,
    /// When the signature begins.
    pub inception: UnixTime,
    /// When it ends.
    pub expiration: UnixTime,
}

/// The place at which a chain of trust breaks or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeakLink {
    /// The zone whose administrator can repair it, `example.com.`.
    pub zone: String,
    /// The record set, `example.com. DNSKEY`.
    pub record_set: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub fault: Fault,
}

/// What breaks a chain of trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fault", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// RFC 4035 section 5.3.1: the time is past the signature's expiration.
    SignatureExpired {
        /// When the signature began.
        inception: UnixTime,
        /// When it ended.
        expiration: UnixTime,
    },
    /// RFC 4035 section 5.3.1: the time is before the signature's inception.
    SignatureNotYetValid {
        /// When the signature begins.
        inception: UnixTime,
        /// When it ends.
        expiration: UnixTime,
    },
    /// RFC 4034 section 3.1.5: the signature ends before it begins.
    SignatureDatesReversed {
        /// When it begins.
        inception: UnixTime,
        /// When it ends.
        expiration: UnixTime,
    },
    /// RFC 4035 section 2.2: a required RRSIG is missing.
    SignatureMissing,
    /// RFC 4035 section 5.3.3: the signature does not match this record set.
    SignatureWrong,
    /// RFC 4035 section 5.3.1: the key that signed is not among the zone's
    /// keys.
    SigningKeyMissing {
        /// Its tag, from the signature.
        key_tag: u16,
    },
    /// RFC 4035 section 5.2: the parent has a DS, the zone has no DNSKEY.
    KeyMissing,
    /// RFC 4035 section 5.2: no DS record of the parent matches one of the
    /// zone's keys.
    DsMatchesNoKey,
    /// RFC 4035 section 5.2: the parent proves that it has no DS record, so all
    /// validators treat the zone below as unsigned.
    DsMissing {
        /// The zone that has none, `com.`.
        parent: String,
    },
    /// RFC 4035 section 5.2: the DS records name only algorithms that no
    /// validator supports, so all validators treat the zone below as unsigned.
    AlgorithmUnknownToAll {
        /// One of the algorithms' numbers.
        algorithm: u8,
    },
    /// RFC 4035 section 5: no trust anchor matches one of the root's keys.
    NoTrustAnchor,
    /// An algorithm or a key size that danecheck does not support.
    UnsupportedAlgorithm {
        /// The algorithm's number (RFC 8624 section 3.1).
        algorithm: u8,
    },
    /// RFC 4035 section 5.4: NSEC or NSEC3 records are missing or prove
    /// something else.
    DenialProvesNothing,
    /// RFC 9276 section 3.2: more iterations than validators accept.
    Nsec3IterationsPastLimit {
        /// The number of additional iterations.
        iterations: u16,
    },
    /// RFC 5155 section 6: the denial does not cover unsigned delegations, so
    /// one may exist.
    OptOut,
    /// RFC 1034 section 4.3.2: the answer has records of another name that do
    /// not belong to it.
    ForeignAnswer,
    /// RFC 6672 section 5.3.1: the unsigned alias is not the one that the DNAME
    /// makes.
    AliasNotOfDname {
        /// The name that has the DNAME, `example.com.`.
        dname: String,
    },
    /// RFC 4035 section 5: the response code says that the name does not exist,
    /// but the answer has true records of it.
    ResponseCodeContradicts,
    /// Checking it takes more work than danecheck allows for one lookup or one
    /// zone.
    TooMuchWork,
}

impl Fault {
    /// The names in it.
    pub(crate) fn names_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::DsMissing { parent: name } | Self::AliasNotOfDname { dname: name } => vec![name],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for WeakLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            zone,
            record_set: set,
            fault,
        } = self;
        match fault {
            Fault::SignatureExpired {
                inception,
                expiration,
            } => write!(
                f,
                "the signature of {set} expired at {expiration} (made at {inception})"
            ),
            Fault::SignatureNotYetValid {
                inception,
                expiration,
            } => write!(
                f,
                "the signature of {set} is not valid before {inception} (until {expiration})"
            ),
            Fault::SignatureDatesReversed {
                inception,
                expiration,
            } => write!(
                f,
                "the signature of {set} ends at {expiration}, before it begins at {inception}"
            ),
            Fault::SignatureMissing => write!(f, "{set} has no signature"),
            Fault::SignatureWrong => write!(f, "the signature of {set} does not match it"),
            Fault::SigningKeyMissing { key_tag } => write!(
                f,
                "the key {key_tag} that signed {set} is not among the keys of {zone}"
            ),
            Fault::KeyMissing => write!(f, "{zone} has a DS record at its parent, but no key"),
            Fault::DsMatchesNoKey => {
                write!(
                    f,
                    "no DS record of {zone} at its parent matches a key of the zone"
                )
            }
            Fault::DsMissing { parent } => write!(f, "{zone} has no DS record at {parent}"),
            Fault::AlgorithmUnknownToAll { algorithm } => write!(
                f,
                "the DS records of {zone} name algorithm {algorithm}, which no validator knows"
            ),
            Fault::NoTrustAnchor => {
                write!(f, "no key of {zone} matches the trust anchor")
            }
            Fault::UnsupportedAlgorithm { algorithm } => write!(
                f,
                "{set} needs DNSSEC algorithm {algorithm} in a form that danecheck cannot compute"
            ),
            Fault::DenialProvesNothing => {
                write!(f, "{zone} does not prove that {set} does not exist")
            }
            Fault::Nsec3IterationsPastLimit { iterations } => write!(
                f,
                "{zone} hashes its NSEC3 names {iterations} times, more than validators accept"
            ),
            Fault::OptOut => write!(
                f,
                "{zone} proves nothing about unsigned delegations (opt-out), and {set} may belong \
                 to one"
            ),
            Fault::ForeignAnswer => write!(
                f,
                "the answer to {set} has records of another name that do not belong there"
            ),
            Fault::AliasNotOfDname { dname } => write!(
                f,
                "the alias {set} leads elsewhere than the DNAME of {dname}"
            ),
            Fault::ResponseCodeContradicts => write!(
                f,
                "the answer to {set} has valid records but says that the name does not exist"
            ),
            Fault::TooMuchWork => write!(
                f,
                "{set} needs more work to check than danecheck allows for one lookup or zone"
            ),
        }
    }
}

impl OwnValidation {
    /// Whether it is bogus.
    pub fn is_bogus(&self) -> bool {
        self.status == SecurityStatus::Bogus
    }

    /// A status that needs no reason.
    pub fn plain(status: SecurityStatus) -> Self {
        Self {
            status,
            reason: None,
            weak_link: None,
            first_to_end: None,
            forgiven: None,
        }
    }

    /// The info code for it (RFC 8914 section 4).
    pub fn extended_error(&self) -> u16 {
        match self.weak_link.as_ref().map(|link| &link.fault) {
            Some(Fault::SignatureExpired { .. }) => 7,
            Some(Fault::SignatureNotYetValid { .. }) => 8,
            Some(Fault::KeyMissing | Fault::DsMatchesNoKey | Fault::SigningKeyMissing { .. }) => 9,
            Some(Fault::SignatureMissing) => 10,
            Some(Fault::DenialProvesNothing) => 12,
            _ => 6,
        }
    }

    /// Unknown here, and why.
    pub fn indeterminate(reason: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..Self::plain(SecurityStatus::Indeterminate)
        }
    }

    /// A status that comes from one link.
    pub fn at(status: SecurityStatus, link: WeakLink) -> Self {
        Self {
            status,
            reason: Some(link.to_string()),
            weak_link: Some(link),
            first_to_end: None,
            forgiven: None,
        }
    }
}

/// Data with its DNSSEC status.
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
    /// Data of unknown status.
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

    /// How danecheck knows the status.
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

    /// The data if it is secure, else `None`.
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
