use sha2::{Digest as _, Sha512};

use super::*;
use crate::certificate::mint::Chain;

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn shown<'a>(host: &'a str, sni: Option<&'a str>, chain: &'a [Presented]) -> Shown<'a> {
    Shown {
        host,
        address: ADDRESS,
        sni,
        chain,
    }
}

/// What a record is beside a chain that it does not match.
fn origin(record: &TlsaRecord, chain: &[Presented]) -> Option<Origin> {
    let own = shown("mx1.test", Some("mx1.test"), chain);
    let around = Surroundings::new(vec![own], &[]);
    around.origins([record], &own).remove(0)
}

fn words(record: &str, chain: &[Presented]) -> String {
    let record = record.parse().unwrap();
    origin(&record, chain).map_or_else(String::new, |origin| origin.words())
}

fn digest_record(fields: &str, text: &str) -> String {
    format!("{fields} {}", hex(&sha256(text.as_bytes())))
}

#[test]
fn known_constants_are_named() {
    let chain = Chain::new("mx1.test").presented();
    for (record, wanted) in [
        (
            "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "the digest of an empty input",
        ),
        (
            "2 1 1 8d02536c887482bc34ff54e41d2ba659bf85b341a0a20afadb5813dcfbcf286d",
            "the key of R3, an issuer that Let's Encrypt retired in 2024",
        ),
        (
            "2 0 1 730c1bdcd85f57ce5dc0bba733e5f1ba5a925b2a771d640a26f7a454224dad3b",
            "a certificate of R3, an issuer that Let's Encrypt retired in 2024",
        ),
        (
            "2 1 1 0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3",
            "the key of ISRG Root X1, a root that this chain does not lead to",
        ),
    ] {
        assert_eq!(words(record, &chain), wanted);
    }
    assert_eq!(words("3 1 1 e3b0", &chain), "");
    let random = digest_record("3 1 1", "something else");
    assert_eq!(words(&random, &chain), "");
}

#[test]
fn what_is_in_the_chain_is_found_under_any_fields() {
    let chain = Chain::new("mx1.test");
    let presented = chain.presented();
    let [Ok(leaf), Ok(issuer), ..] = presented.as_slice() else {
        panic!("a leaf and its issuer");
    };
    for (fields, of, wanted) in [
        (
            "3 0 1",
            leaf.spki_der(),
            "the server's own key, which would match as 3 1 1",
        ),
        (
            "3 1 1",
            leaf.der(),
            "the server's own certificate, which would match as 3 0 1",
        ),
        (
            "1 1 1",
            leaf.spki_der(),
            "the server's own key, which would match as 3 1 1",
        ),
    ] {
        let record = format!("{fields} {}", hex(&sha256(of)));
        assert_eq!(words(&record, &presented), wanted);
    }
    let sha512 = format!("3 1 1 {}", hex(&Sha512::digest(leaf.spki_der())));
    let wanted = "the server's own key, which would match as 3 1 2";
    assert_eq!(words(&sha512, &presented), wanted);
    let authority = format!("3 1 1 {}", hex(&sha256(issuer.spki_der())));
    let wanted = format!(
        "the key of {}, an authority in the chain, which would match as 2 1 1",
        common_name(issuer)
    );
    assert_eq!(words(&authority, &presented), wanted);
}

#[test]
fn digests_of_text_are_found() {
    let chain = Chain::new("mx1.test").presented();
    let Some(Ok(leaf)) = chain.first() else {
        panic!("a leaf");
    };
    let base64 = base64::engine::general_purpose::STANDARD.encode(leaf.spki_der());
    for (text, form) in [
        (pem(Object::Key, &base64) + "\n", "PEM"),
        (hex(leaf.spki_der()), "hexadecimal"),
        (hex(leaf.spki_der()).to_uppercase() + "\n", "hexadecimal"),
        (base64, "base64"),
    ] {
        let words = words(&digest_record("3 1 1", &text), &chain);
        let start = format!("the digest of the {form} text of the server's key; ");
        assert!(words.starts_with(&start), "{words}");
        assert!(words.contains("which gives 3 1 1 "), "{words}");
    }
}

#[test]
fn what_another_server_or_session_shows_is_found() {
    let (own, other) = (
        Chain::new("mx1.test").presented(),
        Chain::new("mx2.test").presented(),
    );
    let Some(Ok(leaf)) = other.first() else {
        panic!("a leaf");
    };
    let record: TlsaRecord = format!("3 1 1 {}", hex(&sha256(leaf.spki_der())))
        .parse()
        .unwrap();
    let here = shown("mx1.test", Some("mx1.test"), &own);
    for (elsewhere, wanted) in [
        (
            shown("mx2.test", Some("mx2.test"), &other),
            "the key that mx2.test [192.0.2.1] shows",
        ),
        (
            shown("mx1.test", None, &other),
            "the key that this server shows to clients that name no host in TLS",
        ),
    ] {
        let around = Surroundings::new(vec![here, elsewhere], &[]);
        let origin = around.origins([&record], &here).remove(0).unwrap();
        assert_eq!(origin.words(), wanted);
    }
}
