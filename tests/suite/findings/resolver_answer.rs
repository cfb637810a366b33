//! A resolver that has another answer than the zone's name servers.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Verdict;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, TLSA1, in_order};
use crate::support::{ids, message, report_on};

const TLSA: &str = "_25._tcp.mx1.example.com.";

/// `example.com` in order, with data of another zone that the resolver may pass
/// off as its own.
fn domain(stage: &mut Stage, zone: impl FnOnce(Zone) -> Zone) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(zone(in_order(&identity)));
    stage.zone(
        Zone::unsigned("local.test.")
            .mx("@", 10, "mx")
            .records("mx A 10.0.0.25")
            .tlsa(TLSA1, "3 1 1 abad1dea"),
    );
    stage.server(MX1, MailServer::new(identity));
}

async fn with(name: &str, rtype: Rtype, how: Misbehaviour, kind: ResolverKind) -> Report {
    report_on("example.com", |stage| {
        domain(stage, |zone| zone);
        stage.resolver(kind);
        stage.lookup_misbehaving(name, rtype, how);
    })
    .await
}

/// The weak link of the zone is none.
fn blames_the_zone(report: &Report) -> bool {
    let of_zone = [
        "signature-missing",
        "signature-wrong",
        "denial-proves-nothing",
    ];
    ids(report).iter().any(|id| of_zone.contains(id))
}

#[tokio::test]
async fn local_data_of_the_resolver_is_told_with_both_answers() {
    for (name, rtype, other, here, there) in [
        (
            "mx1.example.com.",
            Rtype::A,
            "mx.local.test.",
            "10.0.0.25",
            "192.0.2.10",
        ),
        (
            "example.com.",
            Rtype::MX,
            "local.test.",
            "10 mx.local.test.",
            "10 mx1.example.com.",
        ),
        (
            TLSA,
            Rtype::TLSA,
            "_25._tcp.mx1.local.test.",
            "3 1 1 abad1dea",
            "3 1 1 ",
        ),
    ] {
        let how = Misbehaviour::LocalDataOf(other);
        let report = with(name, rtype, how, ResolverKind::Validating).await;
        let told = message(&report, "resolver-answers-otherwise");
        let start = format!(
            "The resolver answers {name} {rtype} with {here}, but every name server of \
             example.com. answers with {there}"
        );
        assert!(told.starts_with(&start), "{told}");
        assert!(!blames_the_zone(&report), "{:?}", ids(&report));
        let finding = report
            .findings
            .iter()
            .find(|it| it.id == "resolver-answers-otherwise");
        assert!(
            finding.unwrap().remedy.starts_with("Sender: "),
            "{finding:?}"
        );
    }
}

/// What a resolver without validation has is withheld; the zone's is not.
#[tokio::test]
async fn a_resolver_that_does_not_validate_is_told_so_too() {
    let how = Misbehaviour::LocalDataOf("mx.local.test.");
    let kind = ResolverKind::NotValidating;
    let report = with("mx1.example.com.", Rtype::A, how, kind).await;
    assert_eq!(
        message(&report, "resolver-answers-otherwise"),
        "The resolver's answer to mx1.example.com. A is bogus. Every name server of example.com. \
         answers with 192.0.2.10, which DNSSEC proves."
    );
    assert!(!blames_the_zone(&report), "{:?}", ids(&report));
}

#[tokio::test]
async fn a_denial_and_lost_signatures_of_the_resolver_are_told() {
    let kind = ResolverKind::Validating;
    let report = with(
        "mx1.example.com.",
        Rtype::A,
        Misbehaviour::EmptyAnswer,
        kind,
    )
    .await;
    let told = message(&report, "resolver-answers-otherwise");
    assert!(
        told.contains("with no record, but every name server"),
        "{told}"
    );
    let report = with(TLSA, Rtype::TLSA, Misbehaviour::SignaturesStripped, kind).await;
    // The resolver marks it as secure: only the signatures are lost.
    let told = message(&report, "resolver-answers-otherwise");
    assert!(told.contains("without valid signatures"), "{told}");
    assert!(!blames_the_zone(&report), "{:?}", ids(&report));
}

/// Where the zone is broken, it stays the zone.
#[tokio::test]
async fn a_fault_of_the_zone_is_not_blamed_on_the_resolver() {
    for fault in [
        ZoneFault::SignaturesExpired,
        ZoneFault::SignatureMissing { on: Rtype::TLSA },
        ZoneFault::DsMismatch,
    ] {
        let report = report_on("example.com", |stage| {
            domain(stage, |zone| zone.with(fault.clone()));
            stage.resolver(ResolverKind::NotValidating);
        })
        .await;
        let id = "resolver-answers-otherwise";
        assert!(!ids(&report).contains(&id), "{fault:?}: {:?}", ids(&report));
    }
}

/// Nothing proves an answer of an unsigned zone: name servers may give each
/// client other addresses, and a cache may be old.
#[tokio::test]
async fn in_an_unsigned_zone_other_answers_are_told_where_name_servers_are_asked() {
    let report = |name: &'static str, rtype, how| {
        report_on("example.com", move |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(
                Zone::unsigned("example.com.")
                    .mx("@", 10, "mx1")
                    .records(&format!("mx1 A {MX1}")),
            );
            stage.zone(
                Zone::unsigned("local.test.")
                    .mx("@", 10, "mx")
                    .records(&format!("mx A 10.0.0.25\nalike A {MX1}\nalike A 10.0.0.25")),
            );
            stage.server(MX1, MailServer::new(identity));
            stage.asking_name_servers();
            stage.lookup_misbehaving(name, rtype, how);
        })
    };
    let told = report(
        "mx1.example.com.",
        Rtype::A,
        Misbehaviour::LocalDataOf("mx.local.test."),
    )
    .await;
    assert_eq!(
        message(&told, "resolver-addresses-differ"),
        "The resolver answers mx1.example.com A with 10.0.0.25, and the name servers of \
         example.com. answer with 192.0.2.10."
    );
    let told = report(
        "example.com.",
        Rtype::MX,
        Misbehaviour::LocalDataOf("local.test."),
    )
    .await;
    let words = "answer example.com MX with 10 mx1.example.com., and the resolver with 10 \
                 mx.local.test.";
    let text = message(&told, "records-change-spreading");
    assert!(text.contains(words), "{text}");
    // A filter that denies the name.
    let told = report("mx1.example.com.", Rtype::A, Misbehaviour::BareNxDomain).await;
    let text = message(&told, "records-change-spreading");
    assert!(text.contains("and the resolver with no record"), "{text}");
    // An address in common: servers that rotate.
    let fine = report(
        "mx1.example.com.",
        Rtype::A,
        Misbehaviour::LocalDataOf("alike.local.test."),
    )
    .await;
    let id = "resolver-addresses-differ";
    assert!(!ids(&fine).contains(&id), "{:?}", ids(&fine));
    assert_eq!(fine.verdict, Verdict::NoDane);
}
