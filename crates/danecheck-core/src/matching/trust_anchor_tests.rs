//! DANE-TA(2): what the path must be like. Each verdict here is OpenSSL's.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};

use super::*;
use crate::certificate::mint::{Chain, Entity, NOW, record, sent};
use crate::certificate::{Certificate, VerificationError as E};
use crate::tlsa::TlsaRecord;
use crate::unix_time::UnixTime;

pub(super) type Outcome = Result<usize, (E, usize)>;

/// One record against a chain for `mx.test`: the depth of the match, or what
/// Postfix logs and where.
pub(super) fn judge_at(record: &TlsaRecord, chain: &[&Certificate], now: UnixTime) -> Outcome {
    let names = ["mx.test".to_owned()];
    match_dane(std::slice::from_ref(record), &sent(chain), &names, now)
        .result
        .map(|matched| matched.depth)
        .map_err(|failure| (failure.error, failure.depth))
}

fn judge(record: &TlsaRecord, chain: &[&Certificate]) -> Outcome {
    judge_at(record, chain, NOW)
}

/// The outcome with `2 1 1` of the root, all sent, after changes.
fn changed(
    root: impl FnOnce(&mut CertificateParams),
    intermediate: impl FnOnce(&mut CertificateParams),
    leaf: impl FnOnce(&mut CertificateParams),
) -> (Outcome, Outcome) {
    let root = Entity::root("Lab Root", root);
    let middle = root.intermediate("Lab Intermediate", intermediate);
    let leaf = middle.leaf("mx.test", leaf).certificate;
    let chain = [&leaf, &middle.certificate, &root.certificate];
    (
        judge(&record(2, 1, 1, &root.certificate), &chain),
        judge(&record(2, 1, 1, &middle.certificate), &chain),
    )
}

fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2026, 2, 1);
}

fn untouched(_: &mut CertificateParams) {}

#[test]
fn any_issuer_that_is_sent_can_be_the_anchor_in_any_order_among_junk() {
    let Chain {
        root,
        intermediate,
        leaf,
    } = Chain::new("mx.test");
    let junk = Entity::root("Junk", |_| {}).certificate;
    let (leaf, middle, root) = (
        &leaf.certificate,
        &intermediate.certificate,
        &root.certificate,
    );
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let of_root = record(2, selector, matching, root);
            let of_middle = record(2, selector, matching, middle);
            for chain in [
                vec![leaf, middle, root],
                vec![leaf, root, middle],
                vec![leaf, &junk, middle, &junk, root],
            ] {
                assert_eq!(judge(&of_root, &chain), Ok(2));
                assert_eq!(judge(&of_middle, &chain), Ok(1));
            }
            assert_eq!(judge(&of_middle, &[leaf, middle]), Ok(1));
        }
    }
}

#[test]
fn a_digest_of_an_issuer_that_is_not_sent_fails() {
    let chain = Chain::new("mx.test");
    let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
    let of_root = record(2, 0, 1, &chain.root.certificate);
    assert_eq!(judge(&of_root, &[leaf, middle]), Err((E::DaneNoMatch, 1)));
    let of_middle = record(2, 1, 1, middle);
    assert_eq!(judge(&of_middle, &[leaf]), Err((E::DaneNoMatch, 0)));
    // With a gap in the chain the root is sent, but out of reach.
    let root = &chain.root.certificate;
    assert_eq!(
        judge(&record(2, 1, 1, root), &[leaf, root]),
        Err((E::DaneNoMatch, 0))
    );
}

#[test]
fn a_full_certificate_or_key_in_dns_need_not_be_sent() {
    let chain = Chain::new("mx.test");
    let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
    let root = &chain.root.certificate;
    assert_eq!(judge(&record(2, 0, 0, root), &[leaf, middle]), Ok(2));
    assert_eq!(judge(&record(2, 0, 0, middle), &[leaf]), Ok(1));
    assert_eq!(judge(&record(2, 1, 0, root), &[leaf, middle]), Ok(1));
    assert_eq!(judge(&record(2, 1, 0, middle), &[leaf]), Ok(0));
    // The key must have signed the topmost certificate itself.
    assert_eq!(
        judge(&record(2, 1, 0, root), &[leaf]),
        Err((E::DaneNoMatch, 0))
    );
}

#[test]
fn a_record_of_the_leaf_itself_does_not_make_it_an_anchor() {
    for adjust in [untouched as fn(&mut CertificateParams), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }] {
        let leaf = Entity::self_signed("mx.test", adjust).certificate;
        for record in [
            record(2, 0, 1, &leaf),
            record(2, 1, 2, &leaf),
            record(2, 0, 0, &leaf),
        ] {
            for chain in [vec![&leaf], vec![&leaf, &leaf]] {
                let names = ["mx.test".to_owned()];
                let matching = match_dane(
                    std::slice::from_ref(&record),
                    &sent(&chain[..1]),
                    &names,
                    NOW,
                );
                assert_eq!(matching.records, [RecordOutcome::MatchesLeafOnly]);
                assert_eq!(judge(&record, &chain), Err((E::DaneNoMatch, 0)));
            }
        }
    }
    let leaf = Chain::new("mx.test").leaf.certificate;
    assert_eq!(
        judge(&record(2, 1, 1, &leaf), &[&leaf]),
        Err((E::DaneNoMatch, 0))
    );
}

#[test]
fn a_full_key_of_a_self_signed_leaf_matches_for_it_signed_the_topmost_certificate() {
    let leaf = Entity::self_signed("mx.test", |_| {}).certificate;
    assert_eq!(judge(&record(2, 1, 0, &leaf), &[&leaf]), Ok(0));
}

#[test]
fn one_of_the_names_must_match_and_a_mismatch_alone_is_what_is_logged() {
    let chain = Chain::new("mx.test");
    let records = [record(2, 1, 1, &chain.root.certificate)];
    let run = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        match_dane(&records, &chain.presented(), &names, NOW)
    };
    assert!(run(&["other.test", "mx.test"]).result.is_ok());
    let matching = run(&["other.test", "test"]);
    let failure = matching.result.unwrap_err();
    assert!(failure.only_the_name());
    assert_eq!(failure.postfix_text(), "num=62:hostname mismatch");
    assert_eq!(
        matching.records,
        [RecordOutcome::MatchesButNotTrusted { depth: 2, failure }]
    );
    assert_eq!(run(&[]).result.unwrap_err().error, E::Unspecified);
}

#[test]
fn a_common_name_counts_only_without_a_dns_name() {
    let root = Entity::root("Lab Root", |_| {});
    let of_root = record(2, 1, 1, &root.certificate);
    let with = |adjust: fn(&mut CertificateParams)| {
        let leaf = root.leaf("mx.test", adjust).certificate;
        judge(&of_root, &[&leaf, &root.certificate])
    };
    let mail = |params: &mut CertificateParams| {
        let address = "postmaster@mx.test".try_into().unwrap();
        params.subject_alt_names = vec![rcgen::SanType::Rfc822Name(address)];
    };
    assert_eq!(with(|params| params.subject_alt_names.clear()), Ok(1));
    assert_eq!(with(mail), Ok(1));
    let other = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("other.test".try_into().unwrap())];
    };
    assert_eq!(with(other), Err((E::HostnameMismatch, 0)));
    for wild in ["*.test", "m*.test"] {
        let leaf = root
            .leaf("mx.test", |params| {
                params.subject_alt_names = vec![rcgen::SanType::DnsName(wild.try_into().unwrap())];
            })
            .certificate;
        assert_eq!(
            judge(&of_root, &[&leaf, &root.certificate]),
            Err((E::HostnameMismatch, 0))
        );
    }
}

#[test]
fn dates_count_up_to_the_anchor_and_for_an_anchor_that_is_self_issued() {
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(2026, 8, 1);
    assert_eq!(
        changed(untouched, untouched, expired).0,
        Err((E::Expired, 0))
    );
    assert_eq!(
        changed(untouched, untouched, future).0,
        Err((E::NotYetValid, 0))
    );
    let (root, middle) = changed(untouched, expired, untouched);
    assert_eq!(root, Err((E::Expired, 1)));
    assert_eq!(middle, Ok(1));
    let (root, middle) = changed(expired, untouched, untouched);
    assert_eq!(root, Err((E::Expired, 2)));
    assert_eq!(middle, Ok(1));
}

#[test]
fn an_expired_root_fails_as_a_full_certificate_but_not_as_a_bare_key() {
    let root = Entity::root("Lab Root", expired);
    let leaf = root.leaf("mx.test", |_| {}).certificate;
    let root = &root.certificate;
    assert_eq!(
        judge(&record(2, 0, 0, root), &[&leaf]),
        Err((E::Expired, 1))
    );
    assert_eq!(judge(&record(2, 1, 0, root), &[&leaf]), Ok(0));
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", expired).certificate;
    assert_eq!(
        judge(&record(2, 1, 0, &root.certificate), &[&leaf]),
        Err((E::Expired, 0))
    );
}

#[test]
fn the_last_second_of_validity_is_over() {
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", expired).certificate;
    let of_root = record(2, 1, 1, &root.certificate);
    let chain = [&leaf, &root.certificate];
    let end = leaf.not_after();
    assert_eq!(judge_at(&of_root, &chain, UnixTime(end.0 - 1)), Ok(1));
    assert_eq!(judge_at(&of_root, &chain, end), Err((E::Expired, 0)));
    let start = leaf.not_before();
    assert_eq!(judge_at(&of_root, &chain, start), Ok(1));
}

#[test]
fn every_issuer_must_be_a_ca_the_anchor_too() {
    let none = |params: &mut CertificateParams| {
        params.is_ca = IsCa::NoCa;
        params.key_usages.clear();
    };
    let (root, middle) = changed(untouched, none, untouched);
    assert_eq!(root, Err((E::InvalidCa, 1)));
    assert_eq!(middle, Err((E::InvalidCa, 1)));
    assert_eq!(
        changed(none, untouched, untouched).0,
        Err((E::InvalidCa, 2))
    );
    let no_sign =
        |params: &mut CertificateParams| params.key_usages = vec![KeyUsagePurpose::CrlSign];
    assert_eq!(
        changed(no_sign, untouched, untouched).0,
        Err((E::InvalidCa, 2))
    );
}

#[test]
fn a_ca_without_basic_constraints_passes_only_on_top_and_with_cert_sign() {
    let only_sign = |params: &mut CertificateParams| {
        params.is_ca = IsCa::NoCa;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    };
    let (root, middle) = changed(untouched, only_sign, untouched);
    assert_eq!(root, Err((E::InvalidCa, 1)));
    assert_eq!(middle, Ok(1));
}

#[test]
fn the_leaf_and_its_issuers_must_be_fit_for_tls_servers() {
    let client = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let any = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
    };
    let server = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let wrong = |depth| Err((E::InvalidPurpose, depth));
    assert_eq!(changed(untouched, untouched, client).0, wrong(0));
    assert_eq!(changed(untouched, untouched, any).0, wrong(0));
    assert_eq!(changed(untouched, client, untouched).0, wrong(1));
    assert_eq!(changed(server, server, server).0, Ok(2));
}

#[test]
fn a_leaf_that_is_a_ca_passes_unless_its_key_usage_excludes_servers() {
    let ca = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    assert_eq!(changed(untouched, untouched, ca).0, Ok(2));
    assert_eq!(
        changed(untouched, untouched, crate::certificate::mint::ca).0,
        Err((E::InvalidPurpose, 0))
    );
}

#[test]
fn the_path_length_of_an_issuer_holds() {
    let zero = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    };
    let (root, middle) = changed(zero, untouched, untouched);
    assert_eq!(root, Err((E::PathLengthExceeded, 2)));
    assert_eq!(middle, Ok(1));
    assert_eq!(changed(untouched, zero, untouched).0, Ok(2));
}

#[test]
fn name_constraints_hold_but_not_those_of_a_bare_key() {
    let elsewhere = |params: &mut CertificateParams| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("ex.test".into())],
            excluded_subtrees: Vec::new(),
        });
    };
    let excluded = |params: &mut CertificateParams| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: Vec::new(),
            excluded_subtrees: vec![GeneralSubtree::DnsName("test".into())],
        });
    };
    assert_eq!(
        changed(elsewhere, untouched, untouched).0,
        Err((E::PermittedSubtreeViolation, 0))
    );
    assert_eq!(
        changed(untouched, excluded, untouched).0,
        Err((E::ExcludedSubtreeViolation, 0))
    );
    let root = Entity::root("Lab Root", elsewhere);
    let leaf = root.leaf("mx.test", |_| {}).certificate;
    assert_eq!(judge(&record(2, 1, 0, &root.certificate), &[&leaf]), Ok(0));
}

#[test]
fn a_critical_extension_that_openssl_does_not_know_fails_at_its_depth() {
    let odd = |params: &mut CertificateParams| {
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let unhandled = |depth| Err((E::UnhandledCriticalExtension, depth));
    assert_eq!(changed(untouched, untouched, odd).0, unhandled(0));
    assert_eq!(changed(untouched, odd, untouched).0, unhandled(1));
}

#[test]
fn an_issuer_of_the_right_name_with_another_key_fails_the_signature() {
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", |_| {}).certificate;
    let mimic = Entity::root("Lab Root", |_| {}).certificate;
    assert_eq!(
        judge(&record(2, 1, 1, &mimic), &[&leaf, &mimic]),
        Err((E::SignatureFailure, 0))
    );
}

#[test]
fn an_issuer_whose_key_cannot_make_such_signatures_is_passed_over() {
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", |_| {}).certificate;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mimic = Entity::root_with_key("Lab Root", key, |_| {}).certificate;
    let of_root = record(2, 1, 1, &root.certificate);
    assert_eq!(judge(&of_root, &[&leaf, &mimic, &root.certificate]), Ok(1));
}

#[test]
fn of_two_fitting_issuers_the_one_that_is_valid_now_is_taken() {
    let key = || KeyPair::generate().unwrap();
    let old_key = key();
    let same_key = KeyPair::from_pem(&old_key.serialize_pem()).unwrap();
    let old = Entity::root_with_key("Lab Root", old_key, expired);
    let new = Entity::root_with_key("Lab Root", same_key, |_| {}).certificate;
    let leaf = old.leaf("mx.test", |_| {}).certificate;
    let chain = [&leaf, &old.certificate, &new];
    assert_eq!(judge(&record(2, 0, 1, &new), &chain), Ok(1));
    assert_eq!(
        judge(&record(2, 0, 1, &old.certificate), &chain),
        Err((E::DaneNoMatch, 1))
    );
    assert_eq!(judge(&record(2, 1, 1, &new), &chain), Ok(1));
}

#[test]
fn an_anchor_at_depth_11_is_in_reach_and_one_at_12_is_not() {
    let root = Entity::root("Lab Root", |_| {});
    let mut issuers = vec![root];
    for number in 1..12 {
        let next = issuers[number - 1].intermediate(&format!("Lab CA {number}"), |_| {});
        issuers.push(next);
    }
    let of_root = record(2, 1, 1, &issuers[0].certificate);
    let with = |top: usize| {
        let leaf = issuers[top].leaf("mx.test", |_| {}).certificate;
        let mut chain = vec![&leaf];
        chain.extend(
            issuers[..=top]
                .iter()
                .rev()
                .map(|issuer| &issuer.certificate),
        );
        judge(&of_root, &chain)
    };
    assert_eq!(with(10), Ok(11));
    assert_eq!(with(11), Err((E::ChainTooLong, 11)));
}

#[test]
fn what_matches_outside_the_path_is_told_apart_from_no_match() {
    let chain = Chain::new("mx.test");
    let junk = Entity::root("Junk", |_| {}).certificate;
    let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
    let names = ["mx.test".to_owned()];
    let presented = sent(&[leaf, middle, &junk]);
    let matching = match_dane(&[record(2, 1, 1, &junk)], &presented, &names, NOW);
    let failure = matching.result.unwrap_err();
    assert_eq!((&failure.error, failure.depth), (&E::DaneNoMatch, 1));
    assert_eq!(
        matching.records,
        [RecordOutcome::MatchesButNotTrusted { depth: 2, failure }]
    );
}
