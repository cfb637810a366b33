//! Servers with several certificates, each of which is seen with `--thorough`.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Verdict;
use danecheck_core::report::{Detail, HumanStyle, Report, human};
use danecheck_world::pki::{Identity, KeyKind, Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, in_order, publishing};
use crate::support::{ids, report_on};

/// Which of a server's certificates have a TLSA record.
#[derive(Clone, Copy, PartialEq)]
enum Published {
    Ecdsa,
    Rsa,
    Both,
    Neither,
}

/// A server with ECDSA, the one that Postfix gets, and RSA.
fn domain(stage: &mut Stage, published: Published, ways: &[Misbehaviour]) {
    let ecdsa = stage.identity("mx1.example.com");
    let rsa = Leaf::new(["mx1.example.com"]).key(KeyKind::Rsa2048);
    let rsa = stage.issuer.issue(rsa);
    let record = |identity: &Identity| identity.tlsa(3, 1, 1);
    stage.zone(publishing(match published {
        Published::Ecdsa => vec![record(&ecdsa)],
        Published::Rsa => vec![record(&rsa)],
        Published::Both => vec![record(&ecdsa), record(&rsa)],
        Published::Neither => vec![stale_tlsa(3, 1, 1)],
    }));
    let server = MailServer::new(ecdsa).having_also(rsa);
    stage.server(MX1, server.misbehaving(ways.iter().cloned()));
}

async fn thorough(published: Published, ways: &[Misbehaviour]) -> Report {
    report_on("example.com", |stage| {
        domain(stage, published, ways);
        stage.looked_at_thoroughly();
    })
    .await
}

/// Offer, key and whether it is covered, of each look.
fn looks(report: &Report) -> Vec<(&str, &str, Option<bool>)> {
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    addresses
        .flat_map(|address| &address.limited)
        .map(|look| {
            let leaf = look.session.certificates.first();
            let key = leaf.map_or("none", |leaf| leaf.key.as_str());
            (look.offer.as_str(), key, look.covered)
        })
        .collect()
}

const ECDSA: &str = "ECDSA prime256v1";
const RSA: &str = "RSA 2048 bits";

#[tokio::test]
async fn the_certificate_that_no_record_covers_is_named() {
    let report = thorough(Published::Ecdsa, &[]).await;
    assert_eq!(ids(&report), ["certificate-not-covered"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
    assert_eq!(
        looks(&report),
        [("tls12", ECDSA, Some(true)), ("rsa", RSA, Some(false))]
    );
    let finding = report.findings.first().unwrap();
    assert!(finding.message.contains(RSA), "{}", finding.message);
    assert_eq!(finding.subject, "mx1.example.com [192.0.2.10]");
    let text = human(&report, HumanStyle::of(Detail::Full));
    for words in ["in TLS 1.2 the same certificate", "no TLSA record matches"] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn where_postfix_gets_the_wrong_one_both_are_told() {
    let report = thorough(Published::Rsa, &[]).await;
    assert_eq!(ids(&report), ["tlsa-mismatch", "certificate-not-covered"]);
    assert_eq!(report.verdict, Verdict::DaneBroken);
    let message = &report.findings.last().unwrap().message;
    assert!(message.contains(ECDSA), "{message}");
    assert!(message.contains("Postfix gets it"), "{message}");
}

#[tokio::test]
async fn a_record_for_each_certificate_is_all_that_is_asked_for() {
    let report = thorough(Published::Both, &[]).await;
    assert_eq!(ids(&report), [""; 0]);
    // Without a thorough look the second record seems to be of nothing.
    let report = report_on("example.com", |stage| domain(stage, Published::Both, &[])).await;
    assert_eq!(ids(&report), ["tlsa-record-matches-nothing"]);
    assert_eq!(looks(&report), []);
}

#[tokio::test]
async fn where_nothing_is_covered_the_other_certificate_is_named_too() {
    let report = thorough(Published::Neither, &[]).await;
    assert_eq!(ids(&report), ["tlsa-mismatch", "certificate-not-covered"]);
    let message = &report.findings.last().unwrap().message;
    assert!(message.contains(RSA), "{message}");
}

#[tokio::test]
async fn another_certificate_in_tls_1_2_is_told() {
    let report = thorough(Published::Both, &[Misbehaviour::OtherIdentityInTls12]).await;
    assert_eq!(ids(&report), ["tls12-other-certificate"]);
    assert_eq!(
        looks(&report),
        [("tls12", RSA, Some(true)), ("rsa", RSA, Some(true))]
    );
    let report = thorough(Published::Ecdsa, &[Misbehaviour::OtherIdentityInTls12]).await;
    assert_eq!(
        ids(&report),
        ["certificate-not-covered", "tls12-other-certificate"]
    );
    let message = &report.findings.first().unwrap().message;
    assert!(
        message.contains("Senders without TLS 1.3 get it"),
        "{message}"
    );
}

#[tokio::test]
async fn a_server_without_tls_1_2_and_with_one_certificate_shows_nothing_more() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        let server = MailServer::new(identity).misbehaving([Misbehaviour::Tls13Only]);
        stage.server(MX1, server);
        stage.looked_at_thoroughly();
    })
    .await;
    assert_eq!(ids(&report), [""; 0]);
    assert_eq!(
        looks(&report),
        [("tls12", "none", None), ("rsa", "none", None)]
    );
    let text = human(&report, HumanStyle::of(Detail::Full));
    for words in ["in TLS 1.2 not supported", "with RSA   no certificate"] {
        assert!(text.contains(words), "{text}");
    }
}
