//! Findings about how long DNS data lasts.

use std::time::Duration;

use danecheck::demo::stage::Stage;
use danecheck::observe::observe;
use danecheck_core::judge::Verdict;
use danecheck_core::observation::{NameServerAnswer, Observation};
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, publishing};
use crate::support::{ids, message, now};

const TLSA: &str = "_25._tcp.mx1.example.com.";

/// `example.com` in good order but for its TLSA record, where that is stale.
fn domain(stage: &mut Stage, is_stale: bool, change: impl FnOnce(Zone) -> Zone) {
    let identity = stage.identity("mx1.example.com");
    let tlsa = match is_stale {
        true => stale_tlsa(3, 1, 1),
        false => identity.tlsa(3, 1, 1),
    };
    stage.zone(change(publishing([tlsa])));
    stage.server(MX1, MailServer::new(identity));
}

async fn look(stage: Stage, authoritative: bool) -> Observation {
    let stage = stage.start().await.unwrap();
    let mut setup = stage.setup();
    setup.authoritative = authoritative;
    setup.times.query = Duration::from_millis(500);
    observe(&"example.com".parse().unwrap(), &setup).await
}

#[tokio::test]
async fn signatures_about_to_end_are_told_once_for_the_zone() {
    for kind in [ResolverKind::Validating, ResolverKind::AdStripped] {
        let mut stage = Stage::new(now());
        domain(&mut stage, false, |zone| {
            zone.with(ZoneFault::SignaturesEndSoon)
        });
        stage.resolver(kind);
        let report = Report::of(&look(stage, false).await);
        let told = report.findings.iter();
        let told: Vec<_> = told.filter(|it| it.id == "signature-ends-soon").collect();
        assert_eq!(told.len(), 1, "{:?}", ids(&report));
        assert_eq!(told[0].subject, "example.com.");
        let tomorrow = now().plus_days(1).day();
        assert!(told[0].message.contains(&tomorrow), "{}", told[0].message);
        assert_eq!(report.verdict, Verdict::DaneOk);
    }
}

#[tokio::test]
async fn the_first_signature_to_end_is_in_the_report_and_fresh_ones_are_not_told() {
    let mut stage = Stage::new(now());
    domain(&mut stage, false, |zone| zone);
    let report = Report::of(&look(stage, false).await);
    assert_eq!(ids(&report), [""; 0]);
    let validated = report.mx.unwrap().lookup.validated.unwrap();
    let span = validated.first_to_end.unwrap();
    assert_eq!(span.zone, "example.com.");
    assert!(span.expiration > now().plus_days(13));
}

#[tokio::test]
async fn stale_answers_are_told() {
    let mut stage = Stage::new(now());
    domain(&mut stage, false, |zone| zone);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::Stale);
    let report = Report::of(&look(stage, false).await);
    assert_eq!(ids(&report), ["resolver-serves-stale"]);
    let reason = report.hosts[0].tlsa[0].lookup.extended_error.as_ref();
    assert_eq!(reason.unwrap().meaning, "stale answer");
}

#[tokio::test]
async fn a_mismatch_out_of_a_cache_says_how_long_the_cache_lasts() {
    let mut stage = Stage::new(now());
    domain(&mut stage, true, |zone| zone);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::Aged(240));
    let report = Report::of(&look(stage, false).await);
    assert_eq!(
        message(&report, "tlsa-from-cache"),
        "The TLSA records at _25._tcp.mx1.example.com come from the resolver's cache. It fetched \
         them 4 minutes ago and asks again in 60 s. If the domain has corrected them, senders may \
         use the old ones for up to 5 minutes after the change."
    );
    // Straight from the zone there is nothing to wait for.
    let mut stage = Stage::new(now());
    domain(&mut stage, true, |zone| zone);
    let report = Report::of(&look(stage, false).await);
    assert!(!ids(&report).contains(&"tlsa-from-cache"));
    // Nor is there where the server does not even answer.
    let mut stage = Stage::new(now());
    stage.zone(
        Zone::signed("example.com.")
            .mx("@", 10, "mx1")
            .records(&format!("mx1 A {MX1}"))
            .tlsa("_25._tcp.mx1", &stale_tlsa(3, 1, 1)),
    );
    stage.refusing(MX1);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::Aged(240));
    let report = Report::of(&look(stage, false).await);
    assert!(!ids(&report).contains(&"tlsa-from-cache"));
    // And what matches needs no word about the cache.
    let mut stage = Stage::new(now());
    domain(&mut stage, false, |zone| zone);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::Aged(240));
    let report = Report::of(&look(stage, false).await);
    assert_eq!(ids(&report), [""; 0]);
}

#[tokio::test]
async fn a_change_that_the_resolver_has_not_seen_is_told() {
    let mut stage = Stage::new(now());
    domain(&mut stage, false, |zone| {
        zone.name_server("ns1", [192, 0, 2, 53].into())
    });
    let mut seen = look(stage, true).await;
    assert_eq!(ids(&Report::of(&seen)), [""; 0]);
    // What the name servers have from now on.
    let lookup = &mut seen.hosts[0].tlsa[0].lookup;
    let servers = &mut lookup.authority.as_mut().unwrap().servers;
    let answers = servers[0].addresses[0].answers.as_mut().unwrap();
    for answer in [&mut answers.udp, &mut answers.tcp] {
        if let NameServerAnswer::Reply(reply) = answer {
            reply.records = vec!["3 1 1 ab12".to_owned()];
        }
    }
    let report = Report::of(&seen);
    assert_eq!(ids(&report), ["records-change-spreading"]);
    let told = &report.findings[0].message;
    let start = "The name servers of example.com. answer _25._tcp.mx1.example.com TLSA with 3 1 1 \
                 ab12, and the resolver with 3 1 1 ";
    assert!(told.starts_with(start), "{told}");
    let end = "Senders may use the old answer for up to 5 minutes after the change.";
    assert!(told.ends_with(end), "{told}");
}

#[tokio::test]
async fn a_resolver_that_is_silent_to_one_question_is_told() {
    let mut stage = Stage::new(now());
    domain(&mut stage, false, |zone| zone);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::Silence);
    let report = Report::of(&look(stage, false).await);
    let told = message(&report, "resolver-times-out");
    let end = "did not answer _25._tcp.mx1.example.com TLSA in time, but it answered other \
               questions.";
    assert!(told.ends_with(end), "{told}");
}
