//! DANE-EE(3), unusable records and digest agility.

use super::*;
use crate::certificate::VerificationError;
use crate::certificate::mint::{self, Chain, Entity, NOW, fixture, record, sent};
use crate::tlsa::{MatchingType, TlsaRecord, UnusableReason, Usability};
use crate::unix_time::UnixTime;

const LATER: UnixTime = UnixTime(4_102_444_800);

fn names() -> Vec<String> {
    vec!["mx.test".to_owned()]
}

/// A leaf with nothing right about it but its bytes.
fn sorry_leaf() -> Entity {
    Entity::root("Lab Root", |_| {}).leaf("elsewhere.test", |params| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    })
}

/// The same fields over other data.
fn stale(usage: u8, selector: u8, matching: u8) -> TlsaRecord {
    let other = Entity::self_signed("mx.test", |_| {}).certificate;
    record(usage, selector, matching, &other)
}

fn run(records: &[TlsaRecord], leaf: &Entity) -> DaneMatching {
    match_dane(records, &sent(&[&leaf.certificate]), &names(), NOW)
}

#[test]
fn dane_ee_looks_at_the_bytes_of_the_leaf_alone() {
    let leaf = sorry_leaf();
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let matching = run(&[record(3, selector, matching, &leaf.certificate)], &leaf);
            assert_eq!(matching.requirement, Requirement::MustMatch);
            assert_eq!(matching.records, [RecordOutcome::Matches { depth: 0 }]);
            assert_eq!(
                matching.result,
                Ok(MatchedBy {
                    record: 0,
                    depth: 0
                })
            );
        }
    }
}

#[test]
fn dane_ee_never_matches_an_issuer() {
    let chain = Chain::new("mx.test");
    let records = [record(3, 1, 1, &chain.intermediate.certificate)];
    let matching = match_dane(&records, &chain.presented(), &names(), NOW);
    assert_eq!(matching.records, [RecordOutcome::NoMatch]);
    let failure = matching.result.unwrap_err();
    assert_eq!(
        (failure.error, failure.depth),
        (VerificationError::DaneNoMatch, 0)
    );
}

#[test]
fn a_dane_ee_match_with_the_wrong_name_is_fine_beside_a_dane_ta_record() {
    let leaf = sorry_leaf();
    let records = [stale(2, 1, 1), record(3, 1, 1, &leaf.certificate)];
    let matching = run(&records, &leaf);
    assert_eq!(
        matching.result,
        Ok(MatchedBy {
            record: 1,
            depth: 0
        })
    );
}

#[test]
fn a_key_below_security_level_1_fails_even_under_dane_ee() {
    let leaf = fixture("rsa512-leaf");
    let records = [record(3, 1, 1, &leaf)];
    let matching = match_dane(&records, &sent(&[&leaf]), &names(), LATER);
    let failure = matching.result.unwrap_err();
    assert_eq!(failure.error, VerificationError::EeKeyTooSmall);
    assert_eq!(failure.log_prefix(), Some("server"));
    assert_eq!(
        matching.records,
        [RecordOutcome::MatchesButNotTrusted { depth: 0, failure }]
    );
    let leaf = fixture("rsa1024-leaf");
    let records = [record(3, 1, 1, &leaf)];
    let matching = match_dane(&records, &sent(&[&leaf]), &names(), LATER);
    assert!(matching.result.is_ok());
}

#[test]
fn a_signature_over_sha1_does_not_hurt_dane_ee() {
    let leaf = fixture("rsa-sha1-leaf");
    let records = [record(3, 0, 1, &leaf)];
    let matching = match_dane(&records, &sent(&[&leaf]), &names(), LATER);
    assert!(matching.result.is_ok());
}

#[test]
fn odd_leaves_match_under_dane_ee() {
    for name in [
        "v1-leaf",
        "negative-serial-leaf",
        "long-serial-leaf",
        "unhandled-leaf",
        "brainpool-leaf",
        "dsa-leaf",
        "explicit-curve-leaf",
        "ed448-root-leaf",
    ] {
        let leaf = fixture(name);
        for selector in [0, 1] {
            for matching in [0, 1, 2] {
                let records = [record(3, selector, matching, &leaf)];
                let matching = match_dane(&records, &sent(&[&leaf]), &names(), LATER);
                assert!(matching.result.is_ok(), "{name}");
            }
        }
    }
}

#[test]
fn where_no_record_passes_the_policy_the_requirement_says_so() {
    let leaf = sorry_leaf();
    let records = [
        record(1, 1, 1, &leaf.certificate),
        record(0, 0, 1, &leaf.certificate),
        TlsaRecord::from_rdata(&[3, 1, 1]),
    ];
    let matching = run(&records, &leaf);
    assert_eq!(matching.requirement, Requirement::NoneUsableAtPolicy);
    assert_eq!(
        matching.records[2],
        RecordOutcome::Unusable(Usability::UnusableAtPolicy(UnusableReason::Truncated))
    );
    assert_eq!(run(&[], &leaf).requirement, Requirement::NoneUsableAtPolicy);
}

#[test]
fn where_no_record_passes_the_handshake_dane_only_is_told_an_unspecified_error() {
    let leaf = sorry_leaf();
    let records = ["1 1 1 00", "3 1 1 00", "3 2 1 00"].map(|text| text.parse().unwrap());
    let matching = run(&records, &leaf);
    assert_eq!(matching.requirement, Requirement::NoneUsableAtHandshake);
    assert_eq!(
        matching.result.unwrap_err().postfix_text(),
        "num=1:unspecified certificate verification error"
    );
}

#[test]
fn one_usable_record_must_match_whatever_the_unusable_ones_say() {
    let leaf = sorry_leaf();
    let good = record(1, 1, 1, &leaf.certificate);
    let matching = run(&[good, stale(3, 1, 1)], &leaf);
    assert_eq!(matching.requirement, Requirement::MustMatch);
    assert!(matching.result.is_err());
    assert_eq!(matching.records[1], RecordOutcome::NoMatch);
}

#[test]
fn duplicates_are_harmless() {
    let leaf = sorry_leaf();
    let good = record(3, 1, 1, &leaf.certificate);
    let matching = run(&[good.clone(), good], &leaf);
    assert_eq!(
        matching.records,
        vec![RecordOutcome::Matches { depth: 0 }; 2]
    );
}

#[test]
fn records_past_the_first_hundred_cannot_match() {
    let leaf = sorry_leaf();
    let mut records = vec![stale(3, 1, 1); 100];
    records.push(record(3, 1, 1, &leaf.certificate));
    assert!(run(&records, &leaf).result.is_err());
}

#[test]
fn a_stale_sha_512_hides_a_right_sha_256_of_the_same_usage_and_selector() {
    let leaf = sorry_leaf();
    let records = [record(3, 1, 1, &leaf.certificate), stale(3, 1, 2)];
    let matching = run(&records, &leaf);
    assert_eq!(
        matching.records,
        [
            RecordOutcome::HiddenByDigestAgility {
                by: MatchingType::SHA2_512,
                would_match: true,
            },
            RecordOutcome::NoMatch,
        ]
    );
    assert_eq!(
        matching.result.unwrap_err().error,
        VerificationError::DaneNoMatch
    );
}

#[test]
fn digest_agility_hides_nothing_else() {
    let leaf = sorry_leaf();
    let good = &leaf.certificate;
    // A SHA-512 that is too short is unusable, and hides nothing.
    let short: TlsaRecord = "3 1 2 abcd".parse().unwrap();
    for (case, records) in [
        ("c2", [short, record(3, 1, 1, good)]),
        ("c3", [stale(3, 0, 2), record(3, 1, 1, good)]),
        ("c4", [stale(3, 1, 2), record(3, 1, 0, good)]),
        ("c5", [stale(2, 1, 2), record(3, 1, 1, good)]),
        ("c6", [stale(3, 1, 0), record(3, 1, 1, good)]),
    ] {
        let matching = run(&records, &leaf);
        assert_eq!(matching.result.map(|by| by.record), Ok(1), "{case}");
        assert_eq!(matching.records[1], RecordOutcome::Matches { depth: 0 });
    }
}

#[test]
fn a_hidden_stale_record_would_not_have_matched() {
    let leaf = sorry_leaf();
    let records = [stale(3, 1, 1), record(3, 1, 2, &leaf.certificate)];
    let matching = run(&records, &leaf);
    assert_eq!(
        matching.records[0],
        RecordOutcome::HiddenByDigestAgility {
            by: MatchingType::SHA2_512,
            would_match: false,
        }
    );
    assert!(matching.result.is_ok());
}

#[test]
fn digest_agility_holds_for_trust_anchors_too() {
    let chain = Chain::new("mx.test");
    let root = &chain.root.certificate;
    let records = [record(2, 1, 1, root), stale(2, 1, 2)];
    let matching = match_dane(&records, &chain.presented(), &names(), NOW);
    assert!(matching.result.is_err());
    assert_eq!(
        matching.records[0],
        RecordOutcome::HiddenByDigestAgility {
            by: MatchingType::SHA2_512,
            would_match: true,
        }
    );
}

#[test]
fn a_server_without_a_readable_certificate_is_a_failure_like_any_other() {
    let record = stale(3, 1, 1);
    let matching = match_dane(std::slice::from_ref(&record), &[], &names(), NOW);
    let failure = matching.result.unwrap_err();
    assert_eq!(failure.error, VerificationError::NoCertificate);
    assert_eq!(failure.log_prefix(), None);
    let garbage = crate::certificate::presented_chain(&[b"garbage"]);
    let whole = TlsaRecord::for_object(
        crate::tlsa::CertificateUsage::DANE_EE,
        crate::tlsa::Selector::CERT,
        MatchingType::SHA2_256,
        b"garbage",
    )
    .unwrap();
    let matching = match_dane(&[record, whole], &garbage, &names(), NOW);
    let failure = matching.result.unwrap_err();
    // OpenSSL cannot read it either: there is no connection.
    assert_eq!(failure.error, VerificationError::Undecodable);
    assert_eq!(matching.records[0], RecordOutcome::NoMatch);
    assert!(matches!(
        matching.records[1],
        RecordOutcome::MatchesButNotTrusted { depth: 0, .. }
    ));
}

#[test]
fn results_serialize() {
    let leaf = sorry_leaf();
    let records = [record(3, 1, 1, &leaf.certificate), stale(2, 1, 1)];
    let json = serde_json::to_string(&run(&records, &leaf)).unwrap();
    assert!(json.contains("\"stage\":\"must-match\""), "{json}");
    let failed = mint::sent(&[&leaf.certificate]);
    let failed = match_dane(&records[1..], &failed, &names(), NOW);
    let json = serde_json::to_string(&failed).unwrap();
    assert!(json.contains("\"error\":\"dane-no-match\""), "{json}");
}
