//! Chains with keys of every kind, and with more names than OpenSSL compares.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;

use crate::chain::{Case, Certificate, Extension, Key, NOW, Record, Trust};
use crate::der;
use crate::matrix::HOST;

const RSA_SHA256: &str = "1.2.840.113549.1.1.11";
const RSA_SHA1: &str = "1.2.840.113549.1.1.5";
const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

/// Each kind of key and its name.
fn kinds() -> Result<Vec<(String, Key)>, ErrorStack> {
    let mut kinds = Vec::new();
    for bits in [512, 768, 1024, 1536, 2048, 3072] {
        let key = Key::rsa(bits, RSA_SHA256, MessageDigest::sha256())?;
        kinds.push((format!("RSA of {bits} bits"), key));
    }
    let sha1 = Key::rsa(2048, RSA_SHA1, MessageDigest::sha1())?;
    kinds.push(("RSA with SHA-1".to_owned(), sha1));
    for (name, curve) in [
        ("P-192", Nid::X9_62_PRIME192V1),
        ("P-224", Nid::SECP224R1),
        ("P-256", Nid::X9_62_PRIME256V1),
        ("P-384", Nid::SECP384R1),
        ("P-521", Nid::SECP521R1),
        ("secp256k1", Nid::SECP256K1),
        ("brainpoolP256r1", Nid::BRAINPOOL_P256R1),
    ] {
        let key = Key::on_curve(curve, ECDSA_SHA256, MessageDigest::sha256())?;
        kinds.push((name.to_owned(), key));
    }
    kinds.push(("Ed25519".to_owned(), Key::ed25519()?));
    kinds.push(("Ed448".to_owned(), Key::ed448()?));
    kinds.push(("DSA".to_owned(), Key::dsa()?));
    let rsa = Key::rsa(2048, RSA_SHA256, MessageDigest::sha256())?;
    // id-ea-rsa (X.509 annex).
    let spki = rsa.spki.clone();
    let other = der::object("2.5.8.1.1");
    let usual = der::object("1.2.840.113549.1.1.1");
    if let Some(place) = spki.windows(usual.len()).position(|part| part == usual) {
        let inside = &spki[place + usual.len()..];
        let algorithm = der::sequence(&[other, vec![5, 0]]);
        // The parameters are NULL, two octets.
        let key = der::sequence(&[algorithm, inside[2..].to_vec()]);
        kinds.push(("RSA under 2.5.8.1.1".to_owned(), rsa.under(key)));
    }
    kinds.push(("X25519".to_owned(), Key::p256()?.under(x25519()?)));
    Ok(kinds)
}

fn x25519() -> Result<Vec<u8>, ErrorStack> {
    openssl::pkey::PKey::generate_x25519()?.public_key_to_der()
}

fn certificate(serial: u8, issuer: &str, subject: &str, extensions: Vec<Extension>) -> Certificate {
    Certificate {
        version: 2,
        serial: vec![serial],
        issuer: der::common_name(issuer),
        subject: der::common_name(subject),
        not_before: "260101000000Z",
        not_after: "270101000000Z",
        extensions,
    }
}

fn ca() -> Vec<Extension> {
    let value = der::sequence(&[der::element(1, &[0xff])]);
    vec![Extension::plain("2.5.29.19", value)]
}

fn host() -> Vec<Extension> {
    let value = der::sequence(&[der::implicit(2, HOST.as_bytes())]);
    vec![Extension::plain("2.5.29.17", value)]
}

fn case(name: String, sent: &[&Vec<u8>], trust: Trust) -> Case {
    Case {
        name,
        sent: sent.iter().map(|der| (*der).clone()).collect(),
        trust,
        names: vec![HOST.to_owned()],
        now: NOW,
    }
}

/// Each case, one after the other.
pub(crate) fn each(
    mut judge: impl FnMut(Case) -> Result<(), ErrorStack>,
) -> Result<(), ErrorStack> {
    let plain = Key::p256()?;
    let middle_key = Key::p256()?;
    for (name, key) in kinds()? {
        for place in ["leaf", "intermediate", "root"] {
            let at = |wanted, usual| if place == wanted { &key } else { usual };
            let (leaf_key, middle_key, root_key) = (
                at("leaf", &plain),
                at("intermediate", &middle_key),
                at("root", &plain),
            );
            // X25519 signs nothing: its certificate is there, and wrong.
            let root = certificate(7, "Root", "Root", ca()).sign(root_key, root_key)?;
            let middle = certificate(8, "Root", "Middle", ca()).sign(middle_key, root_key)?;
            let leaf = certificate(9, "Middle", HOST, host()).sign(leaf_key, middle_key)?;
            let all = [&leaf, &middle, &root];
            let name = |how: &str| format!("{name} as the key of the {place}; {how}");
            judge(case(
                name("store"),
                &all[..2],
                Trust::Store(vec![root.clone()]),
            ))?;
            for (usage, selector, matching, of, key) in [
                (2, 1, 1, &root, root_key),
                (2, 1, 0, &root, root_key),
                (2, 0, 0, &root, root_key),
                (2, 0, 1, &middle, middle_key),
                (3, 1, 1, &leaf, leaf_key),
            ] {
                let record = Record::of(usage, selector, matching, of, key);
                let how = format!("{usage} {selector} {matching}");
                judge(case(name(&how), &all, Trust::Records(vec![record])))?;
            }
        }
    }
    many_names(&plain, &middle_key, &mut judge)
}

/// As many names and constraints as OpenSSL compares, and one more
/// (`NAME_CHECK_MAX`).
fn many_names(
    root_key: &Key,
    leaf_key: &Key,
    judge: &mut impl FnMut(Case) -> Result<(), ErrorStack>,
) -> Result<(), ErrorStack> {
    for (names, constraints) in [
        (1024, 1024),
        (1025, 1024),
        (1023, 1024),
        (2, 1 << 19),
        (2, (1 << 19) + 1),
    ] {
        // The subject is one of the names.
        let mut hosts = vec![der::implicit(2, HOST.as_bytes())];
        hosts.resize(names - 1, der::implicit(2, b"a.test"));
        let tree = der::sequence(&[der::implicit(2, b"bad")]);
        let trees = tree.repeat(constraints);
        let constraints_der = der::sequence(&[der::constructed(1, &trees)]);
        let mut extensions = ca();
        extensions.push(Extension::plain("2.5.29.30", constraints_der));
        let root = certificate(7, "Root", "Root", extensions).sign(root_key, root_key)?;
        let hosts = vec![Extension::plain("2.5.29.17", der::sequence(&hosts))];
        let leaf = certificate(9, "Root", HOST, hosts).sign(leaf_key, root_key)?;
        let name = format!("{names} names, {constraints} constraints");
        judge(case(name, &[&leaf], Trust::Store(vec![root])))?;
    }
    Ok(())
}
