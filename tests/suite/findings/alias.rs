//! Aliases that lead to no record: the zone is to blame, not the resolver.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Verdict;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, TLSA1, in_order, signed};
use crate::support::{ids, message, report_on};

/// `example.com` with these aliases, and a server that is in order.
async fn with(zone: impl FnOnce(&Stage) -> Zone) -> Report {
    report_on("example.com", |stage| {
        let zone = zone(stage);
        stage.zone(zone);
        let identity = stage.identity("mx1.example.com");
        stage.server(MX1, MailServer::new(identity));
    })
    .await
}

/// Aliases from `first` through `a1`, `a2`, ... to `last`.
fn chain(zone: Zone, first: &str, hops: usize, last: &str) -> Zone {
    let name = |at: usize| match at {
        0 => first.to_owned(),
        at if at == hops => last.to_owned(),
        at => format!("a{at}"),
    };
    (0..hops).fold(zone, |zone, at| zone.cname(&name(at), &name(at + 1)))
}

#[tokio::test]
async fn aliases_of_an_mx_host_in_a_circle_are_told_with_every_name() {
    for (names, told) in [
        (
            &["mx1"][..],
            "mx1.example.com is an alias of mx1.example.com: a circle of aliases.",
        ),
        (
            &["mx1", "b"],
            "mx1.example.com is an alias of b.example.com, that of mx1.example.com: a circle of \
             aliases.",
        ),
        (
            &["mx1", "b", "c"],
            "mx1.example.com is an alias of b.example.com, that of c.example.com, that of \
             mx1.example.com: a circle of aliases.",
        ),
    ] {
        let report = with(|_| {
            let zone = Zone::signed("example.com.").mx("@", 10, "mx1");
            let targets = names.iter().cycle().skip(1);
            let pairs = names.iter().zip(targets);
            pairs.fold(zone, |zone, (name, target)| zone.cname(name, target))
        })
        .await;
        // Once for both families.
        let all = report.findings.iter().filter(|it| it.id == "alias-loop");
        let all: Vec<&str> = all.map(|it| it.message.as_str()).collect();
        assert_eq!(all, [told]);
        assert!(
            !ids(&report).contains(&"name-servers-in-order"),
            "{:?}",
            ids(&report)
        );
        assert_eq!(report.verdict, Verdict::Undeliverable);
    }
}

/// The circle may begin behind the name that was asked.
#[tokio::test]
async fn a_circle_behind_other_aliases_is_told() {
    let report = with(|_| {
        Zone::signed("example.com.")
            .mx("@", 10, "mx1")
            .cname("mx1", "a")
            .cname("a", "b")
            .cname("b", "a")
    })
    .await;
    assert_eq!(
        message(&report, "alias-loop"),
        "mx1.example.com is an alias of a.example.com, that of b.example.com, that of \
         a.example.com: a circle of aliases."
    );
}

#[tokio::test]
async fn a_circle_at_the_tlsa_records_is_told_and_encrypt_delivers() {
    let report = with(|_| signed().cname(TLSA1, "_x").cname("_x", TLSA1)).await;
    let told = message(&report, "alias-loop");
    assert!(
        told.starts_with("_25._tcp.mx1.example.com is an alias of _x."),
        "{told}"
    );
    assert!(told.ends_with(": a circle of aliases."), "{told}");
    assert!(!ids(&report).contains(&"name-servers-in-order"));
    assert_eq!(report.verdict, Verdict::DaneBroken);
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Encrypt));
}

#[tokio::test]
async fn more_aliases_than_resolvers_follow_are_told_and_fewer_are_not() {
    for (hops, fails) in [(3, false), (12, true), (30, true)] {
        let report = report_on("example.com", |stage| {
            let identity = stage.identity("mx1.example.com");
            let zone = in_order(&identity).mx("@", 5, "far");
            stage.zone(chain(zone, "far", hops, "mx1"));
            stage.server(MX1, MailServer::new(identity));
            if fails {
                // As unbound does from the twelfth on.
                for rtype in [Rtype::A, Rtype::AAAA] {
                    stage.lookup_misbehaving("far.example.com.", rtype, Misbehaviour::ServFail);
                }
            }
        })
        .await;
        assert_eq!(ids(&report).contains(&"alias-loop"), fails, "{hops}");
        if fails {
            let told = message(&report, "alias-loop");
            assert!(
                told.contains("alias of a1.example.com, that of a2.example.com"),
                "{told}"
            );
            assert!(
                told.ends_with("more aliases than resolvers follow."),
                "{told}"
            );
        }
    }
}

/// Postfix gives up after ten replies that are only aliases.
#[tokio::test]
async fn a_resolver_that_sends_one_alias_after_the_other_without_end_is_told() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
        stage.lookup_misbehaving("mx1.example.com.", Rtype::A, Misbehaviour::EndlessAliases);
    })
    .await;
    let told = message(&report, "alias-loop");
    assert_eq!(
        told,
        "mx1.example.com is an alias, and the aliases behind it do not end."
    );
}

/// An alias to a name without records is no circle.
#[tokio::test]
async fn an_alias_that_ends_is_not_told() {
    let report = with(|_| {
        Zone::signed("example.com.")
            .mx("@", 10, "mx1")
            .cname("mx1", "gone")
    })
    .await;
    assert!(!ids(&report).contains(&"alias-loop"), "{:?}", ids(&report));
}
