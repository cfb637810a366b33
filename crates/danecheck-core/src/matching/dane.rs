//! Matches TLSA records with a certificate chain: Postfix's `tls_dane.c` and
//! openssl:`x509_vfy.c:dane_verify`.

use std::collections::HashMap;

use super::outcome::{DaneMatching, MatchedBy, RecordOutcome, Requirement};
use crate::certificate::{
    Account, Anchors, Certificate, DaneAnchors, Known, LeafNames, Path, Presented, PublicKey,
    ReferenceName, VerificationError, VerificationFailure, leaf_key_failure, verify_path,
};
use crate::tlsa::{
    CertificateUsage, MatchingType, TlsaRecord, Usability, UsableRecord, association_data,
    classify_rrset,
};
use crate::unix_time::UnixTime;
use crate::work::SHARED;

/// A usable record and its place in the answer.
type Numbered<'a> = (usize, &'a UsableRecord);

/// Matches a secure TLSA answer with the chain that a server presents, leaf
/// first. `names` are those that Postfix accepts for DANE-TA(2): the TLSA base
/// domain, and, if MX records were used, the next-hop domain too.
pub fn match_dane(
    records: &[TlsaRecord],
    chain: &[Presented],
    names: &[String],
    now: UnixTime,
) -> DaneMatching {
    let known = Known::default();
    let account = Account::new(&known, SHARED);
    match_dane_within(&account, records, chain, names, now)
}

/// The same with the work that `account` has left. If it takes more, the record
/// is [`RecordOutcome::NotJudged`], and the result
/// [`VerificationError::WorkUsedUp`].
pub(crate) fn match_dane_within(
    account: &Account<'_>,
    records: &[TlsaRecord],
    chain: &[Presented],
    names: &[String],
    now: UnixTime,
) -> DaneMatching {
    let classified = classify_rrset(records);
    let usable: Vec<Numbered<'_>> = in_openssl_order(
        classified
            .iter()
            .enumerate()
            .filter_map(|(index, record)| Some((index, record.as_ref().ok()?)))
            .collect(),
    );
    let any_at_handshake = classified
        .iter()
        .any(|record| !matches!(record, Err(Usability::UnusableAtPolicy(_))));
    let requirement = match (usable.is_empty(), any_at_handshake) {
        (false, _) => Requirement::MustMatch,
        (true, true) => Requirement::NoneUsableAtHandshake,
        (true, false) => Requirement::NoneUsableAtPolicy,
    };
    let server = Server::new(chain, names, now, account);
    let visible: Vec<Numbered<'_>> = usable
        .iter()
        .copied()
        .filter(|(_, record)| hidden_by(record, &usable).is_none())
        .collect();
    // The decision comes first: nothing waits for more.
    let result = match requirement {
        Requirement::MustMatch => server.verify(&visible).result,
        // `tls_dane.c:tls_dane_enable` sets must_fail.
        _ => Err(VerificationFailure::new(VerificationError::Unspecified, 0)),
    };
    let mut alike = HashMap::new();
    let outcomes = classified.iter().enumerate().map(|(index, record)| {
        let record = match record {
            Ok(record) => record,
            Err(unusable) => return RecordOutcome::Unusable(*unusable),
        };
        let alone = server.outcome((index, record), &mut alike);
        match hidden_by(record, &usable) {
            Some(by) => RecordOutcome::HiddenByDigestAgility {
                by,
                would_match: matches!(alone, RecordOutcome::Matches { .. }),
            },
            None => alone,
        }
    });
    DaneMatching {
        records: outcomes.collect(),
        requirement,
        result,
    }
}

/// openssl:`ssl_lib.c:dane_tlsa_add` sorts by usage, selector and strength of
/// the digest, all descending, Full(0) last.
fn in_openssl_order(mut records: Vec<Numbered<'_>>) -> Vec<Numbered<'_>> {
    records.sort_by_key(|(_, record)| {
        std::cmp::Reverse((record.usage, record.selector, record.matching_type))
    });
    records
}

/// Digest agility (RFC 7671 section 9): within one usage and selector, only the
/// strongest digest counts, whether or not it matches. Full(0) neither hides
/// nor is hidden.
fn hidden_by(record: &UsableRecord, usable: &[Numbered<'_>]) -> Option<MatchingType> {
    if record.matching_type == MatchingType::FULL {
        return None;
    }
    usable
        .iter()
        .filter(|(_, other)| other.usage == record.usage && other.selector == record.selector)
        .map(|(_, other)| other.matching_type)
        .max()
        // `tls_dane_digests` prefers SHA2-512(2) to SHA2-256(1).
        .filter(|strongest| *strongest > record.matching_type)
}

fn matches(record: &UsableRecord, certificate: &Certificate) -> bool {
    association_data(certificate, record.selector, record.matching_type)
        .is_some_and(|data| data == record.data)
}

/// The result for a set of records.
struct Verdict {
    result: Result<MatchedBy, VerificationFailure>,
    /// The DANE-TA(2) record on the path and its depth, trusted or not.
    anchor: Option<(usize, usize)>,
}

/// The server's side of the comparison.
struct Server<'a> {
    leaf: Option<&'a Presented>,
    /// Why there is no TLS connection.
    undecodable: Option<VerificationFailure>,
    /// Why no path can be told.
    unreadable: Option<VerificationFailure>,
    /// All readable certificates with their places in the sent chain.
    sent: Vec<(usize, &'a Certificate)>,
    names: LeafNames,
    now: UnixTime,
    account: &'a Account<'a>,
}

impl<'a> Server<'a> {
    fn new(
        chain: &'a [Presented],
        names: &[String],
        now: UnixTime,
        account: &'a Account<'a>,
    ) -> Self {
        let names: Vec<ReferenceName> = names.iter().cloned().map(ReferenceName::Exact).collect();
        Self {
            leaf: chain.first(),
            undecodable: VerificationFailure::undecodable(chain),
            unreadable: VerificationFailure::unreadable(chain),
            sent: chain
                .iter()
                .enumerate()
                .filter_map(|(place, presented)| Some((place, presented.as_ref().ok()?)))
                .collect(),
            names: LeafNames::new(&names),
            now,
            account,
        }
    }

    /// The outcome of one record as if it were the only one. `alike` has the
    /// outcomes of records of the same certificates, because there may be a
    /// hundred.
    fn outcome(
        &self,
        record: Numbered<'_>,
        alike: &mut HashMap<Vec<usize>, RecordOutcome>,
    ) -> RecordOutcome {
        let (_, usable) = record;
        let by_itself = usable.certificate.is_some() || usable.key.is_some();
        if usable.usage != CertificateUsage::DANE_TA || by_itself {
            return self.outcome_alone(record);
        }
        let matched: Vec<usize> = self
            .sent
            .iter()
            .filter(|(_, certificate)| matches(usable, certificate))
            .map(|(place, _)| *place)
            .collect();
        if matched.iter().all(|place| *place == 0) {
            // No sent issuer: a path has nothing to end in.
            return if self.is_leaf(usable) {
                RecordOutcome::MatchesLeafOnly
            } else {
                RecordOutcome::NoMatch
            };
        }
        if let Some(known) = alike.get(&matched) {
            return known.clone();
        }
        let outcome = self.outcome_alone(record);
        alike.insert(matched, outcome.clone());
        outcome
    }

    fn outcome_alone(&self, record: Numbered<'_>) -> RecordOutcome {
        let verdict = self.verify(&[record]);
        let failure = match verdict.result {
            Ok(matched) => {
                return RecordOutcome::Matches {
                    depth: matched.depth,
                };
            }
            Err(failure) => failure,
        };
        let trust_anchor = record.1.usage == CertificateUsage::DANE_TA;
        if failure.is_for_want_of_work() {
            return RecordOutcome::NotJudged;
        }
        let is_sent = |(_, certificate): &&(usize, &Certificate)| matches(record.1, certificate);
        let issuer = self
            .sent
            .iter()
            .filter(|(place, _)| *place > 0)
            .find(is_sent)
            .map(|(place, _)| *place);
        let is_leaf = self.is_leaf(record.1);
        let depth = if trust_anchor {
            verdict.anchor.map(|(_, depth)| depth).or(issuer)
        } else {
            is_leaf.then_some(0)
        };
        match depth {
            Some(depth) => RecordOutcome::MatchesButNotTrusted { depth, failure },
            None if is_leaf => RecordOutcome::MatchesLeafOnly,
            None => RecordOutcome::NoMatch,
        }
    }

    fn is_leaf(&self, record: &UsableRecord) -> bool {
        match self.leaf {
            Some(Ok(leaf)) => matches(record, leaf),
            Some(Err(unreadable)) => record.matches_unreadable(&unreadable.der),
            None => false,
        }
    }

    /// First DANE-EE(3) records and the leaf; then, if there are DANE-TA(2)
    /// records, a path (openssl:`x509_vfy.c:dane_verify`).
    fn verify(&self, records: &[Numbered<'_>]) -> Verdict {
        let failed = |failure| Verdict {
            result: Err(failure),
            anchor: None,
        };
        if let Some(failure) = &self.undecodable {
            return failed(failure.clone());
        }
        let leaf = match self.leaf {
            Some(Ok(leaf)) => leaf,
            Some(Err(unreadable)) => {
                let reason = unreadable.reason.clone();
                let error = VerificationError::Unreadable { reason };
                return failed(VerificationFailure::new(error, 0));
            }
            None => {
                let error = VerificationError::NoCertificate;
                return failed(VerificationFailure::new(error, 0));
            }
        };
        let weak_key = leaf_key_failure(leaf);
        let end_entity = records
            .iter()
            .find(|(_, record)| record.usage == CertificateUsage::DANE_EE && matches(record, leaf));
        if let Some((record, _)) = end_entity {
            return Verdict {
                result: match weak_key {
                    Some(failure) => Err(failure),
                    None => Ok(MatchedBy {
                        record: *record,
                        depth: 0,
                    }),
                },
                anchor: None,
            };
        }
        let anchors: Vec<Numbered<'_>> = records
            .iter()
            .copied()
            .filter(|(_, record)| record.usage == CertificateUsage::DANE_TA)
            .collect();
        if anchors.is_empty() {
            let mut raised: Vec<_> = weak_key.into_iter().collect();
            raised.push(VerificationFailure::new(VerificationError::DaneNoMatch, 0));
            return match VerificationFailure::choose(&raised) {
                Some(failure) => failed(failure),
                None => failed(VerificationFailure::new(VerificationError::DaneNoMatch, 0)),
            };
        }
        if let Some(failure) = &self.unreadable {
            return failed(failure.clone());
        }
        self.verify_path(leaf, &anchors)
    }

    fn verify_path(&self, leaf: &Certificate, anchors: &[Numbered<'_>]) -> Verdict {
        let matching = |certificate: &Certificate| {
            anchors
                .iter()
                .find(|(_, record)| matches(record, certificate))
                .map(|(index, _)| *index)
        };
        // Postfix keeps its list in reverse, and OpenSSL these in that order.
        let certificates: Vec<Certificate> = anchors
            .iter()
            .rev()
            .filter_map(|(_, record)| record.certificate.clone())
            .collect();
        let keys: Vec<(usize, PublicKey)> = anchors
            .iter()
            .filter_map(|(index, record)| Some((*index, record.key.clone()?)))
            .collect();
        let presented: Vec<&Certificate> = self
            .sent
            .iter()
            .map(|(_, certificate)| *certificate)
            .collect();
        let source = Anchors::Dane(DaneAnchors {
            matching: &matching,
            certificates: &certificates,
            keys: &keys,
        });
        let verified = verify_path(
            leaf,
            &presented,
            &source,
            &self.names,
            self.now,
            self.account,
        );
        let Ok((Path { record, .. }, raised)) = verified else {
            let used_up = VerificationFailure::new(VerificationError::WorkUsedUp, 0);
            return Verdict {
                result: Err(used_up),
                anchor: None,
            };
        };
        let no_match = || VerificationFailure::new(VerificationError::DaneNoMatch, 0);
        // A record of nothing that is sent matches nothing, whatever is invalid.
        let is_of_sent = presented
            .iter()
            .any(|certificate| matching(certificate).is_some());
        let cause: &[&Certificate] = if is_of_sent { &presented } else { &[] };
        Verdict {
            result: match (VerificationFailure::choose(&raised), record) {
                (Some(failure), _) => Err(failure.with_cause(cause)),
                (None, Some((record, depth))) => Ok(MatchedBy { record, depth }),
                (None, None) => Err(no_match()),
            },
            anchor: record,
        }
    }
}
