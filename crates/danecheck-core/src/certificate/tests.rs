//! Reading certificates and checking single signatures.

use std::net::IpAddr;

use rcgen::KeyPair;

use super::mint::{self, Entity, fixture};
use super::*;

#[test]
fn all_that_a_report_needs_is_read_once() {
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", |params| {
        params.use_authority_key_identifier_extension = true;
        params
            .subject_alt_names
            .push(rcgen::SanType::IpAddress([192, 0, 2, 1].into()));
    });
    let leaf = &leaf.certificate;
    assert_eq!(leaf.version(), 3);
    assert_eq!(leaf.subject().to_string(), "/CN=mx.test");
    assert_eq!(leaf.issuer().to_string(), "/CN=Lab Root");
    assert_eq!(leaf.subject().common_names(), ["mx.test"]);
    assert!(leaf.dns_names().iter().eq(["mx.test"]));
    assert_eq!(leaf.ip_addresses(), [IpAddr::from([192, 0, 2, 1])]);
    assert_eq!(leaf.not_before().to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(leaf.not_after().to_string(), "2027-01-01T00:00:00Z");
    assert_eq!(leaf.key().description(), "ECDSA prime256v1");
    assert_eq!(
        leaf.signature_algorithm().description(),
        "ECDSA with SHA-256"
    );
    assert!(leaf.is_valid_at(mint::NOW));
    assert!(!leaf.is_self_issued());
    assert!(root.certificate.is_self_signed());
    assert!(root.certificate.likely_issued(leaf));
    assert!(root.certificate.basic_constraints().unwrap().ca);
    assert!(root.certificate.key_usage().unwrap().cert_sign);
    assert_eq!(leaf.unhandled_critical(), None);
    assert!(!leaf.serial().is_empty());
    assert_eq!(leaf.allows_server_auth(), None);
}

#[test]
fn odd_certificates_are_read() {
    assert_eq!(fixture("v1-leaf").version(), 1);
    assert_eq!(fixture("negative-serial-leaf").serial(), [0xfb]);
    assert_eq!(fixture("long-serial-leaf").serial().len(), 24);
    assert_eq!(
        fixture("unhandled-leaf").unhandled_critical(),
        Some("1.3.6.1.4.1.99999.1")
    );
    for (name, key) in [
        ("rsa512-leaf", "RSA 512 bits"),
        ("rsa1024-leaf", "RSA 1024 bits"),
        ("dsa-leaf", "DSA 1024 bits"),
        ("brainpool-leaf", "ECDSA brainpoolP256r1"),
        ("explicit-curve-leaf", "ECDSA explicit"),
        ("ed448-root", "Ed448"),
    ] {
        let certificate = fixture(name);
        assert_eq!(certificate.key().description(), key);
        assert!(certificate.key().is_supported());
    }
}

#[test]
fn der_that_is_no_certificate_is_a_value_with_its_bytes_and_the_reason() {
    let whole = Entity::self_signed("mx.test", |_| {}).certificate;
    let longer = [whole.der(), b"x"].concat();
    let shorter = whole.der().split_last().unwrap().1;
    for der in [b"".as_slice(), b"garbage", &longer, shorter] {
        let unreadable = Certificate::from_der(der).unwrap_err();
        assert_eq!(unreadable.der, der);
        assert!(!unreadable.reason.is_empty());
    }
}

#[test]
fn an_authority_key_identifier_that_names_another_key_rules_an_issuer_out() {
    let root = Entity::root("Lab Root", |_| {});
    let leaf = root.leaf("mx.test", |params| {
        params.use_authority_key_identifier_extension = true;
    });
    let other = Entity::root("Lab Root", |_| {});
    assert!(root.certificate.likely_issued(&leaf.certificate));
    assert!(!other.certificate.likely_issued(&leaf.certificate));
}

#[test]
fn signatures_of_every_kind_that_is_here_are_told_from_forged_ones() {
    let ed25519 = |name| {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        Entity::root_with_key(name, key, |_| {}).certificate
    };
    let p384 = {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        Entity::root_with_key("Lab Root", key, |_| {}).certificate
    };
    let p256 = Entity::root("Lab Root", |_| {}).certificate;
    let ed25519 = ed25519("Lab Root");
    let mut pairs = vec![
        (p256.clone(), p256),
        (p384.clone(), p384),
        (ed25519.clone(), ed25519),
    ];
    for (leaf, root) in [
        ("rsa-leaf", "rsa-root"),
        ("rsa-sha1-leaf", "rsa-root"),
        ("rsa-pss-leaf", "rsa-root"),
        ("rsa1024-root-leaf", "rsa1024-root"),
        ("p256-sha1-leaf", "p256-root"),
        ("p256-sha224-leaf", "p256-root"),
        ("p256-sha512-leaf", "p256-root"),
        ("p384-sha224-leaf", "p384-root"),
        ("p384-sha512-leaf", "p384-root"),
        ("p521-root-leaf", "p521-root"),
        ("p521-sha256-leaf", "p521-root"),
    ] {
        pairs.push((fixture(leaf), fixture(root)));
    }
    for (subject, issuer) in pairs {
        let name = subject.signature_algorithm().description();
        assert_eq!(
            verify_signature(&subject, issuer.key()),
            SignatureOutcome::Valid,
            "{name}"
        );
        let mut forged = subject.der().to_vec();
        // Inside the serial number, or just behind it.
        forged[15] ^= 1;
        if let Ok(forged) = Certificate::from_der(&forged) {
            assert_eq!(
                verify_signature(&forged, issuer.key()),
                SignatureOutcome::Invalid,
                "{name}"
            );
        }
    }
}

#[test]
fn a_key_of_another_kind_made_no_such_signature() {
    let leaf = fixture("rsa-leaf");
    let ec = Entity::root("Lab Root", |_| {}).certificate;
    assert_eq!(verify_signature(&leaf, ec.key()), SignatureOutcome::Invalid);
}

#[test]
fn algorithms_that_are_not_here_say_so() {
    for (leaf, root, algorithm) in [
        ("ed448-root-leaf", "ed448-root", "Ed448 by a key of Ed448"),
        (
            "rsa768-root-leaf",
            "rsa768-root",
            "RSA with SHA-256 by a key of RSA 768 bits",
        ),
    ] {
        assert_eq!(
            verify_signature(&fixture(leaf), fixture(root).key()),
            SignatureOutcome::CannotVerify(algorithm.to_owned())
        );
    }
}
