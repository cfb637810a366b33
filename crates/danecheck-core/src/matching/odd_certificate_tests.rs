//! DANE-TA(2) with certificates that rcgen cannot mint.

use super::match_dane;
use super::trust_anchor_tests::judge_at;
use crate::certificate::VerificationError as E;
use crate::certificate::mint::{fixture, record, sent};
use crate::unix_time::UnixTime;

/// 2100-01-01T00:00:00Z.
const LATER: UnixTime = UnixTime(4_102_444_800);

#[test]
fn odd_certificates_pass_where_openssl_lets_them() {
    let root = fixture("rsa-root");
    let of_root = record(2, 1, 1, &root);
    for name in [
        "rsa-leaf",
        "rsa-pss-leaf",
        "rsa1024-leaf",
        "v1-leaf",
        "negative-serial-leaf",
        "long-serial-leaf",
        "brainpool-leaf",
        "dsa-leaf",
    ] {
        let leaf = fixture(name);
        assert_eq!(judge_at(&of_root, &[&leaf, &root], LATER), Ok(1), "{name}");
    }
    for (name, error) in [
        ("rsa-sha1-leaf", E::CaDigestTooWeak),
        ("rsa512-leaf", E::EeKeyTooSmall),
        ("unhandled-leaf", E::UnhandledCriticalExtension),
        ("explicit-curve-leaf", E::ExplicitCurve),
    ] {
        let leaf = fixture(name);
        assert_eq!(
            judge_at(&of_root, &[&leaf, &root], LATER),
            Err((error, 0)),
            "{name}"
        );
    }
}

#[test]
fn odd_roots_pass_where_openssl_lets_them() {
    for (root, leaf) in [
        ("v1-root", "v1-root-leaf"),
        ("rsa1024-root", "rsa1024-root-leaf"),
        ("p521-root", "p521-root-leaf"),
        ("p521-root", "p521-sha256-leaf"),
        // Nobody checks how the topmost certificate is signed.
        ("sha1-root", "sha1-root-leaf"),
    ] {
        let (root, leaf) = (fixture(root), fixture(leaf));
        let sent = [&leaf, &root];
        assert_eq!(judge_at(&record(2, 1, 1, &root), &sent, LATER), Ok(1));
        assert_eq!(judge_at(&record(2, 1, 0, &root), &sent[..1], LATER), Ok(0));
    }
    let (root, leaf) = (fixture("rsa768-root"), fixture("rsa768-root-leaf"));
    assert_eq!(
        judge_at(&record(2, 1, 1, &root), &[&leaf, &root], LATER),
        Err((E::CaKeyTooSmall, 1))
    );
}

#[test]
fn a_signature_that_cannot_be_checked_here_leaves_the_verdict_open() {
    let (root, leaf) = (fixture("ed448-root"), fixture("ed448-root-leaf"));
    for (of_root, chain) in [
        (record(2, 1, 1, &root), vec![&leaf, &root]),
        (record(2, 1, 0, &root), vec![&leaf]),
    ] {
        let names = ["mx.test".to_owned()];
        let failure = match_dane(&[of_root], &sent(&chain), &names, LATER)
            .result
            .unwrap_err();
        assert!(failure.is_uncertain(), "{failure:?}");
        let names = ["other.test".to_owned()];
        let sure = match_dane(&[record(2, 1, 0, &root)], &sent(&chain), &names, LATER);
        assert!(!sure.result.unwrap_err().is_uncertain());
    }
}
