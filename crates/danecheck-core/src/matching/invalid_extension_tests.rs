//! Certificates that OpenSSL calls invalid for one of their extensions
//! (`v3_purp.c:ossl_x509v3_cache_extensions`). What it says of each is what it
//! said itself: `tests/openssl/run` asks it again, of these and of many more.

use rcgen::{CertificateParams, CustomExtension};

use super::{match_dane, verify_pkix};
use crate::certificate::mint::{Entity, NOW, host, record, sent};
use crate::certificate::{Certificate, ReferenceName, VerificationError as E, presented_chain};
use crate::tlsa::TlsaRecord;

const HOST: &str = "mx.test";

type Outcome = Result<(), (Option<u32>, usize)>;

fn pkix(chain: &[&Certificate], store: &[&Certificate]) -> Outcome {
    let store: Vec<Certificate> = store.iter().map(|known| (*known).clone()).collect();
    let names = [ReferenceName::parse(HOST)];
    verify_pkix(&sent(chain), &store, &names, NOW)
        .map_err(|failure| (failure.error.code(), failure.depth))
}

fn dane(record: TlsaRecord, chain: &[&Certificate]) -> Outcome {
    match_dane(&[record], &sent(chain), &[HOST.to_owned()], NOW)
        .result
        .map(|_| ())
        .map_err(|failure| (failure.error.code(), failure.depth))
}

/// An extension of so many copies of a value.
#[derive(Clone, Copy)]
struct Defect {
    oid: &'static [u64],
    values: &'static [&'static [u8]],
}

impl Defect {
    fn put(self, params: &mut CertificateParams, critical: bool) {
        if self.oid == SUBJECT_ALT_NAME {
            params.subject_alt_names.clear();
        }
        if self.oid == BASIC_CONSTRAINTS {
            params.is_ca = rcgen::IsCa::NoCa;
        }
        if self.oid == KEY_USAGE {
            params.key_usages.clear();
        }
        for value in self.values {
            let mut extension = CustomExtension::from_oid_content(self.oid, value.to_vec());
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
        }
    }
}

const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];
const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
/// A subjectAltName of mx.test.
const NAMES: &[u8] = b"\x30\x09\x82\x07mx.test";
const SERVER_AUTH: &[u8] = b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
const GARBAGE: &[u8] = b"\xff\xff\xff";
const NULL: &[u8] = &[5, 0];
const EMPTY: &[u8] = &[0x30, 0];

const fn defect(oid: &'static [u64], values: &'static [&'static [u8]]) -> Defect {
    Defect { oid, values }
}

const DEFECTS: &[(&str, Defect)] = &[
    (
        "two subjectAltNames",
        defect(SUBJECT_ALT_NAME, &[NAMES, NAMES]),
    ),
    (
        "a right one, then garbage",
        defect(SUBJECT_ALT_NAME, &[NAMES, GARBAGE]),
    ),
    (
        "subjectAltName of garbage",
        defect(SUBJECT_ALT_NAME, &[GARBAGE]),
    ),
    (
        "subjectAltName of an unknown kind",
        defect(SUBJECT_ALT_NAME, &[b"\x30\x03\x89\x01x"]),
    ),
    (
        "distribution points of NULL",
        defect(&[2, 5, 29, 31], &[NULL]),
    ),
    (
        "an empty distribution point",
        defect(&[2, 5, 29, 31], &[&[0x30, 2, 0x30, 0]]),
    ),
    (
        "a distribution point of reasons",
        defect(&[2, 5, 29, 31], &[&[0x30, 6, 0x30, 4, 0x81, 2, 7, 0x80]]),
    ),
    (
        "authority key identifier of garbage",
        defect(&[2, 5, 29, 35], &[GARBAGE]),
    ),
    (
        "authority key identifier of OCTET STRING",
        defect(&[2, 5, 29, 35], &[&[4, 1, 1]]),
    ),
    (
        "two authority key identifiers",
        defect(&[2, 5, 29, 35], &[EMPTY, EMPTY]),
    ),
    (
        "subject key identifier of NULL",
        defect(&[2, 5, 29, 14], &[NULL]),
    ),
    (
        "two subject key identifiers",
        defect(&[2, 5, 29, 14], &[&[4, 1, 1], &[4, 1, 1]]),
    ),
    (
        "name constraints of garbage",
        defect(&[2, 5, 29, 30], &[GARBAGE]),
    ),
    (
        "two name constraints",
        defect(&[2, 5, 29, 30], &[EMPTY, EMPTY]),
    ),
    (
        "extended key usage of NULL",
        defect(&[2, 5, 29, 37], &[NULL]),
    ),
    (
        "two extended key usages",
        defect(&[2, 5, 29, 37], &[SERVER_AUTH, SERVER_AUTH]),
    ),
    (
        "an object identifier that goes on",
        defect(&[2, 5, 29, 37], &[&[0x30, 4, 6, 2, 0x2b, 0x86]]),
    ),
    (
        "Netscape type of garbage",
        defect(&[2, 16, 840, 1, 113_730, 1, 1], &[GARBAGE]),
    ),
    (
        "Netscape type of nine unused bits",
        defect(&[2, 16, 840, 1, 113_730, 1, 1], &[&[3, 2, 9, 0x47]]),
    ),
    (
        "address blocks of NULL",
        defect(&[1, 3, 6, 1, 5, 5, 7, 1, 7], &[NULL]),
    ),
    (
        "two lists of AS numbers",
        defect(&[1, 3, 6, 1, 5, 5, 7, 1, 8], &[EMPTY, EMPTY]),
    ),
    (
        "proxy information of garbage",
        defect(&[1, 3, 6, 1, 5, 5, 7, 1, 14], &[GARBAGE]),
    ),
    (
        "basicConstraints of NULL",
        defect(BASIC_CONSTRAINTS, &[NULL]),
    ),
    (
        "two basicConstraints",
        defect(
            BASIC_CONSTRAINTS,
            &[&[0x30, 3, 1, 1, 0xff], &[0x30, 3, 1, 1, 0xff]],
        ),
    ),
    (
        "a negative path length",
        defect(BASIC_CONSTRAINTS, &[&[0x30, 6, 1, 1, 0xff, 2, 1, 0xff]]),
    ),
    (
        "a boolean of two octets",
        defect(BASIC_CONSTRAINTS, &[&[0x30, 4, 1, 2, 0xff, 0xff]]),
    ),
    ("keyUsage without bits", defect(KEY_USAGE, &[&[3, 1, 0]])),
    (
        "keyUsage of unused bits",
        defect(KEY_USAGE, &[&[3, 2, 7, 0x7f]]),
    ),
    (
        "two keyUsages",
        defect(KEY_USAGE, &[&[3, 2, 1, 6], &[3, 2, 1, 6]]),
    ),
];

/// A leaf, an intermediate and a root, one of which has the defect.
fn chain(defect: Defect, critical: bool, place: usize) -> [Entity; 3] {
    let put = |at: usize, params: &mut CertificateParams| {
        if at == place {
            defect.put(params, critical);
        }
    };
    let root = Entity::root("Lab Root", |params| put(2, params));
    let middle = root.intermediate("Lab Intermediate", |params| put(1, params));
    let leaf = middle.leaf(HOST, |params| {
        host(params, HOST);
        put(0, params);
    });
    [leaf, middle, root]
}

#[test]
fn no_path_leads_through_a_certificate_that_openssl_calls_invalid() {
    for (name, defect) in DEFECTS {
        for (critical, place) in [
            (false, 0),
            (true, 0),
            (false, 1),
            (true, 1),
            (false, 2),
            (true, 2),
        ] {
            let [leaf, middle, root] = chain(*defect, critical, place);
            let [leaf, middle, root] = [&leaf, &middle, &root].map(|entity| &entity.certificate);
            let invalid =
                [leaf, middle, root].map(|certificate| certificate.invalid_extension().is_some());
            assert_eq!(invalid, [place == 0, place == 1, place == 2], "{name}");
            // The path ends before the root, or at once.
            let depth = if place == 2 { 1 } else { 0 };
            for sent in [&[leaf, middle][..], &[leaf, middle, root]] {
                let said = pkix(sent, &[root]);
                assert_eq!(said, Err((Some(20), depth)), "{name} at {place}");
            }
            let said = dane(record(2, 1, 1, root), &[leaf, middle, root]);
            assert_eq!(said, Err((Some(65), depth)), "{name} at {place}");
            let said = dane(record(2, 0, 0, root), &[leaf, middle]);
            assert_eq!(said, Err((Some(65), depth)), "{name} at {place}");
            assert_eq!(
                dane(record(3, 1, 1, leaf), &[leaf, middle]),
                Ok(()),
                "{name}"
            );
            // A bare key asks nothing of the certificate that it signed, and
            // nothing of its own.
            if !critical {
                assert_eq!(
                    dane(record(2, 1, 0, middle), &[leaf]),
                    Ok(()),
                    "{name} at {place}"
                );
            }
            let said = dane(record(2, 1, 0, root), &[leaf, middle]);
            let expected = if place == 2 {
                Ok(())
            } else {
                Err((Some(65), 0))
            };
            assert_eq!(said, expected, "{name} at {place}");
        }
    }
}

#[test]
fn the_failure_names_the_certificate_and_what_is_wrong_with_it() {
    let names = [HOST.to_owned()];
    for (defect, words) in [
        (
            DEFECTS[0].1,
            "it has the extension subjectAltName more than once",
        ),
        (
            DEFECTS[2].1,
            "its extension subjectAltName cannot be decoded",
        ),
    ] {
        let [leaf, middle, root] = chain(defect, false, 0);
        let [leaf, middle, root] = [&leaf, &middle, &root].map(|entity| &entity.certificate);
        let expected = format!("OpenSSL does not use the certificate /CN=mx.test: {words}");
        let sent = sent(&[leaf, middle, root]);
        let reference = [ReferenceName::parse(HOST)];
        let failure = verify_pkix(&sent, std::slice::from_ref(root), &reference, NOW).unwrap_err();
        assert_eq!(failure.plain(), expected);
        let records = [record(2, 1, 1, root)];
        let failure = match_dane(&records, &sent, &names, NOW).result.unwrap_err();
        assert_eq!(failure.plain(), expected);
        // Records of other certificates match nothing anyway.
        let other = Entity::root("Lab Root", |_| {}).certificate;
        let records = [record(2, 1, 1, &other)];
        let failure = match_dane(&records, &sent, &names, NOW).result.unwrap_err();
        assert_eq!(failure.invalid, None);
    }
}

#[test]
fn a_self_signed_certificate_that_is_invalid_is_not_found_in_the_store() {
    for (name, defect) in DEFECTS {
        let leaf = Entity::self_signed(HOST, |params| defect.put(params, false)).certificate;
        assert_eq!(pkix(&[&leaf], &[&leaf]), Err((Some(20), 0)), "{name}");
        assert_eq!(dane(record(3, 0, 1, &leaf), &[&leaf]), Ok(()), "{name}");
    }
}

#[test]
fn what_openssl_decodes_makes_no_certificate_invalid() {
    for (oid, value) in [
        // Octets behind the value, an indefinite length, a string in pieces.
        (SUBJECT_ALT_NAME, &b"\x30\x09\x82\x07mx.testx"[..]),
        (SUBJECT_ALT_NAME, b"\x30\x80\x82\x07mx.test\0\0"),
        (SUBJECT_ALT_NAME, b"\x30\x0b\xa2\x09\x04\x07mx.test"),
        (&[2, 5, 29, 14], b"\x24\x06\x04\x01\x01\x04\x01\x01"),
        (&[2, 5, 29, 31], &[0x30, 0]),
        // Those that are not read for a path.
        (&[2, 5, 29, 32], GARBAGE),
        (&[2, 5, 29, 18], GARBAGE),
        (&[2, 5, 29, 46], NULL),
        (&[1, 3, 6, 1, 5, 5, 7, 1, 1], GARBAGE),
    ] {
        let root = Entity::root("Lab Root", |_| {});
        let leaf = root.leaf(HOST, |params| {
            if oid == SUBJECT_ALT_NAME {
                params.subject_alt_names.clear();
            }
            let extension = CustomExtension::from_oid_content(oid, value.to_vec());
            params.custom_extensions.push(extension);
        });
        let (leaf, root) = (&leaf.certificate, &root.certificate);
        assert_eq!(leaf.invalid_extension(), None, "{value:x?}");
        assert_eq!(pkix(&[leaf], &[root]), Ok(()), "{value:x?}");
        assert_eq!(
            dane(record(2, 1, 1, root), &[leaf, root]),
            Ok(()),
            "{value:x?}"
        );
    }
}

#[test]
fn with_a_certificate_that_openssl_cannot_decode_there_is_no_connection() {
    let root = Entity::root("Lab Root", |_| {}).certificate;
    let leaf = Entity::self_signed(HOST, |_| {}).certificate;
    // A signature with eight unused bits, and what is no certificate at all.
    let mut unused = root.der().to_vec();
    let signature = root.signature().len();
    let place = unused.len() - signature - 1;
    unused[place] = 8;
    let garbage = b"garbage".to_vec();
    for broken in [unused, garbage] {
        let ders = [leaf.der().to_vec(), broken];
        let chain = presented_chain(&ders);
        let expected = (E::Undecodable, 1);
        let store = [leaf.clone()];
        let failure = verify_pkix(&chain, &store, &[ReferenceName::parse(HOST)], NOW).unwrap_err();
        assert_eq!((failure.error, failure.depth), expected);
        for record in [record(3, 1, 1, &leaf), record(2, 1, 1, &root)] {
            let matching = match_dane(&[record], &chain, &[HOST.to_owned()], NOW);
            let failure = matching.result.unwrap_err();
            assert_eq!((failure.error, failure.depth), expected);
        }
    }
}

#[test]
fn an_algorithm_beside_the_signature_that_is_not_the_signed_one_makes_it_wrong() {
    let root = Entity::root("Lab Root", |_| {}).certificate;
    let mut der = root.der().to_vec();
    // ecdsa-with-SHA256, behind the signed part: SHA-384 instead.
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let place = der.windows(8).rposition(|part| part == oid).unwrap();
    der[place + 7] = 3;
    let changed = Certificate::from_der(&der).unwrap();
    let outcome = crate::certificate::verify_signature(&changed, root.key());
    assert_eq!(outcome, crate::certificate::SignatureOutcome::Invalid);
}

#[test]
fn a_path_length_of_more_bits_than_openssl_has_is_no_limit() {
    for (length, limit) in [
        (&[1, 0, 0, 0, 0][..], Some(u32::MAX)),
        (&[0x7f; 8], Some(u32::MAX)),
        (&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], None),
        (&[1; 13], None),
    ] {
        let tail = u8::try_from(length.len()).unwrap();
        let value = [&[0x30, 5 + tail, 1, 1, 0xff, 2, tail], length].concat();
        let root = Entity::root("Lab Root", |params| {
            params.is_ca = rcgen::IsCa::NoCa;
            let extension = CustomExtension::from_oid_content(BASIC_CONSTRAINTS, value.clone());
            params.custom_extensions.push(extension);
        });
        let middle = root.intermediate("Lab Intermediate", |_| {});
        let leaf = middle.leaf(HOST, |_| {});
        let constraints = root.certificate.basic_constraints().unwrap();
        assert_eq!(constraints.path_length, limit);
        let chain = [&leaf.certificate, &middle.certificate];
        assert_eq!(pkix(&chain, &[&root.certificate]), Ok(()));
    }
}
