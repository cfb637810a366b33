//! TLSA records in zones without a chain of trust, which no sender asks for.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Verdict;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour, Rtype, Zone, ZoneFault};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, TLSA1, in_order, signed};
use crate::support::{ids, message, report_on};

const TLSA: &str = "_25._tcp.mx1.example.com.";
const ID: &str = "tlsa-left-over";

/// `example.com` as this zone, and a server.
async fn with(zone: Zone, look: impl FnOnce(&mut Stage)) -> Report {
    report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(zone);
        stage.server(MX1, MailServer::new(identity));
        look(stage);
    })
    .await
}

fn unsigned() -> Zone {
    Zone::unsigned("example.com.")
        .mx("@", 10, "mx1")
        .records(&format!("mx1 A {MX1}"))
}

#[tokio::test]
async fn records_in_a_signed_zone_without_ds_are_told_and_cost_no_mail() {
    let zone = signed()
        .with(ZoneFault::DsMissing)
        .tlsa(TLSA1, "3 1 1 abad1dea");
    let report = with(zone, |_| {}).await;
    assert_eq!(
        message(&report, ID),
        "_25._tcp.mx1.example.com has the TLSA record 3 1 1 abad1dea, which nobody uses, because \
         DNSSEC does not protect mx1.example.com (example.com. has no DS record at com.)."
    );
    assert_eq!(report.verdict, Verdict::NoDane);
    // Nothing is left over.
    let report = with(signed().with(ZoneFault::DsMissing), |_| {}).await;
    assert!(!ids(&report).contains(&ID), "{:?}", ids(&report));
    assert!(ids(&report).contains(&"signed-without-ds"));
}

#[tokio::test]
async fn records_in_an_unsigned_zone_are_told_where_danecheck_looks_closely() {
    let zone = || {
        unsigned()
            .tlsa(TLSA1, &stale_tlsa(3, 1, 1))
            .tlsa(TLSA1, "2 1 1 ab12")
    };
    for look in [Stage::looked_at_thoroughly, Stage::asking_name_servers] {
        let report = with(zone(), look).await;
        let told = message(&report, ID);
        assert!(
            told.contains("has the TLSA records 2 1 1 ab12 and 3 1 1 "),
            "{told}"
        );
        assert_eq!(report.verdict, Verdict::NoDane);
    }
    // A usual look asks what Postfix asks.
    let report = with(zone(), |_| {}).await;
    assert!(!ids(&report).contains(&ID), "{:?}", ids(&report));
}

#[tokio::test]
async fn records_at_the_end_of_an_alias_are_told_with_their_name() {
    let zone = Zone::signed("example.com.")
        .with(ZoneFault::DsMissing)
        .mx("@", 10, "mx1")
        .cname("mx1", "node")
        .records(&format!("node A {MX1}"))
        .tlsa("_25._tcp.node", "3 1 1 ab12");
    let report = with(zone, |_| {}).await;
    let told = message(&report, ID);
    assert!(
        told.starts_with("_25._tcp.node.example.com has the TLSA record"),
        "{told}"
    );
}

/// The question is beside the point: no answer to it changes anything.
#[tokio::test]
async fn a_zone_that_fails_at_the_question_costs_neither_time_nor_the_verdict() {
    for how in [
        Misbehaviour::Silence,
        Misbehaviour::ServFail,
        Misbehaviour::NotImp,
    ] {
        let zone = signed().with(ZoneFault::DsMissing);
        let report = with(zone, |stage| {
            stage.lookup_misbehaving(TLSA, Rtype::TLSA, how);
        })
        .await;
        assert!(!ids(&report).contains(&ID), "{how:?}");
        assert!(
            !ids(&report).contains(&"not-all-looked-at"),
            "{how:?}: {:?}",
            ids(&report)
        );
        assert_eq!(report.verdict, Verdict::NoDane, "{how:?}");
    }
}

/// Records under a chain of trust are not left over.
#[tokio::test]
async fn records_that_count_are_not_told() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
        stage.asking_name_servers();
    })
    .await;
    assert_eq!(ids(&report), [""; 0]);
}
