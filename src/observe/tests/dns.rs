//! What the resolver says, as data.

use std::time::Duration;

use super::*;
use danecheck_core::observation::Shortcoming;
use danecheck_world::dns::{Misbehaviour as Odd, ResolverKind, Rtype, ZoneFault};

fn base() -> DnsWorld {
    DnsWorld::new(now()).zone(good().tlsa("_25._tcp.mx1", "3 1 1 ab12"))
}

#[tokio::test]
async fn a_signed_domain_is_secure_all_the_way() {
    let seen = look_at_dns(base(), "good.test").await;
    assert_eq!(seen.resolver.validation, ResolverValidation::Shown);
    assert_eq!(brief(seen.mx.as_ref().unwrap()), "secure 1");
    let host = host(&seen, "mx1.good.test");
    assert_eq!(brief(host.a.as_ref().unwrap()), "secure 1");
    assert_eq!(brief(host.aaaa.as_ref().unwrap()), "secure nodata");
    assert!(host.alias.is_none());
    assert_eq!(tlsa(host), ["mx1.good.test: secure 1"]);
    assert_eq!(host.tlsa[0].lookup.name, "_25._tcp.mx1.good.test");
    assert!(seen.cuts.is_empty(), "{:?}", seen.cuts);
}

#[tokio::test]
async fn nothing_is_asked_twice_nor_what_neither_postfix_nor_validation_needs() {
    let dns = base().start().await.unwrap();
    look("good.test", &setup(&dns, &[])).await;
    let asked = |checking_disabled: bool| {
        let mut asked: Vec<String> = dns
            .asked()
            .iter()
            .filter(|asked| asked.checking_disabled == checking_disabled)
            .map(|asked| format!("{} {}", asked.name, asked.rtype))
            .collect();
        asked.sort();
        asked
    };
    assert_eq!(
        asked(false),
        [
            ". NS",
            "_25._tcp.mx1.good.test. TLSA",
            "good.test. MX",
            "mx1.good.test. A",
            "mx1.good.test. AAAA",
        ]
    );
    assert_eq!(
        asked(true),
        [
            ". DNSKEY",
            "good.test. DNSKEY",
            "good.test. DS",
            "test. DNSKEY",
            "test. DS",
        ]
    );
}

#[tokio::test]
async fn tlsa_data_arrives_whatever_its_shape() {
    let shapes: [&[u8]; 4] = [&[], &[3, 1], &[3, 1, 1], &[3, 1, 1, 0xab]];
    let zone = shapes
        .iter()
        .fold(good(), |zone, bytes| zone.tlsa_bytes("_25._tcp.mx1", bytes));
    for odd in [None, Some(Odd::TruncatedThenTcp)] {
        let mut world = DnsWorld::new(now()).zone(zone.clone());
        if let Some(odd) = odd {
            world = world.misbehaving("_25._tcp.mx1.good.test.", Rtype::TLSA, odd);
        }
        let seen = look_at_dns(world, "good.test").await;
        let Answer::Records(set) = &host(&seen, "mx1.good.test").tlsa[0].lookup.answer else {
            panic!("{odd:?}");
        };
        let records: Vec<&[u8]> = set
            .open()
            .regardless()
            .records
            .iter()
            .map(|record| record.rdata())
            .collect();
        assert_eq!(records, shapes, "{odd:?}");
    }
}

#[tokio::test]
async fn every_failure_of_a_lookup_has_its_kind() {
    for (odd, kind) in [
        (Odd::ServFail, FailureKind::ServFail),
        (Odd::Refused, FailureKind::Refused),
        (Odd::NotImp, FailureKind::NotImp),
        (Odd::FormErr, FailureKind::FormErr),
        (Odd::Silence, FailureKind::Timeout),
        (Odd::WrongTransactionId, FailureKind::Timeout),
        (Odd::MalformedPacket, FailureKind::Malformed),
        (Odd::TruncatedWithoutTcp, FailureKind::Unreachable),
    ] {
        let world = base().misbehaving("_25._tcp.mx1.good.test.", Rtype::TLSA, odd);
        let seen = look_at_dns(world, "good.test").await;
        let lookup = &host(&seen, "mx1.good.test").tlsa[0].lookup;
        assert_eq!(lookup.failure().unwrap().kind, kind, "{odd:?}");
    }
}

#[tokio::test]
async fn bogus_data_fails_with_the_reason_of_the_resolver() {
    let world = DnsWorld::new(now()).zone(good().tlsa("_25._tcp.mx1", "3 1 1 ab").with(
        ZoneFault::SignatureExpired {
            name: "_25._tcp.mx1".to_owned(),
            rtype: Rtype::TLSA,
        },
    ));
    let seen = look_at_dns(world, "good.test").await;
    let failure = host(&seen, "mx1.good.test").tlsa[0]
        .lookup
        .failure()
        .unwrap();
    assert_eq!(failure.kind, FailureKind::ServFail);
    assert_eq!(failure.extended_error.as_ref().unwrap().code, 7);
}

#[tokio::test]
async fn behind_a_resolver_that_does_not_validate_own_validation_counts() {
    let broken = || Zone::signed("dnssec-failed.org.").with(ZoneFault::DsMismatch);
    for (kind, shortcoming) in [
        (ResolverKind::NotValidating, Shortcoming::DoesNotValidate),
        (ResolverKind::AdStripped, Shortcoming::AdStripped),
    ] {
        let world = base().resolver(kind).zone(broken());
        let seen = look_at_dns(world, "good.test").await;
        assert_eq!(seen.resolver.validation, ResolverValidation::NotShown);
        assert_eq!(seen.resolver.shortcoming, Some(shortcoming));
        let host = host(&seen, "mx1.good.test");
        assert_eq!(brief(host.a.as_ref().unwrap()), "secure 1");
        assert_eq!(tlsa(host), ["mx1.good.test: secure 1"]);
        // And the server name that Postfix behind a sound resolver sends.
        assert_eq!(sessions(&seen).len(), 2);
    }
}

#[tokio::test]
async fn behind_a_resolver_without_dnssec_everything_is_indeterminate() {
    let world = base().resolver(ResolverKind::NotDnssecCapable);
    let seen = look_at_dns(world, "good.test").await;
    assert_eq!(
        seen.resolver.shortcoming,
        Some(Shortcoming::NotDnssecCapable)
    );
    let host = host(&seen, "mx1.good.test");
    assert_eq!(brief(host.a.as_ref().unwrap()), "indeterminate 1");
    // Asked all the same: a report can say what is there.
    assert_eq!(tlsa(host), ["mx1.good.test: indeterminate 1"]);
    // And no server name, since Postfix would have none to send.
    assert_eq!(sessions(&seen).len(), 1);
}

#[tokio::test]
async fn bogus_data_from_a_resolver_that_does_not_validate_is_a_failure() {
    let world = DnsWorld::new(now())
        .resolver(ResolverKind::NotValidating)
        .zone(good().with(ZoneFault::SignaturesExpired));
    let seen = look_at_dns(world, "good.test").await;
    let failure = seen.mx.as_ref().unwrap().failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Bogus);
    assert_eq!(failure.extended_error.as_ref().unwrap().code, 7);
}

#[tokio::test]
async fn a_check_costs_few_queries_in_both_views() {
    for (kind, at_most) in [
        (ResolverKind::Validating, 12),
        (ResolverKind::NotValidating, 16),
    ] {
        let zone = good().tlsa("_25._tcp.mx1", "3 1 1 ab");
        let dns = DnsWorld::new(now()).resolver(kind).zone(zone);
        let dns = dns.start().await.unwrap();
        look("good.test", &setup(&dns, &[])).await;
        assert!(
            dns.query_count() <= at_most,
            "{kind:?}: {} {:#?}",
            dns.query_count(),
            dns.asked()
        );
    }
}

#[tokio::test]
async fn a_check_across_zones_costs_at_most_24_queries() {
    for kind in [ResolverKind::Validating, ResolverKind::NotValidating] {
        let dns = DnsWorld::new(now())
            .resolver(kind)
            .zone(Zone::signed("mail.example.com.").mx("@", 10, "mx1.dc.hosting.net."))
            .zone(Zone::signed("example.com."))
            .zone(
                Zone::signed("hosting.net.")
                    .a("mx1.dc", MX1)
                    .tlsa("_25._tcp.mx1.dc", "3 1 1 ab"),
            );
        let dns = dns.start().await.unwrap();
        look("mail.example.com", &setup(&dns, &[])).await;
        let asked = dns.asked();
        assert!(asked.len() <= 24, "{kind:?}: {} {asked:#?}", asked.len());
    }
}

#[tokio::test]
async fn a_resolver_that_is_silent_or_absent_is_no_answer() {
    let world = base().misbehaving_always(Odd::Silence);
    let seen = look_at_dns(world, "good.test").await;
    assert_eq!(seen.resolver.validation, ResolverValidation::NoAnswer);
    assert_eq!(brief(seen.mx.as_ref().unwrap()), "timeout");
    assert!(seen.hosts.is_empty());

    let dns = base().start().await.unwrap();
    let setup = setup(&dns, &[]);
    drop(dns);
    let seen = look("good.test", &setup).await;
    assert_eq!(seen.resolver.validation, ResolverValidation::NoAnswer);
    assert_eq!(brief(seen.mx.as_ref().unwrap()), "unreachable");
}

#[tokio::test]
async fn a_dead_first_server_gives_way_and_is_not_asked_first_again() {
    let silent = DnsWorld::new(now())
        .misbehaving_always(Odd::Silence)
        .start()
        .await
        .unwrap();
    let dns = base().start().await.unwrap();
    let mut setup = setup(&dns, &[]);
    setup.resolver = Resolver::at([silent.addr(), dns.addr()]);
    let seen = look("good.test", &setup).await;
    assert_eq!(seen.resolver.addresses.len(), 2);
    assert_eq!(
        tlsa(host(&seen, "mx1.good.test")),
        ["mx1.good.test: secure 1"]
    );
    // The probe and the MX lookup, which set out together.
    assert_eq!(silent.query_count(), 2);
}

#[tokio::test]
async fn an_insecure_host_is_not_asked_for_tlsa() {
    let world = DnsWorld::new(now())
        .zone(Zone::signed("good.test.").mx("@", 10, "mx.plain.test."))
        .zone(
            Zone::unsigned("plain.test.")
                .a("mx", MX1)
                .tlsa("_25._tcp.mx", "3 1 1 ab"),
        );
    let seen = look_at_dns(world, "good.test").await;
    let host = host(&seen, "mx.plain.test");
    assert_eq!(brief(host.a.as_ref().unwrap()), "insecure 1");
    assert!(host.tlsa.is_empty() && host.alias.is_none());
}

#[tokio::test]
async fn a_secure_alias_is_asked_at_its_end_and_then_at_its_beginning() {
    let world = DnsWorld::new(now()).zone(
        Zone::signed("good.test.")
            .mx("@", 10, "alias")
            .cname("alias", "hop")
            .cname("hop", "Real")
            .a("real", MX1)
            .tlsa("_25._tcp.alias", "3 1 1 ab"),
    );
    let seen = look_at_dns(world, "good.test").await;
    let host = host(&seen, "alias.good.test");
    assert_eq!(
        brief(host.a.as_ref().unwrap()),
        "secure 1 hop.good.test real.good.test"
    );
    assert_eq!(
        tlsa(host),
        [
            "real.good.test: secure nxdomain",
            "alias.good.test: secure 1"
        ]
    );
    let names: Vec<_> = sessions(&seen).iter().map(|it| it.sni.clone()).collect();
    assert_eq!(names, [None, Some("alias.good.test".to_owned())]);
}

#[tokio::test]
async fn an_alias_out_of_the_signed_tree_costs_one_more_question() {
    let plain = || Zone::unsigned("plain.test.").a("mx", MX1);
    let signed = Zone::signed("good.test.")
        .mx("@", 10, "alias")
        .cname("alias", "mx.plain.test.")
        .tlsa("_25._tcp.alias", "2 1 1 ab");
    let world = DnsWorld::new(now()).zone(signed).zone(plain());
    let seen = look_at_dns(world, "good.test").await;
    let it = host(&seen, "alias.good.test");
    assert_eq!(brief(it.a.as_ref().unwrap()), "insecure 1 mx.plain.test");
    assert_eq!(brief(it.alias.as_ref().unwrap()), "secure 1");
    assert_eq!(tlsa(it), ["alias.good.test: secure 1"]);
    assert_eq!(sessions(&seen).len(), 2);

    // An alias that is itself insecure leads nowhere.
    let unsigned = Zone::unsigned("other.test.").cname("alias", "mx.plain.test.");
    let world = DnsWorld::new(now())
        .zone(Zone::signed("good.test.").mx("@", 10, "alias.other.test."))
        .zone(unsigned)
        .zone(plain());
    let seen = look_at_dns(world, "good.test").await;
    let it = host(&seen, "alias.other.test");
    assert_eq!(brief(it.alias.as_ref().unwrap()), "insecure 1");
    assert!(it.tlsa.is_empty());
}

#[tokio::test]
async fn alias_replies_are_followed_and_one_without_ad_spoils_the_rest() {
    let zone = || {
        Zone::signed("good.test.")
            .mx("@", 10, "alias")
            .cname("alias", "real")
            .a("real", MX1)
            .tlsa("_25._tcp.real", "3 1 1 ab")
    };
    let world = DnsWorld::new(now()).zone(zone()).misbehaving(
        "alias.good.test.",
        Rtype::A,
        Odd::EmptyCnameOnly,
    );
    let seen = look_at_dns(world, "good.test").await;
    let it = host(&seen, "alias.good.test");
    assert_eq!(brief(it.a.as_ref().unwrap()), "secure 1 real.good.test");

    // The first part of the way is unsigned, the address at the end is not.
    let world = DnsWorld::new(now())
        .zone(zone())
        .zone(Zone::unsigned("plain.test.").cname("mx", "real.good.test."))
        .misbehaving("mx.plain.test.", Rtype::A, Odd::EmptyCnameOnly);
    let seen = look_at_dns(world, "[mx.plain.test]").await;
    let it = host(&seen, "mx.plain.test");
    assert_eq!(brief(it.a.as_ref().unwrap()), "insecure 1 real.good.test");
}

#[tokio::test]
async fn an_endless_chain_of_alias_replies_is_given_up() {
    let world = (0..10).fold(DnsWorld::new(now()), |world, hop| {
        world.misbehaving(&format!("a{hop}.good.test."), Rtype::A, Odd::EmptyCnameOnly)
    });
    let zone = (0..10).fold(Zone::signed("good.test."), |zone, hop| {
        zone.cname(&format!("a{hop}"), &format!("a{}", hop + 1))
    });
    let zone = zone.a("a10", MX1);
    let seen = look_at_dns(world.zone(zone), "[a0.good.test]").await;
    let it = host(&seen, "a0.good.test");
    assert_eq!(brief(it.a.as_ref().unwrap()), "aliasloop");
}

#[tokio::test]
async fn who_is_looked_at_follows_the_mx_records() {
    let world = || {
        DnsWorld::new(now())
            .zone(
                Zone::signed("good.test.")
                    .mx("@", 20, "MX2")
                    .mx("@", 10, "mx1")
                    .mx("@", 30, "mx1")
                    .mx("@", 40, "192.0.2.20.")
                    .mx("@", 50, "under_score")
                    .mx("@", 60, "-bad-")
                    .a("mx1", MX1),
            )
            .zone(Zone::signed("null.test.").mx("@", 0, "."))
            .zone(
                Zone::signed("mixed.test.")
                    .mx("@", 0, ".")
                    .mx("@", 5, "mx1"),
            )
            .zone(Zone::signed("implicit.test.").a("@", MX1))
    };
    let names = |seen: &Observation| -> Vec<String> {
        seen.hosts.iter().map(|host| host.name.clone()).collect()
    };

    let seen = look_at_dns(world(), "good.test").await;
    assert_eq!(
        names(&seen),
        [
            "mx1.good.test",
            "mx2.good.test",
            "192.0.2.20",
            "under_score.good.test",
            "-bad-.good.test",
        ]
    );
    let literal = host(&seen, "192.0.2.20");
    assert!(literal.a.is_none() && literal.tlsa.is_empty());
    assert_eq!(literal.addresses[0].address, MX2);
    assert_eq!(literal.addresses[0].sessions.len(), 1);
    let bad = host(&seen, "-bad-.good.test");
    assert!(bad.a.is_none() && bad.addresses.is_empty());

    for target in ["null.test", "mixed.test"] {
        let seen = look_at_dns(world(), target).await;
        assert!(seen.mx.is_some() && seen.hosts.is_empty(), "{target}");
    }

    let seen = look_at_dns(world(), "implicit.test").await;
    assert_eq!(brief(seen.mx.as_ref().unwrap()), "secure nodata");
    assert_eq!(names(&seen), ["implicit.test"]);

    let seen = look_at_dns(world(), "[mx1.good.test]:2525").await;
    assert!(seen.mx.is_none());
    assert_eq!(
        host(&seen, "mx1.good.test").tlsa[0].lookup.name,
        "_2525._tcp.mx1.good.test"
    );

    let seen = look_at_dns(world(), "[192.0.2.10]").await;
    assert_eq!(names(&seen), ["192.0.2.10"]);
}

#[tokio::test]
async fn an_error_at_the_expanded_name_ends_the_search() {
    let world = DnsWorld::new(now())
        .zone(
            Zone::signed("good.test.")
                .mx("@", 10, "alias")
                .cname("alias", "real")
                .a("real", MX1)
                .tlsa("_25._tcp.alias", "3 1 1 ab"),
        )
        .misbehaving("_25._tcp.real.good.test.", Rtype::TLSA, Odd::ServFail);
    let seen = look_at_dns(world, "good.test").await;
    // No server name: Postfix would not connect at all.
    assert_eq!(sessions(&seen).len(), 1);
    assert_eq!(
        tlsa(host(&seen, "alias.good.test")),
        ["real.good.test: servfail", "alias.good.test: secure 1"]
    );
}

#[tokio::test]
async fn a_slow_family_holds_up_nothing_in_the_other() {
    let world = base().misbehaving(
        "mx1.good.test.",
        Rtype::AAAA,
        Odd::DelayedBy(Duration::from_millis(300)),
    );
    let seen = look_at_dns(world, "good.test").await;
    let it = host(&seen, "mx1.good.test");
    assert_eq!(brief(it.aaaa.as_ref().unwrap()), "secure nodata");
}

#[tokio::test]
async fn a_record_set_is_taken_up_to_what_postfix_takes() {
    let zone = (0..120).fold(good(), |zone, number| {
        zone.tlsa("_25._tcp.mx1", &format!("3 1 1 {number:04x}"))
    });
    let seen = look_at_dns(DnsWorld::new(now()).zone(zone), "good.test").await;
    assert_eq!(
        tlsa(host(&seen, "mx1.good.test")),
        ["mx1.good.test: secure 100"]
    );
    assert_eq!(seen.cuts.len(), 1, "{:?}", seen.cuts);
}
