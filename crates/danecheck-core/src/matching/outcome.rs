//! The result of a TLSA answer for a certificate chain.

use serde::Serialize;

use crate::certificate::VerificationFailure;
use crate::tlsa::{MatchingType, Usability};

/// What the records of a TLSA answer require of the server (`tls_dane.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// All are dropped when Postfix computes the policy: `dane` becomes
    /// `encrypt`, `dane-only` does not connect.
    NoneUsableAtPolicy,
    /// All are dropped in the handshake: `dane` accepts any certificate,
    /// `dane-only` none.
    NoneUsableAtHandshake,
    /// Some are usable, so one of these must match.
    MustMatch,
}

/// The outcome of one record alone, for what the server presents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecordOutcome {
    /// It matches, and authenticates the server.
    Matches {
        /// Of the certificate that it matches; for a bare key, of the
        /// certificate that the key signed.
        depth: usize,
    },
    /// It matches something that the server presents, or a key that signed it,
    /// but does not authenticate the server.
    MatchesButNotTrusted {
        /// The depth of what it matches, in the path if it is there, else in
        /// what the server sent.
        depth: usize,
        /// Why it does not authenticate the server.
        failure: VerificationFailure,
    },
    /// A DANE-TA(2) record of the server's own certificate: OpenSSL looks for
    /// trust anchors only among issuers
    /// (openssl:`x509_vfy.c:check_dane_issuer`).
    MatchesLeafOnly,
    /// It matches nothing that the server presents.
    NoMatch,
    /// It is not compared, because a record of the same usage and selector has
    /// a stronger digest (RFC 7671 section 9).
    HiddenByDigestAgility {
        /// The matching type that hides it.
        by: MatchingType,
        /// Whether it would authenticate the server if the other were gone.
        would_match: bool,
    },
    /// It is not used.
    Unusable(Usability),
    /// Unknown: it takes more work than one check may cost.
    NotJudged,
}

/// The record that satisfied Postfix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MatchedBy {
    /// The place of the record in the answer.
    pub record: usize,
    /// The depth of the certificate that it matched, or whose signer it is.
    pub depth: usize,
}

/// The result of Postfix for a TLSA answer and a certificate chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DaneMatching {
    /// The outcome of each record, in the order of the answer.
    pub records: Vec<RecordOutcome>,
    /// What the records require.
    #[serde(rename = "stage")]
    pub requirement: Requirement,
    /// Whether one of the usable records authenticates the server. It counts
    /// only at [`Requirement::MustMatch`]; else it is the failure that `dane-only`
    /// forces.
    pub result: Result<MatchedBy, VerificationFailure>,
}

impl DaneMatching {
    /// Whether something was not judged because it takes more work than one
    /// check may cost.
    pub(crate) fn is_cut(&self) -> bool {
        self.authenticates().is_none() || self.records.contains(&RecordOutcome::NotJudged)
    }

    /// Whether a usable record authenticates the server; `None` if that takes
    /// more work than one check may cost.
    pub(crate) fn authenticates(&self) -> Option<bool> {
        match &self.result {
            Err(failure) if failure.is_for_want_of_work() => None,
            result => Some(result.is_ok()),
        }
    }
}
