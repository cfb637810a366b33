//! `danecheck tlsa`: the records for a certificate, and the check before its
//! deployment.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::pki::{Identity, stale_tlsa};

use crate::support::program::{Ran, run_with, schema_faults};
use crate::support::{Temporary, now};

async fn alone(arguments: &[&str]) -> Ran {
    run_with(arguments, b"", Dial::default()).await
}

/// `example.com` with two MX hosts that publish these records.
async fn published(first: &[&str], second: &[&str]) -> RunningStage {
    let mut stage = Stage::new(now());
    let zone = Zone::signed("example.com.")
        .mx("@", 10, "mx1")
        .mx("@", 20, "mx2")
        .records("mx1 A 192.0.2.1\nmx2 A 192.0.2.2");
    let zone = first
        .iter()
        .fold(zone, |zone, record| zone.tlsa("_25._tcp.mx1", record));
    stage.zone(
        second
            .iter()
            .fold(zone, |zone, record| zone.tlsa("_25._tcp.mx2", record)),
    );
    stage.start().await.unwrap()
}

async fn against(stage: &RunningStage, pem: &Temporary, more: &[&str]) -> Ran {
    let resolver = stage.dns().addr().to_string();
    let mut all = vec!["tlsa", pem.path(), "--against", "example.com"];
    all.extend(["--allow-private", "--resolver", &resolver]);
    all.extend(more);
    let ran = alone(&all).await;
    if !more.contains(&"--json") {
        // Whatever a person is told, a program is told as well.
        all.push("--json");
        let json = alone(&all).await;
        let output = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(schema_faults("tlsa", &output).await, [""; 0]);
        assert_eq!(ran.status, json.status);
    }
    ran
}

/// An identity for these names.
fn identity(names: &[&str]) -> Identity {
    let stage = Stage::new(now());
    stage
        .issuer
        .issue(danecheck_world::pki::Leaf::new(names.iter().copied()))
}

#[tokio::test]
async fn the_records_of_a_certificate_are_printed_for_a_zone_file() {
    let identity = identity(&["mx1.example.com"]);
    let pem = Temporary::chain_of(&identity);
    let record = identity.tlsa(3, 1, 1);
    for (arguments, wanted) in [
        (vec![], format!("{record}\n")),
        (
            vec!["--host", "MX1.example.com."],
            format!("_25._tcp.mx1.example.com. IN TLSA {record}\n"),
        ),
        (
            vec!["--host", "a.test", "--host", "b.test", "--port", "465"],
            format!("_465._tcp.a.test. IN TLSA {record}\n_465._tcp.b.test. IN TLSA {record}\n"),
        ),
    ] {
        let all = [&["tlsa", pem.path()][..], &arguments].concat();
        let ran = alone(&all).await;
        assert_eq!((ran.status, ran.stdout), (ExitStatus::Fine, wanted));
    }
    let ran = alone(&["tlsa", pem.path(), "--ta"]).await;
    assert!(ran.stdout.starts_with("2 1 1 "), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 1);
    let ran = alone(&["tlsa", pem.path(), "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["records"][0]["record"], record.as_str());
    assert_eq!(json["against"], serde_json::Value::Null);
    assert_eq!(schema_faults("tlsa", &json).await, [""; 0]);
}

#[tokio::test]
async fn a_file_without_a_certificate_is_refused() {
    let alone_in_file = Temporary::chain_of(&identity(&["mx1.example.com"]).sending_leaf_alone());
    for (file, arguments, said) in [
        (
            Temporary::with("pem", ""),
            vec![],
            "contains no certificate",
        ),
        (
            Temporary::with(
                "pem",
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
            ),
            vec![],
            "not a readable certificate",
        ),
        (alone_in_file, vec!["--ta"], "fullchain.pem"),
        (
            Temporary::chain_of(&identity(&["mx1.example.com"])),
            vec!["--host", "not a host"],
            "not a host name",
        ),
    ] {
        let ran = alone(&[&["tlsa", file.path()][..], &arguments].concat()).await;
        assert_eq!(ran.status, ExitStatus::Unknown);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn der_is_read_and_other_forms_are_named() {
    let identity = identity(&["mx1.example.com"]);
    let record = identity.tlsa(3, 1, 1);
    let leaf = identity.leaf().der().to_vec();
    let der = Temporary::of_bytes("der", &leaf);
    let marked = [
        b"\xef\xbb\xbf",
        std::fs::read(Temporary::chain_of(&identity).path())
            .unwrap()
            .as_slice(),
    ]
    .concat();
    for file in [&der, &Temporary::of_bytes("pem", &marked)] {
        let ran = alone(&["tlsa", file.path()]).await;
        let found = (ran.status, ran.stdout, ran.stderr);
        assert_eq!(
            found,
            (ExitStatus::Fine, format!("{record}\n"), String::new())
        );
    }
    // The same file in the place of the servers' certificates.
    let stage = published(&[&record], &[]).await;
    let ran = against(&stage, &der, &[]).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stdout);
    let pkcs12 = b"\x30\x82\x0a\x31\x02\x01\x03\x30\x82\x09\xe7".to_vec();
    let pkcs7 = b"\x30\x82\x09\0\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0".to_vec();
    let key = b"-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n".to_vec();
    let more = [leaf.as_slice(), b"x"].concat();
    for (end, bytes, said) in [
        (
            "p12",
            pkcs12,
            "is in the form PKCS#12: `openssl pkcs12 -in FILE -nokeys -out chain.pem`",
        ),
        (
            "p7b",
            pkcs7,
            "is in the form PKCS#7: `openssl pkcs7 -inform DER -in FILE -print_certs -out chain.pem`",
        ),
        (
            "pem",
            key,
            "is a private key and no certificate: give the server's certificate",
        ),
        ("der", more, "not a readable certificate"),
        ("der", leaf[..40].to_vec(), "not a readable certificate"),
    ] {
        let file = Temporary::of_bytes(end, &bytes);
        for arguments in [
            ["tlsa", file.path(), "--port", "25"],
            [
                "--cert",
                file.path(),
                "--resolver=127.0.0.1:1",
                "example.com",
            ],
        ] {
            let ran = alone(&arguments).await;
            let said = said.replace("FILE", file.path());
            assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
            assert!(ran.stderr.contains(&said), "{}", ran.stderr);
            assert!(
                !ran.stderr.contains("contains no certificate"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[tokio::test]
async fn a_certificate_whose_record_is_published_passes() {
    let new = identity(&["mx1.example.com"]);
    let stage = published(&[&stale_tlsa(3, 1, 1), &new.tlsa(3, 1, 1)], &[]).await;
    let ran = against(&stage, &Temporary::chain_of(&new), &["--plan"]).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stdout);
    for words in [
        "deploy it",
        "mx1.example.com: matches",
        "not for mx2.example.com",
        "1. Install",
        "Remove the records that no longer match anything",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn a_new_key_against_stale_records_fails_and_says_what_to_add() {
    let new = identity(&["mx1.example.com", "mx2.example.com"]);
    let stage = published(&[&stale_tlsa(3, 1, 1)], &[&new.tlsa(3, 1, 1)]).await;
    let ran = against(&stage, &Temporary::chain_of(&new), &["--plan"]).await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stdout);
    let add = format!("_25._tcp.mx1.example.com. IN TLSA {}", new.tlsa(3, 1, 1));
    for words in [
        "Do not deploy it yet",
        "would break",
        &add,
        "1. Publish",
        "2. Wait",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("_25._tcp.mx2.example.com. IN TLSA 3"));
    let ran = against(
        &stage,
        &Temporary::chain_of(&new),
        &["--json", "--host", "mx2.example.com"],
    )
    .await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stdout);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["against"]["outlook"], "matches");
    assert_eq!(json["against"]["others"][0], "mx1.example.com");
}

#[tokio::test]
async fn the_record_to_add_is_one_that_no_stronger_digest_hides() {
    let new = identity(&["mx1.example.com"]);
    let stage = published(&[&stale_tlsa(3, 1, 2)], &[]).await;
    let ran = against(&stage, &Temporary::chain_of(&new), &[]).await;
    assert_eq!(ran.status, ExitStatus::Broken);
    assert!(ran.stdout.contains(&new.tlsa(3, 1, 2)), "{}", ran.stdout);
}

#[tokio::test]
async fn without_records_nothing_matches_and_nothing_breaks() {
    let new = identity(&["mx1.example.com"]);
    let ran = against(
        &published(&[], &[]).await,
        &Temporary::chain_of(&new),
        &["--plan"],
    )
    .await;
    assert_eq!(ran.status, ExitStatus::Warning, "{}", ran.stdout);
    assert!(ran.stdout.contains("nothing breaks"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Publish these now"));
}

#[tokio::test]
async fn where_the_lookup_fails_the_pre_flight_fails() {
    let new = identity(&["mx1.example.com"]);
    let mut stage = Stage::new(now());
    stage.zone(
        Zone::signed("example.com.")
            .mx("@", 10, "mx1")
            .records("mx1 A 192.0.2.1")
            .tlsa("_25._tcp.mx1", &new.tlsa(3, 1, 1)),
    );
    stage.lookup_misbehaving(
        "_25._tcp.mx1.example.com.",
        Rtype::TLSA,
        Misbehaviour::ServFail,
    );
    let stage = stage.start().await.unwrap();
    let ran = against(&stage, &Temporary::chain_of(&new), &["--plan"]).await;
    assert_eq!(ran.status, ExitStatus::Unknown, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("Repair the lookups first"),
        "{}",
        ran.stdout
    );
}
