//! Servers that depend on the name that a client asks for in TLS (SNI).

use std::time::Duration;

use danecheck_core::finding::Severity;
use danecheck_core::judge::Verdict;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::Report;
use danecheck_world::pki::Leaf;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, in_order, signed};
use crate::support::{ids, message, report_on};

/// A server that does this, with a TLSA record or without, under a certificate
/// of its own name that only those get who ask for `known`.
async fn server(ways: &[Misbehaviour], known: Option<&str>, tlsa: bool) -> Report {
    report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(match tlsa {
            true => in_order(&identity),
            false => signed(),
        });
        let mut server = MailServer::new(identity.clone()).misbehaving(ways.iter().cloned());
        if let Some(name) = known {
            server = server.showing_to(name, identity);
        }
        stage.server(MX1, server);
        stage.patience(Duration::from_millis(1500));
    })
    .await
}

#[tokio::test]
async fn a_server_that_fails_those_who_name_it_is_told_apart_from_one_that_has_no_tls() {
    for (way, id, words) in [
        (
            Misbehaviour::UnknownNameAlert,
            "own-name-refused",
            "fails with the server name mx1.example.com (SNI), and succeeds without one: the \
             server says unrecognized_name.",
        ),
        (
            Misbehaviour::DropIfNamed,
            "sni-refused",
            "fails with the server name mx1.example.com (SNI), and succeeds without one: the \
             connection was lost.",
        ),
        (
            Misbehaviour::HangIfNamed,
            "sni-refused",
            "fails with the server name mx1.example.com (SNI), and succeeds without one: time ran \
             out.",
        ),
    ] {
        let report = server(std::slice::from_ref(&way), None, true).await;
        assert!(
            message(&report, id).ends_with(words),
            "{}",
            message(&report, id)
        );
        assert!(!ids(&report).contains(&"handshake-failed"), "{way:?}");
        assert_eq!(report.verdict, Verdict::DaneBroken, "{way:?}");
        // Postfix asks for no name at encrypt.
        let policy = report.recommendation.policy;
        assert_eq!(policy, Some(SecurityLevel::Encrypt), "{way:?}");
        let remedy = &report.findings[0].remedy;
        assert!(remedy.contains("-connect mx1.example.com:25`"), "{remedy}");
    }
}

/// It knows neither its own name nor clients without one.
#[tokio::test]
async fn a_server_that_knows_only_another_name_is_told_not_to_know_its_own() {
    let ways = [Misbehaviour::UnrecognizedNameAlert];
    let report = server(&ways, Some("mail.example.net"), true).await;
    let told = message(&report, "own-name-refused");
    assert!(
        told.contains("server name mx1.example.com (SNI): "),
        "{told}"
    );
    let told = message(&report, "sni-required");
    assert!(told.contains("needs a server name"), "{told}");
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::May));
}

#[tokio::test]
async fn a_server_that_fails_those_who_name_nothing_is_told_with_the_name_that_it_takes() {
    for way in [
        Misbehaviour::UnrecognizedNameAlert,
        Misbehaviour::DropUnlessNamed,
    ] {
        let report = server(std::slice::from_ref(&way), Some("mx1.example.com"), true).await;
        let told = message(&report, "sni-required");
        let words = "succeeds with the server name mx1.example.com, and fails without one (SNI)";
        assert!(told.contains(words), "{told}");
        assert!(!ids(&report).contains(&"handshake-failed"), "{way:?}");
        assert_eq!(report.verdict, Verdict::DaneOk, "{way:?}");
        assert!(!report.outcomes.encrypt.delivers(), "{way:?}");
    }
    // Without TLSA records nobody asks for the name: only the alert says it.
    let ways = [Misbehaviour::UnrecognizedNameAlert];
    let report = server(&ways, Some("mx1.example.com"), false).await;
    assert!(message(&report, "sni-required").contains("needs a server name"));
    let report = server(&[Misbehaviour::DropUnlessNamed], None, false).await;
    assert!(ids(&report).contains(&"handshake-failed"));
    let remedy = &report.findings[0].remedy;
    assert!(remedy.contains("-noservername"), "{remedy}");
}

/// A handshake that fails either way says nothing about names.
#[tokio::test]
async fn other_failures_of_the_handshake_are_not_blamed_on_the_name() {
    for way in [
        Misbehaviour::HandshakeAlert,
        Misbehaviour::DropAfterStartTlsReply,
        Misbehaviour::GarbageInHandshake,
    ] {
        let report = server(std::slice::from_ref(&way), None, true).await;
        let about_names = ids(&report)
            .iter()
            .any(|id| id.contains("sni") || id.contains("name"));
        assert!(!about_names, "{way:?}: {:?}", ids(&report));
    }
}

#[tokio::test]
async fn a_warning_about_the_name_is_told_and_costs_no_mail() {
    let ways = [Misbehaviour::UnknownNameWarning, Misbehaviour::Tls12Only];
    let report = server(&ways, None, true).await;
    assert_eq!(ids(&report), ["own-name-unknown"]);
    assert_eq!(
        message(&report, "own-name-unknown"),
        "mx1.example.com [192.0.2.10] says that it does not know the server name mx1.example.com \
         (a warning, unrecognized_name), and continues with a certificate for mx1.example.com."
    );
    assert_eq!(report.verdict, Verdict::DaneOk);
    // It knows the name.
    let report = server(&ways, Some("mx1.example.com"), true).await;
    assert_eq!(ids(&report), [""; 0]);
}

#[tokio::test]
async fn another_certificate_without_the_name_is_told_with_both() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        let names = ["a.example.net", "b.example.net", "c.example.net"];
        let other = Leaf::new(names).self_signed(stage.now);
        let server = MailServer::new(other).showing_to("mx1.example.com", identity);
        stage.server(MX1, server);
    })
    .await;
    assert_eq!(ids(&report), ["sni-other-certificate"]);
    assert_eq!(report.findings[0].severity, Severity::Info);
    assert_eq!(
        report.findings[0].message,
        "mx1.example.com [192.0.2.10] shows a certificate for mx1.example.com to clients that ask \
         for mx1.example.com, and a certificate for a.example.net, b.example.net and another name \
         to clients that ask for no name."
    );
    assert_eq!(report.verdict, Verdict::DaneOk);
}
