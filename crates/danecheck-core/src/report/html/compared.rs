//! TLSA records beside what a server sends: which lookup counts, and what is said
//! of each record.

use crate::judge::Standing;
use crate::report::human::stand_in;

use super::super::both::Both;
use super::super::model::{AddressReport, HostReport, RecordReport, TlsaReport};
use super::mark::Mark;
use super::words;

/// The TLSA lookup that counts at an address: the one with its records, else the
/// one that failed, else one whose records do not count.
pub(super) fn counted<'a>(host: &'a HostReport, address: &AddressReport) -> Option<&'a TlsaReport> {
    let first = address.records.first().map(|it| it.record.as_str());
    let mut lookups = host.tlsa.iter();
    match first {
        Some(first) => {
            // Either text may be cut, and ends in `...` then.
            let first = first.trim_end_matches("...");
            lookups.find(|tlsa| {
                tlsa.records.first().is_some_and(|record| {
                    let record = record.trim_end_matches("...");
                    record.starts_with(first) || first.starts_with(record)
                })
            })
        }
        None if address.dane == Standing::Broken => {
            lookups.find(|tlsa| tlsa.lookup.failure.is_some())
        }
        None => lookups.find(|tlsa| !tlsa.records.is_empty()),
    }
}

/// How good the result of a record is.
pub(super) fn mark(record: &RecordReport) -> Mark {
    match record.result.as_str() {
        "matches" => Mark::Good,
        "not-seen" | "not-judged" => Mark::Unknown,
        _ => Mark::Bad,
    }
}

/// What is said of a record; `None` where its reason, which is English, says it.
pub(super) fn result_words(address: &AddressReport, record: &RecordReport) -> Option<Both> {
    let is_assumed = stand_in(address).is_some();
    Some(match record.result.as_str() {
        "matches" => words::MATCHES,
        "no-match" if is_assumed => words::NO_MATCH_IN_FILE,
        "no-match" => words::NO_MATCH,
        "not-seen" if is_assumed => words::NOT_COMPARED,
        "not-seen" => words::NOT_SEEN,
        _ => return None,
    })
}
