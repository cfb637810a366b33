//! Signatures, chains of trust and forged answers.

use danecheck::demo::stage::Stage;
use danecheck_core::dnssec::{Fault, OwnValidation, SecurityStatus, WeakLink};
use danecheck_core::finding::Severity;
use danecheck_core::judge::Verdict;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::smtp::MailServer;

use super::domain;
use crate::support::domain::{MX1, in_order};
use crate::support::{self, ids, now, observed, report_on};

#[tokio::test]
async fn each_weak_link_of_a_zone_has_a_finding_of_its_own() {
    let tlsa = || ("_25._tcp.mx1".to_owned(), Rtype::TLSA);
    let ((name, rtype), (other, other_type)) = (tlsa(), tlsa());
    for (fault, id) in [
        (ZoneFault::SignaturesExpired, "signature-expired"),
        (ZoneFault::SignaturesNotYetValid, "signature-not-yet-valid"),
        (
            ZoneFault::SignatureMissing { on: Rtype::TLSA },
            "signature-missing",
        ),
        (ZoneFault::BadSignature { name, rtype }, "signature-wrong"),
        (
            ZoneFault::SigningKeyUnpublished {
                name: other,
                rtype: other_type,
            },
            "signing-key-missing",
        ),
        (ZoneFault::DsMismatch, "ds-matches-no-key"),
        (ZoneFault::DsWithoutDnskey, "key-missing"),
        (ZoneFault::DenialMissing, "denial-proves-nothing"),
    ] {
        let report = report_on("example.com", |stage| {
            domain(stage, |zone| zone.with(fault), &[]);
        })
        .await;
        let links: Vec<_> = report.findings.iter().filter(|it| it.id == id).collect();
        assert_eq!(links.len(), 1, "{id}: {:?}", ids(&report));
        assert_eq!(links[0].subject, "example.com.");
        assert_eq!(links[0].severity, Severity::Error);
        let start = "The chain of trust breaks in example.com.: ";
        assert!(links[0].message.starts_with(start), "{}", links[0].message);
    }
}

#[tokio::test]
async fn names_that_are_hashed_too_often_are_told_and_are_no_break() {
    for (iterations, told) in [(0, false), (100, false), (200, true), (600, true)] {
        let report = report_on("example.com", |stage| {
            domain(stage, |zone| zone.nsec3(iterations, false), &[]);
        })
        .await;
        let id = "nsec3-iterations-past-limit";
        assert_eq!(ids(&report).contains(&id), told, "{iterations}");
    }
}

#[tokio::test]
async fn a_root_that_matches_no_trust_anchor_is_told() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone, &[]);
    let mut elsewhere = Stage::new(now());
    domain(&mut elsewhere, |zone| zone, &[]);
    let anchors = elsewhere.start().await.unwrap().setup().root_anchors;
    let stage = stage.start().await.unwrap();
    let setup = danecheck::observe::Setup {
        root_anchors: anchors,
        ..stage.setup()
    };
    let seen = danecheck::observe::observe(&"example.com".parse().unwrap(), &setup).await;
    let report = Report::of(&seen);
    assert_eq!(ids(&report), ["no-trust-anchor"]);
    // The resolver has the right one, and Postfix believes it.
    assert_eq!(report.verdict, Verdict::DaneOk);
}

/// What somebody between this host and the zone makes of an answer, and the
/// finding that names it; nothing that is his is shown as the domain's.
#[tokio::test]
async fn a_forged_answer_is_named_and_nothing_of_it_is_shown() {
    let tlsa = "_25._tcp.mx1.example.com.";
    for (name, rtype, how, id) in [
        (
            tlsa,
            Rtype::TLSA,
            DnsMisbehaviour::AnswerOf("alias.evil.test."),
            "answer-of-another-name",
        ),
        (
            tlsa,
            Rtype::TLSA,
            DnsMisbehaviour::AnswerOf("_25._tcp.mx.evil.test."),
            "answer-of-another-name",
        ),
        (
            "example.com.",
            Rtype::MX,
            DnsMisbehaviour::AnswerOf("evil.test."),
            "answer-of-another-name",
        ),
        (
            "mx1.example.com.",
            Rtype::A,
            DnsMisbehaviour::AnswerOf("mx.evil.test."),
            "answer-of-another-name",
        ),
        (
            tlsa,
            Rtype::TLSA,
            DnsMisbehaviour::RecordsAsNxDomain,
            "response-code-contradicts",
        ),
        (
            "example.com.",
            Rtype::MX,
            DnsMisbehaviour::RecordsAsNxDomain,
            "response-code-contradicts",
        ),
        (
            "mx1.example.com.",
            Rtype::A,
            DnsMisbehaviour::RecordsAsNxDomain,
            "response-code-contradicts",
        ),
        (
            "_25._tcp.mx2.example.com.",
            Rtype::TLSA,
            DnsMisbehaviour::DnameAliasTo("_25._tcp.mx.evil.test."),
            "alias-not-of-dname",
        ),
    ] {
        for kind in [ResolverKind::NotValidating, ResolverKind::Validating] {
            let seen = observed("example.com", |stage| {
                let identity = stage.identity("mx1.example.com");
                let zone = in_order(&identity).mx("@", 20, "mx2");
                let zone = zone.records(&format!("mx2 A {MX1}\ndane TXT x"));
                stage.zone(zone.dname("_tcp.mx2", "dane"));
                stage.zone(
                    Zone::signed("evil.test.")
                        .mx("@", 10, "mx")
                        .records("mx A 192.0.2.66")
                        .cname("alias", "_25._tcp.mx")
                        .tlsa("_25._tcp.mx", "3 1 1 abad1dea"),
                );
                stage.server(MX1, MailServer::new(identity));
                stage.resolver(kind);
                stage.lookup_misbehaving(name, rtype, how);
            })
            .await;
            let report = Report::of(&seen);
            let told = report.findings.iter().find(|it| it.id == id);
            let what = format!("{name} {rtype} {how:?} {kind:?}: {:?}", ids(&report));
            let severity = told.map(|it| it.severity);
            assert_eq!(severity, Some(Severity::Error), "{what}");
            let json = serde_json::to_string(&seen).unwrap();
            for his in ["abad1dea", "192.0.2.66", "mx.evil.test\""] {
                assert!(!json.contains(his), "{his} {what}");
            }
        }
    }
}

#[tokio::test]
async fn a_signature_that_unbound_alone_still_accepts_is_told_for_both() {
    let zone = |stage: &mut Stage| {
        domain(stage, |zone| zone.with(ZoneFault::SignaturesEndSoon), &[]);
        stage.resolver(ResolverKind::NotValidating);
    };
    let mut stage = Stage::new(now());
    zone(&mut stage);
    let stage = stage.start().await.unwrap();
    let mut setup = stage.setup();
    // It ends after a day, of a fortnight.
    setup.checked_at = danecheck_core::unix_time::UnixTime(now().plus_days(1).0 + 3_600);
    let seen = danecheck::observe::observe(&"example.com".parse().unwrap(), &setup).await;
    let report = Report::of(&seen);
    let told = support::message(&report, "signature-within-clock-skew");
    assert!(told.contains("unbound still accepts it until"), "{told}");
    assert!(told.contains("delv and other validators do not"), "{told}");
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn a_signature_that_ends_before_it_begins_is_told() {
    let mut seen = observed("example.com", |stage| domain(stage, |zone| zone, &[])).await;
    let mx = seen.mx.as_mut().unwrap();
    let link = WeakLink {
        zone: "example.com.".to_owned(),
        record_set: "example.com. MX".to_owned(),
        fault: Fault::SignatureDatesReversed {
            inception: now(),
            expiration: now().plus_days(-1),
        },
    };
    mx.own = Some(OwnValidation::at(SecurityStatus::Bogus, link));
    let report = Report::of(&seen);
    let told = support::message(&report, "signature-dates-reversed");
    assert!(told.contains("before it begins"), "{told}");
}
