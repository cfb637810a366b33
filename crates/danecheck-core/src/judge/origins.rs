//! What the TLSA records that match nothing are, for each address.

use crate::forensics::{Origin, Shown, Surroundings};
use crate::matching::{DaneMatching, RecordOutcome};
use crate::observation::Answer;
use crate::tlsa::TlsaRecord;

use super::dane::DaneRecords;
use super::evidence::{AddressEvidence, Evidence, HostEvidence, SessionEvidence};

/// For each address, in the order of the observation, what each of its TLSA
/// records is; `None` for those that match, and for those of unknown origin.
pub(super) fn origins(evidence: &Evidence<'_>) -> Vec<Vec<Option<Origin>>> {
    let odd = evidence
        .addresses()
        .any(|(_, address)| unmatched(address).any(|odd| odd.is_some()));
    if !odd {
        return evidence.addresses().map(|_| Vec::new()).collect();
    }
    let all = evidence.addresses().flat_map(|(host, address)| {
        address
            .sessions
            .iter()
            .map(move |session| shown(host, address, session))
    });
    let around = Surroundings::new(all.collect(), evidence.trust_store());
    evidence
        .addresses()
        .map(|(host, address)| {
            let Some(session) = address.dane_session() else {
                return Vec::new();
            };
            let own = shown(host, address, session);
            let mut found = around
                .origins(unmatched(address).flatten(), &own)
                .into_iter();
            unmatched(address)
                .map(|record| record.and_then(|_| found.next().flatten()))
                .collect()
        })
        .collect()
}

/// The records in play at an address; none in place of those that match.
fn unmatched<'e>(address: &'e AddressEvidence<'_>) -> impl Iterator<Item = Option<&'e TlsaRecord>> {
    let matching = address
        .dane_session()
        .and_then(|session| session.dane.as_deref());
    records(&address.dane)
        .iter()
        .enumerate()
        .map(move |(index, record)| is_odd(matching, index).then_some(record))
}

fn is_odd(matching: Option<&DaneMatching>, index: usize) -> bool {
    match matching.and_then(|matching| matching.records.get(index)) {
        Some(outcome) => match outcome {
            RecordOutcome::NoMatch
            | RecordOutcome::MatchesLeafOnly
            | RecordOutcome::Unusable(_)
            | RecordOutcome::HiddenByDigestAgility {
                would_match: false, ..
            } => true,
            RecordOutcome::Matches { .. }
            | RecordOutcome::MatchesButNotTrusted { .. }
            | RecordOutcome::HiddenByDigestAgility { .. }
            | RecordOutcome::NotJudged => false,
        },
        // Records that were dropped before any certificate was seen.
        None => true,
    }
}

/// The records that DANE is judged by, usable or not.
fn records<'e>(dane: &'e DaneRecords<'_>) -> &'e [TlsaRecord] {
    match dane {
        DaneRecords::Usable(_, set) => set,
        DaneRecords::Unusable(tlsa) => match &tlsa.lookup.answer {
            Answer::Records(set) => &set.open().regardless().records,
            Answer::Denied(_) | Answer::Failed(_) => &[],
        },
        DaneRecords::LookupError | DaneRecords::NotFound(_) => &[],
    }
}

fn shown<'e>(
    host: &'e HostEvidence<'_>,
    address: &'e AddressEvidence<'_>,
    session: &'e SessionEvidence<'_>,
) -> Shown<'e> {
    Shown {
        host: &host.seen.name,
        address: address.seen.address,
        sni: session.seen.sni.as_deref(),
        chain: &session.chain,
    }
}
