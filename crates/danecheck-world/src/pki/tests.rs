use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::ServerName;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use danecheck_core::unix_time::UnixTime;

const NOW: UnixTime = UnixTime(1_795_312_923);
const NAME: &str = "mx1.example.com";

/// What webpki says about `identity` under `root` at `NOW`.
fn verify(root: &Authority, identity: &Identity) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.certificate().der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let chain = identity.chain_der();
    let (leaf, authorities) = chain.split_first().unwrap();
    let now = std::time::Duration::from_secs(u64::try_from(NOW.0).unwrap());
    let now = rustls_pki_types::UnixTime::since_unix_epoch(now);
    let name = ServerName::try_from(NAME).unwrap();
    verifier
        .verify_server_cert(leaf, authorities, &name, &[], now)
        .map(|_| ())
}

fn refusal(root: &Authority, identity: &Identity) -> String {
    match verify(root, identity) {
        Err(Error::InvalidCertificate(CertificateError::Other(other))) => format!("{other:?}"),
        Err(Error::InvalidCertificate(error)) => format!("{error:?}"),
        other => panic!("not refused for its certificate: {other:?}"),
    }
}

#[test]
fn a_sound_chain_verifies_with_every_kind_of_key() {
    for key in [
        KeyKind::EcdsaP256,
        KeyKind::EcdsaP384,
        KeyKind::Ed25519,
        KeyKind::Rsa2048,
    ] {
        let root = Authority::root(AuthorityProfile::new("Root").key(key), NOW);
        let issuer = root.intermediate(AuthorityProfile::new("CA 1").key(key));
        let identity = issuer.issue(Leaf::new([NAME]).key(key));
        assert_eq!(identity.chain().len(), 2);
        verify(&root, &identity).unwrap();
        assert_eq!(identity.certified_key().cert.len(), 2);
    }
}

#[test]
fn an_unsound_leaf_is_refused_for_its_own_reason() {
    let root = Authority::root("Root", NOW);
    let leaf = || Leaf::new([NAME]);
    let cases = [
        (leaf().validity(Validity::EXPIRED), "Expired"),
        (leaf().validity(Validity::NOT_YET), "NotValidYet"),
        (leaf().purposes([Purpose::ClientAuth]), "InvalidPurpose"),
        (leaf().certificate_authority(), "CaUsedAsEndEntity"),
        (Leaf::new(["other.example.com"]), "NotValidForName"),
        (Leaf::common_name_only(NAME), "NotValidForName"),
    ];
    for (leaf, expected) in cases {
        let refusal = refusal(&root, &root.issue(leaf));
        assert!(refusal.contains(expected), "{refusal}, not {expected}");
    }
    verify(&root, &root.issue(leaf().purposes([]))).unwrap();
    verify(&root, &root.issue(leaf().common_name("unrelated"))).unwrap();
}

#[test]
fn an_unsound_authority_is_refused_for_its_own_reason() {
    let root = Authority::root("Root", NOW);
    let profile = || AuthorityProfile::new("CA 1");
    let cases = [
        (profile().not_an_authority(), "EndEntityUsedAsCa"),
        (profile().validity(Validity::EXPIRED), "Expired"),
        (profile().permitting("example.net"), "NameConstraint"),
    ];
    for (profile, expected) in cases {
        let issuer = root.intermediate(profile);
        let refusal = refusal(&root, &issuer.issue(Leaf::new([NAME])));
        assert!(refusal.contains(expected), "{refusal}, not {expected}");
    }

    let forged = root.impostor().issue(Leaf::new([NAME]));
    assert_eq!(refusal(&root, &forged), "BadSignature");

    // webpki takes no path length from an anchor, only from what it sends.
    let shallow = root.intermediate(profile().path_length(0));
    let deep = shallow.intermediate("CA 2").issue(Leaf::new([NAME]));
    assert!(refusal(&root, &deep).contains("PathLen"));

    let mute = root.intermediate(profile().without_cert_sign());
    let (_, parsed) = X509Certificate::from_der(mute.certificate().der()).unwrap();
    assert!(!parsed.key_usage().unwrap().unwrap().value.key_cert_sign());
}

#[test]
fn a_cross_signed_authority_keeps_its_key() {
    let old = Authority::root("Old Root", NOW);
    let new = Authority::root("New Root", NOW);
    let crossed = new.cross_signed_by(&old);
    assert_eq!(new.tlsa(2, 1, 1), crossed.tlsa(2, 1, 1));
    assert_ne!(new.tlsa(2, 0, 1), crossed.tlsa(2, 0, 1));
    verify(&old, &crossed.issue(Leaf::new([NAME]))).unwrap();
}

#[test]
fn tlsa_records_describe_the_certificate_as_parsed() {
    let identity = Leaf::new([NAME]).self_signed(NOW);
    let der = identity.leaf().der();
    let (_, parsed) = X509Certificate::from_der(der).unwrap();
    let spki = parsed.tbs_certificate.subject_pki.raw;
    assert_eq!(identity.leaf().spki(), spki);

    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let digest = hex(&Sha256::digest(spki));
    assert_eq!(identity.tlsa(3, 1, 1), format!("3 1 1 {digest}"));
    assert_eq!(identity.tlsa(1, 0, 0), format!("1 0 0 {}", hex(der)));
    assert_eq!(
        identity.tlsa(3, 0, 2).len(),
        stale_tlsa(3, 0, 2).len(),
        "a stale record has the right length"
    );
    assert_ne!(identity.tlsa(3, 1, 1), stale_tlsa(3, 1, 1));
}

#[test]
fn the_chain_sent_is_a_choice() {
    let root = Authority::root("Root", NOW);
    let upper = root.intermediate("Upper");
    let lower = upper.intermediate("Lower");
    let identity = lower.issue(Leaf::new([NAME]));
    let leaf = identity.leaf().clone();
    let [l, u, r] = [&lower, &upper, &root].map(|one| one.certificate().clone());

    assert_eq!(identity.chain(), [leaf.clone(), l.clone(), u.clone()]);
    let whole = identity.clone().sending_root();
    assert_eq!(
        whole.chain(),
        [leaf.clone(), l.clone(), u.clone(), r.clone()]
    );
    let reversed = identity.clone().sending_authorities_reversed();
    assert_eq!(reversed.chain(), [leaf.clone(), u, l]);
    let odd = identity.sending_leaf_alone().sending_also([r.clone()]);
    assert_eq!(odd.chain(), [leaf, r]);
}

#[test]
fn pem_reads_back() {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    let identity = Leaf::new([NAME]).self_signed(NOW);
    let read = CertificateDer::from_pem_slice(identity.leaf().pem().as_bytes()).unwrap();
    assert_eq!(&read, identity.leaf().der());
}
