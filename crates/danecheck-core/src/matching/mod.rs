//! Whether what a server presents satisfies Postfix: under DANE, under PKIX
//! (levels `verify` and `secure`), or by fingerprint.

mod dane;
#[cfg(test)]
mod dane_tests;
mod fingerprint;
#[cfg(test)]
mod invalid_extension_tests;
#[cfg(test)]
mod odd_certificate_tests;
mod outcome;
mod pkix;
mod publish;
#[cfg(test)]
mod trust_anchor_tests;

pub use dane::match_dane;
pub(crate) use dane::match_dane_within;
pub use fingerprint::{Fingerprints, fingerprints, match_fingerprints};
pub use outcome::{DaneMatching, MatchedBy, RecordOutcome, Requirement};
pub use pkix::verify_pkix;
pub(crate) use pkix::verify_pkix_within;
pub use publish::{ServedRecord, served_records};
