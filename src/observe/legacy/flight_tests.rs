//! First flights recorded from `openssl s_server`: fixtures/tls/README.md.

use super::flight::Flight;
use danecheck_core::observation::{KeyExchange, LegacyTls};

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/tls/", $name, ".bin"))
    };
}

const RECORDED: [&[u8]; 7] = [
    recorded!("tls10-ecdhe"),
    recorded!("tls12-rsa"),
    recorded!("tls12-dhe"),
    recorded!("tls12-sha1"),
    recorded!("tls12-anonymous"),
    recorded!("tls12-anonymous-refused"),
    recorded!("tls13-x448"),
];

/// The records of a recording, as the observer cuts them.
fn records(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut records = Vec::new();
    while let Some((header, rest)) = bytes.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        records.push((header[0], body.to_vec()));
        bytes = rest;
    }
    records
}

fn read(records: &[(u8, Vec<u8>)]) -> Result<Option<LegacyTls>, String> {
    let mut flight = Flight::default();
    for (kind, body) in records {
        if let Some(tls) = flight.record(*kind, body)? {
            return Ok(Some(tls));
        }
    }
    Ok(None)
}

fn spoken(bytes: &[u8]) -> LegacyTls {
    read(&records(bytes)).unwrap().unwrap()
}

#[test]
fn version_suite_and_key_exchange_are_read() {
    let group = |name: &str| KeyExchange::Group(name.to_owned());
    for (bytes, version, cipher, key_exchange, signed, certificates) in [
        (
            &recorded!("tls10-ecdhe")[..],
            "TLSv1",
            "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
            group("x25519"),
            true,
            1,
        ),
        (
            recorded!("tls12-rsa"),
            "TLSv1.2",
            "TLS_RSA_WITH_AES_256_GCM_SHA384",
            KeyExchange::Rsa,
            false,
            1,
        ),
        (
            recorded!("tls12-dhe"),
            "TLSv1.2",
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
            KeyExchange::FiniteField(2048),
            true,
            1,
        ),
        (
            recorded!("tls12-anonymous"),
            "TLSv1.2",
            "TLS_DH_anon_WITH_AES_256_GCM_SHA384",
            KeyExchange::FiniteField(3072),
            false,
            0,
        ),
    ] {
        let tls = spoken(bytes);
        assert_eq!(tls.version, version);
        assert_eq!(tls.cipher, cipher);
        assert_eq!(tls.key_exchange, key_exchange, "{cipher}");
        assert_eq!(tls.signed, signed, "{cipher}");
        assert_eq!(tls.chain.len(), certificates, "{cipher}");
        assert_eq!(tls.anonymous, cipher.contains("_anon_"), "{cipher}");
        assert!(!tls.sha1_signature, "{cipher}");
    }
}

#[test]
fn a_signature_over_sha1_is_noticed() {
    assert!(spoken(recorded!("tls12-sha1")).sha1_signature);
}

#[test]
fn tls_1_3_is_left_to_our_own_tls() {
    let refused = read(&records(recorded!("tls13-x448")));
    assert_eq!(refused, Err("the server answers with TLS 1.3".to_owned()));
}

#[test]
fn an_alert_is_named() {
    let refused = read(&records(recorded!("tls12-anonymous-refused")));
    assert_eq!(
        refused,
        Err("the server sent the alert handshake_failure".to_owned())
    );
}

#[test]
fn a_warning_about_the_name_is_passed_over() {
    let mut warned = records(recorded!("tls12-rsa"));
    warned.insert(0, (21, vec![1, 112]));
    assert!(read(&warned).unwrap().is_some());
}

#[test]
fn messages_are_put_together_across_records() {
    for bytes in RECORDED {
        let whole = records(bytes);
        let crumbs: Vec<(u8, Vec<u8>)> = whole
            .iter()
            .flat_map(|(kind, body)| {
                let size = if *kind == 22 { 1 } else { body.len() };
                body.chunks(size).map(|crumb| (*kind, crumb.to_vec()))
            })
            .collect();
        assert_eq!(read(&crumbs), read(&whole));
    }
}

#[test]
fn no_damage_makes_the_reader_panic_or_agree_to_less() {
    for bytes in RECORDED {
        for end in 0..bytes.len() {
            let _ = read(&records(&bytes[..end]));
        }
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[place] = value;
                if let Ok(Some(tls)) = read(&records(&damaged)) {
                    assert!(tls.anonymous || !tls.chain.is_empty(), "{place}");
                }
            }
        }
    }
}

#[test]
fn a_message_that_never_ends_is_cut_off() {
    let mut flight = Flight::default();
    let error = flight.record(22, &[11, 0xff, 0xff, 0xff]).unwrap_err();
    assert_eq!(
        error,
        "the server sent a longer handshake message than OpenSSL takes"
    );
}

#[test]
fn what_is_no_handshake_is_not_tls() {
    for (kind, body) in [(23, &[1, 2, 3][..]), (0x32, b"50 go away"), (21, &[])] {
        let mut flight = Flight::default();
        let error = flight.record(kind, body).unwrap_err();
        assert_eq!(error, "the server sent something that is not TLS");
    }
}

#[test]
fn a_certificate_before_the_hello_is_out_of_place() {
    let mut flight = Flight::default();
    let error = flight.record(22, &[11, 0, 0, 3, 0, 0, 0]).unwrap_err();
    assert_eq!(error, "the server's handshake message 11 is out of place");
}

/// A ServerHello, or a HelloRetryRequest, of TLS 1.3 in this group.
fn hello_of_tls13(group: u16) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.extend([0, 0x13, 0x01, 0, 0, 12, 0, 43, 0, 2, 3, 4, 0, 51, 0, 2]);
    hello.extend(group.to_be_bytes());
    let length = u8::try_from(hello.len()).unwrap();
    [vec![2, 0, 0, length], hello].concat()
}

#[test]
fn a_group_that_only_newer_postfix_offers_is_noticed() {
    for (group, expected) in [
        (0x0100, "the server answers with TLS 1.3 in a finite field"),
        (0x0101, "the server answers with TLS 1.3 in a finite field"),
        (0x001d, "the server answers with TLS 1.3"),
        (0x001e, "the server answers with TLS 1.3"),
    ] {
        let answer = read(&[(22, hello_of_tls13(group))]);
        assert_eq!(answer, Err(expected.to_owned()), "{group:x}");
    }
}

#[test]
fn a_message_may_be_as_long_as_openssl_takes() {
    // A Certificate message that has only begun.
    let begun = |length: usize| {
        let [.., high, middle, low] = length.to_be_bytes();
        let hello = records(recorded!("tls12-rsa")).remove(0);
        read(&[hello, (22, vec![11, high, middle, low, 0])])
    };
    assert_eq!(begun(102_400), Ok(None));
    let too_long = "the server sent a longer handshake message than OpenSSL takes";
    assert_eq!(begun(102_401), Err(too_long.to_owned()));
}
