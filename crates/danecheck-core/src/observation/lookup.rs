//! One DNS lookup, as Postfix behind the resolver sees it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dnssec::{OwnValidation, SecurityStatus, Validated};
use crate::observation::name_server::AuthoritySeen;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup<T> {
    /// The name asked, lower case, no final dot.
    pub name: String,
    /// The type asked.
    pub record_type: RecordType,
    /// What came back.
    pub answer: Answer<T>,
    /// The result of danecheck's own validation; `None` if nothing was asked,
    /// or if the program that saved it did not validate.
    #[serde(default)]
    pub own: Option<OwnValidation>,
    /// A reason that came with an answer (RFC 8914); the reason of a failure is
    /// in the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_error: Option<ExtendedError>,
    /// What the name servers answer directly, if danecheck asked them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<AuthoritySeen>,
}

/// The record types that danecheck asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "they are the mnemonics themselves")]
pub enum RecordType {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Soa,
    Tlsa,
    Txt,
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Tlsa => "TLSA",
            Self::Txt => "TXT",
        })
    }
}

/// What a lookup gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer<T> {
    /// Records of the type.
    Records(Validated<RecordSet<T>>),
    /// A denial: there are none.
    Denied(Validated<Denial>),
    /// No usable answer.
    Failed(LookupFailure),
}

/// The records at the end of the alias chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSet<T> {
    /// Each alias on the way, and at the end the name that owns the records;
    /// empty if the name asked owns them.
    pub aliases: Vec<String>,
    /// The records.
    pub records: Vec<T>,
    /// The smallest TTL in the answer, in seconds.
    pub ttl: u32,
    /// The TTL that the zone gives the records, if a signature contains it; if
    /// it is larger, the answer comes from a cache.
    #[serde(default)]
    pub original_ttl: Option<u32>,
}

/// How an answer says that there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Denial {
    /// The name exists, the type does not.
    NoData,
    /// The name does not exist.
    NxDomain,
}

/// A lookup without a usable answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupFailure {
    /// What happened.
    pub kind: FailureKind,
    /// The reason that the resolver gave (RFC 8914).
    pub extended_error: Option<ExtendedError>,
}

/// The ways in which a lookup fails; Postfix's class of each is in
/// `dns_query` of its `dns_lookup.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// Response code 2; if the resolver validates, also bogus data.
    ServFail,
    /// Response code 5.
    Refused,
    /// Response code 4.
    NotImp,
    /// Response code 1.
    FormErr,
    /// Another response code.
    OtherRcode(u16),
    /// Nobody answered in time.
    Timeout,
    /// The resolver could not be reached.
    Unreachable,
    /// An answer that cannot be read.
    Malformed,
    /// More alias replies than Postfix follows (10).
    AliasLoop,
    /// An answer that danecheck found bogus, from a resolver that does not
    /// validate; one that does would say SERVFAIL.
    Bogus,
}

impl FailureKind {
    /// The word for people: `SERVFAIL`, `no answer in time`.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::ServFail => "SERVFAIL",
            Self::Refused => "REFUSED",
            Self::NotImp => "NOTIMP",
            Self::FormErr => "FORMERR",
            Self::OtherRcode(_) => "an unexpected response code",
            Self::Timeout => "no answer in time",
            Self::Unreachable => "the resolver cannot be reached",
            Self::Malformed => "an answer that cannot be read",
            Self::AliasLoop => "an endless chain of aliases",
            Self::Bogus => "a bogus answer",
        }
    }
}

/// An extended DNS error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendedError {
    /// The info code, such as 7 for an expired signature.
    pub code: u16,
    /// The resolver's own words, still with control characters.
    pub text: String,
}

/// One MX record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MxRecord {
    /// The preference; the smallest is tried first.
    pub preference: u16,
    /// The host, lower case, no final dot; empty for the root, which makes a
    /// null MX (RFC 7505).
    pub host: String,
}

impl<T> Lookup<T> {
    /// The status of the records or of the denial; `None` if the lookup failed.
    pub fn status(&self) -> Option<SecurityStatus> {
        match &self.answer {
            Answer::Records(records) => Some(records.status()),
            Answer::Denied(denial) => Some(denial.status()),
            Answer::Failed(_) => None,
        }
    }

    /// Whether danecheck's own validation found it bogus.
    pub fn is_bogus(&self) -> bool {
        self.own.as_ref().is_some_and(OwnValidation::is_bogus)
    }

    /// The failure, if there is one.
    pub fn failure(&self) -> Option<&LookupFailure> {
        match &self.answer {
            Answer::Failed(failure) => Some(failure),
            Answer::Records(_) | Answer::Denied(_) => None,
        }
    }
}

impl ExtendedError {
    /// Whether the data had expired, and the resolver used it because it could
    /// not get newer data (RFC 8767).
    pub fn is_stale(&self) -> bool {
        matches!(self.code, 3 | 19)
    }

    /// The name of an extended DNS error (RFC 8914 section 4).
    pub fn name(&self) -> String {
        match self.code {
            1 => "unsupported DNSKEY algorithm",
            2 => "unsupported DS digest type",
            3 => "stale answer",
            4 => "forged answer",
            5 => "DNSSEC indeterminate",
            6 => "DNSSEC bogus",
            7 => "signature expired",
            8 => "signature not yet valid",
            9 => "DNSKEY missing",
            10 => "RRSIGs missing",
            11 => "no zone key bit set",
            12 => "NSEC missing",
            13 => "cached error",
            14 => "not ready",
            15 => "blocked",
            16 => "censored",
            17 => "filtered",
            18 => "prohibited",
            19 => "stale NXDOMAIN answer",
            20 => "not authoritative",
            21 => "not supported",
            22 => "no reachable authority",
            23 => "network error",
            24 => "invalid data",
            25 => "signature expired before it began",
            27 => "unsupported NSEC3 iterations",
            _ => return format!("extended error {}", self.code),
        }
        .to_owned()
    }
}
